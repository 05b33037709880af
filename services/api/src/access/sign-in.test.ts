import { eventually } from '../testing/eventually.js';
import { TestBrowser } from '../testing/oidc.js';
import { guardedApi, type GuardedApi } from '../testing/signed-in.js';
import { testStack, type TestStack } from '../testing/stack.js';
import type { ProblemDetails } from '../http/problem.js';
import type { SessionJson } from './sign-in.controller.js';

describe('signing in', () => {
  let stack: TestStack;
  let api: GuardedApi;
  beforeAll(async () => {
    stack = await testStack();
    api = await guardedApi(stack, { LAUREL_OIDC_ROLE_NAMES: 'laurel-finance=analyst, https://x.example/a=b=admin' });
  });
  afterAll(async () => {
    await api.stop();
    await stack.stop();
  });

  const sessionIn = async (browser: TestBrowser): Promise<SessionJson> =>
    (await (await browser.ask(`${api.url}/v1/session`)).json()) as SessionJson;
  const problemOf = async (response: Response): Promise<unknown[]> => [
    response.status,
    ((await response.json()) as ProblemDetails).code,
  ];

  it('asks whoever is unknown to do so, and shows them nothing', async () => {
    const browser = new TestBrowser();
    const refused = await browser.ask(`${api.url}/v1/leaderboards/total_tokens`);
    expect(refused.headers.get('www-authenticate')).toBe('Bearer');
    expect(await problemOf(refused)).toEqual([401, 'sign_in_required']);
    expect(await sessionIn(browser)).toEqual({
      signed_in: false,
      user_id: null,
      role: null,
      scopes: [],
      teams: [],
      expires_at: null,
      sign_in_url: '/auth/login',
      csrf_token: null,
    });
  });

  it('goes by code and PKCE to the provider and back to where it began, and is kept from scripts', async () => {
    api.provider.signsInAs({ sub: 'u-7', roles: ['lead'], teams: ['red'] });
    const browser = new TestBrowser();
    const begun = await browser.ask(`${api.url}/auth/login?return_to=${encodeURIComponent('/people/u-7?window=7d')}`);
    const { origin, searchParams } = new URL(begun.headers.get('location') ?? '');
    expect(origin).toBe(api.provider.issuer);
    expect(Object.fromEntries(searchParams)).toMatchObject({
      response_type: 'code',
      client_id: 'laurel',
      code_challenge_method: 'S256',
      redirect_uri: `${api.url}/auth/callback`,
      scope: 'openid profile',
    });
    const back = await browser.visit(begun.headers.get('location') ?? '', `${api.url}/people`);
    expect(back.url).toBe(`${api.url}/people/u-7?window=7d`);
    const cookie = browser.set.find((one) => one.startsWith('laurel-session='));
    expect(cookie).toMatch(/; Max-Age=28800; Path=\/; HttpOnly; SameSite=Lax$/);
    expect(cookie).not.toContain('u-7');
    expect(browser.cookies(api.url)).not.toContain('signing-in');
    const session = await sessionIn(browser);
    expect(session).toMatchObject({
      signed_in: true,
      user_id: 'u-7',
      role: 'lead',
      scopes: ['board:read', 'export:team', 'people:read', 'self'],
      teams: ['red'],
      sign_in_url: null,
    });
    expect(Date.parse(session.expires_at ?? '') - Date.now()).toBeGreaterThan(7.9 * 3_600_000);
    expect((await browser.ask(`${api.url}/v1/leaderboards/total_tokens`)).status).toBe(200);
  });

  it.each([
    [{ sub: 'u-1' }, 'member'],
    [{ sub: 'u-1', roles: ['nobody-knows-this'] }, 'member'],
    [{ sub: 'u-1', roles: ['laurel-finance', 'lead'] }, 'analyst'],
    [{ sub: 'u-1', roles: 'other laurel-finance' }, 'analyst'],
    [{ sub: 'u-1', roles: ['https://x.example/a=b'] }, 'admin'],
  ])('takes roles from what the provider says: %j', async (account, role) => {
    expect((await sessionIn(await api.signIn(account))).role).toBe(role);
  });

  it('refuses what did not begin in this browser, was changed, or is used again', async () => {
    api.provider.signsInAs({ sub: 'u-1' });
    const browser = new TestBrowser();
    const { url: callback } = await browser.visit(`${api.url}/auth/login`, `${api.url}/auth/callback`);
    expect(await problemOf(await new TestBrowser().ask(callback))).toEqual([403, 'sign_in_failed']);

    const forged = new TestBrowser();
    await forged.ask(`${api.url}/auth/login`);
    expect(await problemOf(await forged.ask(callback))).toEqual([403, 'sign_in_failed']);

    expect((await browser.ask(callback)).status).toBe(302);
    expect(await problemOf(await browser.ask(callback))).toEqual([403, 'sign_in_failed']);

    // A code that was used is good for nobody, also with what was remembered.
    const other = new TestBrowser();
    const { url: second } = await other.visit(`${api.url}/auth/login`, `${api.url}/auth/callback`);
    const wrong = second.replace(/code=[^&]+/, 'code=made-up');
    expect(await problemOf(await other.ask(wrong))).toEqual([403, 'sign_in_failed']);
    expect((await sessionIn(other)).signed_in).toBe(false);
  });

  it('says so when the provider refuses', async () => {
    const browser = new TestBrowser();
    const begun = await browser.ask(`${api.url}/auth/login`);
    const state = new URL(begun.headers.get('location') ?? '').searchParams.get('state') ?? '';
    const answer = await browser.ask(
      `${api.url}/auth/callback?error=access_denied&state=${state}&iss=${encodeURIComponent(api.provider.issuer)}`,
    );
    expect(await problemOf(answer)).toEqual([403, 'sign_in_failed']);
  });

  it.each(['//elsewhere.example', '/\\elsewhere.example', 'https://elsewhere.example', 'x'])(
    'goes on to no other host: %s',
    async (returnTo) => {
      const answer = await fetch(`${api.url}/auth/login?return_to=${encodeURIComponent(returnTo)}`, {
        redirect: 'manual',
      });
      expect(await problemOf(answer)).toEqual([400, 'invalid_parameter']);
    },
  );

  it('believes no session that was changed, or that another installation made', async () => {
    const browser = await api.signIn({ sub: 'u-1', roles: ['admin'] });
    const cookie = browser.cookies(api.url);
    const status = async (text: string): Promise<number> =>
      (await fetch(`${api.url}/v1/titles`, { headers: { cookie: text } })).status;
    expect(await status(cookie)).toBe(200);
    const session = /laurel-session=([^;]+)/.exec(cookie)?.[1] ?? '';
    const parts = session.split('.');
    const changed = [
      ...parts.slice(0, 3),
      `${parts[3]?.startsWith('A') === true ? 'B' : 'A'}${parts[3]?.slice(1) ?? ''}`,
      parts[4],
    ];
    expect(await status(`laurel-session=${changed.join('.')}`)).toBe(401);
    const other = await guardedApi(stack, { LAUREL_API_SECRET: 'another-secret-of-32-characters-or-more' });
    expect((await fetch(`${other.url}/v1/titles`, { headers: { cookie } })).status).toBe(401);
    // What was remembered while signing in is no session.
    const begun = new TestBrowser();
    await begun.ask(`${api.url}/auth/login`);
    const remembered = /laurel-signing-in=([^;]+)/.exec(begun.cookies(api.url))?.[1] ?? '';
    expect(await status(`laurel-session=${remembered}`)).toBe(401);
    await other.stop();
  });

  it('holds over a restart', async () => {
    const own = await guardedApi(stack);
    const browser = await own.signIn({ sub: 'u-1' });
    // The provider stays; only the API is another one.
    const again = await stack.startApi({ ...own.environment, LAUREL_HTTP_PORT: '0' });
    const answer = await fetch(`${again.url}/v1/titles`, { headers: { cookie: browser.cookies(own.url) } });
    expect(answer.status).toBe(200);
    await again.stop();
    await own.stop();
  });

  it('ends by our own page alone, and tells where to end it at the provider', async () => {
    const browser = await api.signIn({ sub: 'u-1' });
    const signOut = (headers: Record<string, string>): Promise<Response> =>
      browser.ask(`${api.url}/auth/logout`, { method: 'POST', headers });
    const { csrf_token: token } = await sessionIn(browser);
    if (token === null) throw new Error('whoever is signed in has one');
    expect(await problemOf(await signOut({}))).toEqual([403, 'csrf_refused']);
    expect(await problemOf(await signOut({ 'x-csrf-token': `${token}x` }))).toEqual([403, 'csrf_refused']);
    expect(await problemOf(await signOut({ 'x-csrf-token': token, 'sec-fetch-site': 'cross-site' }))).toEqual([
      403,
      'csrf_refused',
    ]);
    // Somebody else's token is of no use.
    const { csrf_token: others } = await sessionIn(await api.signIn({ sub: 'u-2' }));
    expect(await problemOf(await signOut({ 'x-csrf-token': others ?? '' }))).toEqual([403, 'csrf_refused']);
    const ended = await signOut({ 'x-csrf-token': token, 'sec-fetch-site': 'same-origin' });
    expect(ended.status).toBe(200);
    const { provider_url: at } = (await ended.json()) as { provider_url: string };
    expect(at.startsWith(`${api.provider.issuer}/session/end?`)).toBe(true);
    expect((await sessionIn(browser)).signed_in).toBe(false);
  });

  it('keeps its cookies to HTTPS and to one host where people come by HTTPS', async () => {
    const secure = await stack.startApi({
      ...api.environment,
      LAUREL_HTTP_PORT: '0',
      LAUREL_API_PUBLIC_URL: 'https://laurel.example.com',
    });
    const browser = new TestBrowser();
    await browser.ask(`${secure.url}/auth/login`);
    expect(browser.set[0]).toMatch(/^__Host-laurel-signing-in=.*; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    await secure.stop();
  });

  it('answers 503 while the provider is away, and works when it is back', async () => {
    const own = await guardedApi(stack);
    await own.provider.stop();
    const browser = new TestBrowser();
    const away = await browser.ask(`${own.url}/auth/login`);
    expect(Number(away.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await problemOf(away)).toEqual([503, 'sign_in_unavailable']);
    // Everything else goes on.
    expect((await browser.ask(`${own.url}/v1/session`)).status).toBe(200);
    const other = await stack.startApi({
      ...own.environment,
      LAUREL_HTTP_PORT: '0',
      LAUREL_OIDC_ISSUER: api.provider.issuer,
    });
    await eventually(async () =>
      (await fetch(`${other.url}/auth/login`, { redirect: 'manual' })).status === 302 ? true : undefined,
    );
    await other.stop();
  });

  it('is not there where no provider is set', async () => {
    const open = await stack.startApi();
    expect(await problemOf(await fetch(`${open.url}/auth/login`))).toEqual([404, 'no_sign_in']);
    await open.stop();
  });

  it.each([
    [{ LAUREL_API_SECRET: '' }, 'LAUREL_API_SECRET'],
    [{ LAUREL_API_PUBLIC_URL: '' }, 'LAUREL_API_PUBLIC_URL'],
    [{ LAUREL_OIDC_ISSUER: 'http://provider.example.com' }, 'LAUREL_OIDC_ISSUER'],
    [{ LAUREL_OIDC_ROLE_NAMES: 'admins=boss' }, 'LAUREL_OIDC_ROLE_NAMES'],
    [{ LAUREL_API_SECRET: 'short' }, 'LAUREL_API_SECRET'],
  ])('does not start with settings that do not go together: %j', async (settings, named) => {
    await expect(stack.startApi({ ...api.environment, LAUREL_HTTP_PORT: '0', ...settings })).rejects.toThrow(named);
  });
});
