import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import Provider from 'oidc-provider';

export interface TestAccount {
  readonly sub: string;
  readonly roles?: readonly string[] | string;
  readonly teams?: readonly string[];
}

export interface TestProvider {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Whoever comes to it next is this one, and agrees to everything. */
  signsInAs(account: TestAccount): void;
  readonly stop: () => Promise<void>;
}

/** A real OpenID provider on this machine, that asks nobody for a password. */
export async function testProvider(apiUrl: string): Promise<TestProvider> {
  const accounts = new Map<string, TestAccount>();
  let next: TestAccount = { sub: 'u-1' };
  let handle: (request: IncomingMessage, response: ServerResponse) => void = () => undefined;
  const server = createServer((request, response) => handle(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('it listens');
  const issuer = `http://127.0.0.1:${address.port}`;
  const [clientId, clientSecret] = ['laurel', 'a-secret-of-the-client'];
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [`${apiUrl}/auth/callback`],
        post_logout_redirect_uris: [apiUrl],
        response_types: ['code'],
        grant_types: ['authorization_code'],
      },
    ],
    pkce: { required: () => true },
    claims: { openid: ['sub', 'roles', 'teams'], profile: ['name'] },
    // As most providers do: what is asked for stands in the ID token.
    conformIdTokenClaims: false,
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ ...accounts.get(id), sub: id }) }),
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true } },
    cookies: { keys: ['of-this-test'] },
  });
  const answer = provider.callback();
  const interact = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { prompt, params } = await provider.interactionDetails(request, response);
    accounts.set(next.sub, next);
    if (prompt.name === 'login') {
      await provider.interactionFinished(request, response, { login: { accountId: next.sub } });
      return;
    }
    const grant = new provider.Grant({ accountId: next.sub, clientId: String(params['client_id']) });
    grant.addOIDCScope('openid profile');
    await provider.interactionFinished(
      request,
      response,
      { consent: { grantId: await grant.save() } },
      { mergeWithLastSubmission: true },
    );
  };
  handle = (request, response) => {
    if (request.url?.startsWith('/interaction/') === true) {
      interact(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
    } else void answer(request, response);
  };
  return {
    issuer,
    clientId,
    clientSecret,
    signsInAs(account) {
      next = account;
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** As much of a browser as a sign-in needs: it keeps cookies by origin, and follows redirects. */
export class TestBrowser {
  private readonly jars = new Map<string, Map<string, string>>();
  /** Every Set-Cookie that came, as it was written. */
  readonly set: string[] = [];

  /** One request; redirects are not followed. */
  async ask(url: string, init: RequestInit = {}): Promise<Response> {
    const { origin } = new URL(url);
    const jar = this.jars.get(origin) ?? new Map<string, string>();
    this.jars.set(origin, jar);
    const headers = new Headers(init.headers);
    if (jar.size > 0) headers.set('cookie', [...jar].map(([name, value]) => `${name}=${value}`).join('; '));
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
    for (const cookie of response.headers.getSetCookie()) {
      this.set.push(cookie);
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (value === '' || /max-age=0|expires=thu, 01 jan 1970/i.test(cookie)) jar.delete(name);
      else jar.set(name, value);
    }
    return response;
  }

  /** Follows redirects until there is an answer, or one leads to an address that begins with `until`. */
  async visit(url: string, until?: string): Promise<{ readonly url: string; readonly response: Response }> {
    let at = url;
    for (let hop = 0; hop < 20; hop += 1) {
      const response = await this.ask(at);
      const location = response.headers.get('location');
      if (location === null) return { url: at, response };
      at = new URL(location, at).href;
      if (until !== undefined && at.startsWith(until)) return { url: at, response };
    }
    throw new Error(`${url} leads round and round`);
  }

  /** What this browser would send to an origin. */
  cookies(origin: string): string {
    return [...(this.jars.get(origin) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ');
  }
}
