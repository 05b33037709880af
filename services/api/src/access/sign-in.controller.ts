import { Controller, HttpCode, Inject, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { accessScopes, roles } from '@laurel/policy';
import { z } from 'zod';
import { component } from '../http/components.js';
import { Endpoint, JSON_TYPE, Serves } from '../http/endpoint.js';
import { Problem } from '../http/problem.js';
import { callerOf } from './caller.js';
import { sessionOf, type ClaimNames } from './identity.js';
import type { Provider } from './provider.js';
import { Sessions } from './sessions.js';

export const SIGN_IN = Symbol('sign-in');

/** How people sign in; null where they can't. */
export interface SignIn {
  readonly provider: Provider;
  readonly claims: ClaimNames;
  /** The address under which people know this service. */
  readonly publicUrl: string;
}

export const LOGIN_PATH = '/auth/login';
export const CALLBACK_PATH = '/auth/callback';

const TAG = 'Sign-in';

const sessionSchema = component(
  'Session',
  z.object({
    signed_in: z.boolean(),
    user_id: z.string().nullable().describe('the pseudonym; null for whoever is no person'),
    role: z.enum(roles).nullable(),
    scopes: z.array(z.enum(accessScopes)).readonly().describe('what is allowed, in alphabetical order'),
    teams: z.array(z.string()).readonly().describe('of which `export:team` gives tables'),
    expires_at: z.iso.datetime().nullable(),
    sign_in_url: z.string().nullable().describe('null where nobody can sign in, or whoever asks has'),
    csrf_token: z
      .string()
      .nullable()
      .describe('to be sent as X-CSRF-Token with all but GET; null where none is needed'),
  }),
);
export type SessionJson = Readonly<z.output<typeof sessionSchema>>;

const sessionEndpoint = new Endpoint({
  id: 'getSession',
  path: '/v1/session',
  tag: TAG,
  access: 'public',
  summary: 'Who asks, and what they may do',
  answer: { description: 'What is known of whoever asks', content: { [JSON_TYPE]: sessionSchema } },
  problems: [],
});

/** A path of our own, and of nobody else's: //elsewhere.example is another host. */
const returnToParameter = z
  .string()
  .max(2000)
  .regex(/^\/(?![/\\])[^\s\\]*$/, 'is not a path of this host')
  .default('/')
  .describe('where to go on afterwards: a path of this host');

const loginEndpoint = new Endpoint({
  id: 'signIn',
  path: LOGIN_PATH,
  tag: TAG,
  access: 'public',
  summary: 'Begins to sign somebody in',
  description: 'Authorization code with PKCE (OpenID Connect), at the provider that the company has set.',
  parameters: { query: { return_to: returnToParameter } },
  answer: { status: 302, description: 'To the provider', content: {} },
  problems: ['no_sign_in', 'sign_in_unavailable'],
});

const callbackEndpoint = new Endpoint({
  id: 'finishSignIn',
  path: CALLBACK_PATH,
  tag: TAG,
  access: 'public',
  summary: 'Where the provider sends people back to',
  description: 'With `code` and `state`, or with `error`, and whatever else the provider says.',
  answer: { status: 302, description: 'Signed in, and on to where it began', content: {} },
  problems: ['no_sign_in', 'sign_in_failed', 'sign_in_unavailable'],
});

const signedOutSchema = z.object({
  provider_url: z
    .string()
    .nullable()
    .describe('where to go to be signed out at the provider too; null without such a place'),
});

const logoutEndpoint = new Endpoint({
  id: 'signOut',
  method: 'POST',
  path: '/auth/logout',
  tag: TAG,
  access: 'public',
  summary: 'Ends the session of this browser',
  answer: { description: 'It is over', content: { [JSON_TYPE]: signedOutSchema } },
  problems: [],
});

@Controller()
export class SignInController {
  constructor(
    @Inject(SIGN_IN) private readonly signIn: SignIn | null,
    @Inject(Sessions) private readonly sessions: Sessions,
  ) {}

  @Serves(sessionEndpoint)
  session(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): SessionJson {
    const { kind, userId, role, scopes, teams, untilMs, name } = callerOf(request);
    const isSignedIn = kind === 'person';
    // It has a secret in it, which no cache of a browser need have.
    void reply.header('cache-control', 'private, no-store');
    return {
      signed_in: isSignedIn,
      user_id: userId,
      role,
      scopes: [...scopes].sort(),
      teams,
      expires_at: untilMs === Infinity ? null : new Date(untilMs).toISOString(),
      sign_in_url: this.signIn === null || kind !== 'anonymous' ? null : LOGIN_PATH,
      csrf_token: isSignedIn ? reply.generateCsrf({ userInfo: name }) : null,
    };
  }

  @Serves(loginEndpoint)
  async login(@Query() query: unknown, @Res() reply: FastifyReply): Promise<void> {
    const given = loginEndpoint.read({ query });
    const { location, signingIn } = await this.required().provider.begin(given.query.return_to);
    await this.sessions.remember(reply, signingIn);
    void reply.redirect(location.href, 302);
  }

  // Not read strictly: providers add parameters of their own, and what counts is checked against what was remembered.
  @Serves(callbackEndpoint)
  async callback(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { provider, claims } = this.required();
    const signingIn = await this.sessions.recall(request, reply);
    if (signingIn === undefined) {
      throw new Problem(
        'sign_in_failed',
        'This sign-in did not begin in this browser, or too long ago; sign in again.',
      );
    }
    const said = await provider.finish(request.url.split('?')[1] ?? '', signingIn);
    await this.sessions.begin(reply, sessionOf(said, claims));
    void reply.redirect(signingIn.returnTo, 302);
  }

  @Serves(logoutEndpoint)
  @HttpCode(200)
  async logout(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.output<typeof signedOutSchema>> {
    this.sessions.end(reply);
    const isSignedIn = callerOf(request).kind === 'person';
    if (this.signIn === null || !isSignedIn) return { provider_url: null };
    const { provider, publicUrl } = this.signIn;
    // Signed out here they are in any case.
    const provider_url = await provider.endOfSession(publicUrl).catch(() => null);
    return { provider_url };
  }

  /** @throws Problem `no_sign_in`. */
  private required(): SignIn {
    if (this.signIn === null) throw new Problem('no_sign_in', 'No provider is set: LAUREL_OIDC_ISSUER.');
    return this.signIn;
  }
}
