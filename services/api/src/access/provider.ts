import {
  allowInsecureRequests,
  AuthorizationResponseError,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  buildEndSessionUrl,
  calculatePKCECodeChallenge,
  ClientError,
  discovery,
  None,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
  ResponseBodyError,
  type Configuration,
} from 'openid-client';
import { passingProblem, Problem } from '../http/problem.js';
import type { SigningIn } from './sessions.js';

export interface ProviderOptions {
  readonly issuer: string;
  readonly clientId: string;
  /** Undefined for a public client: PKCE alone. */
  readonly clientSecret: string | undefined;
  /** Space-separated, with openid. */
  readonly scopes: string;
  /** Where the provider sends people back to. */
  readonly redirectUri: string;
}

export type Claims = Readonly<Record<string, unknown>>;

/** How long the provider may take to answer us, in seconds. */
const TIMEOUT_S = 10;

/** The company's OpenID provider: authorization code with PKCE, state and nonce. */
export class Provider {
  private discovered: Promise<Configuration> | undefined;

  constructor(private readonly options: ProviderOptions) {}

  /**
   * Where to send somebody, and what to remember meanwhile.
   *
   * @throws Problem `sign_in_unavailable` when the provider does not answer.
   */
  async begin(returnTo: string): Promise<{ readonly location: URL; readonly signingIn: SigningIn }> {
    const configuration = await this.configuration();
    const signingIn = { state: randomState(), nonce: randomNonce(), verifier: randomPKCECodeVerifier(), returnTo };
    const location = buildAuthorizationUrl(configuration, {
      redirect_uri: this.options.redirectUri,
      scope: this.options.scopes,
      code_challenge: await calculatePKCECodeChallenge(signingIn.verifier),
      code_challenge_method: 'S256',
      state: signingIn.state,
      nonce: signingIn.nonce,
    });
    return { location, signingIn };
  }

  /**
   * What the provider says of whoever it sent back; the signature, issuer, audience, times, state and nonce are checked.
   *
   * @param query of the address that they came back to.
   * @throws Problem `sign_in_failed` when it does not say so, `sign_in_unavailable` when it does not answer.
   */
  async finish(query: string, { state, nonce, verifier }: SigningIn): Promise<Claims> {
    const configuration = await this.configuration();
    try {
      const tokens = await authorizationCodeGrant(configuration, new URL(`${this.options.redirectUri}?${query}`), {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
        idTokenExpected: true,
      });
      return tokens.claims() ?? {};
    } catch (error) {
      throw problemOf(error);
    }
  }

  /** Where to send whoever signs out, so that they are signed out there too; null where the provider has no such place. */
  async endOfSession(returnTo: string): Promise<string | null> {
    const configuration = await this.configuration();
    if (configuration.serverMetadata().end_session_endpoint === undefined) return null;
    return buildEndSessionUrl(configuration, { post_logout_redirect_uri: returnTo }).href;
  }

  /** Once it is known; asked for again after a failure. */
  private async configuration(): Promise<Configuration> {
    this.discovered ??= this.discover();
    try {
      return await this.discovered;
    } catch (cause) {
      this.discovered = undefined;
      throw passingProblem('sign_in_unavailable', 'The sign-in provider does not answer; try again shortly.', cause);
    }
  }

  private async discover(): Promise<Configuration> {
    const { issuer, clientId, clientSecret } = this.options;
    const server = new URL(issuer);
    return discovery(server, clientId, clientSecret, clientSecret === undefined ? None() : undefined, {
      timeout: TIMEOUT_S,
      // The settings allow http to this machine alone.
      execute: server.protocol === 'http:' ? [allowInsecureRequests] : [],
    });
  }
}

/** The provider refused, or answered what is not to be believed; or it did not answer. */
function problemOf(error: unknown): Problem {
  if (error instanceof AuthorizationResponseError || error instanceof ResponseBodyError)
    return new Problem('sign_in_failed', `The provider said ${error.error}.`, { cause: error });
  if (error instanceof ClientError && error.code !== 'OAUTH_TIMEOUT' && error.code !== 'OAUTH_ABORT')
    return new Problem('sign_in_failed', 'What the provider answered is not to be believed; sign in again.', {
      cause: error,
    });
  return passingProblem('sign_in_unavailable', 'The sign-in provider does not answer; try again shortly.', error);
}
