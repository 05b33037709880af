import type { ProblemDetails } from '../http/problem.js';
import { Contract } from '../testing/contract.js';
import { usage } from '../testing/events.js';
import { eventually } from '../testing/eventually.js';
import { guardedApi, type GuardedApi } from '../testing/signed-in.js';
import { testStack, type TestStack } from '../testing/stack.js';

const yesterday = new Date(Date.now() - 86_400_000).toISOString();
const PEOPLE = ['u-ada', 'u-bo', 'u-cy', 'u-dee'];

interface Choice {
  readonly visibility: string;
  readonly figures: string;
  readonly name: string | null;
  readonly handle: string | null;
  readonly chosen_by: string | null;
}

describe('one’s own choice', () => {
  let stack: TestStack;
  let api: GuardedApi;
  let contract: Contract;
  /** By pseudonym: what a browser of theirs sends along. */
  const signedIn = new Map<string, Readonly<Record<string, string>>>();

  beforeAll(async () => {
    stack = await testStack();
    await stack.store(
      PEOPLE.map((user_id, place) => usage({ user_id, occurred_at: yesterday, tokens: { input: 98_765 - place } })),
    );
    api = await guardedApi(stack);
    contract = await Contract.of(api.url);
    for (const sub of PEOPLE) {
      const browser = await api.signIn({ sub, roles: [sub === 'u-dee' ? 'admin' : 'member'], teams: [] });
      const session = (await (await browser.ask(`${api.url}/v1/session`)).json()) as { csrf_token: string };
      signedIn.set(sub, { cookie: browser.cookies(api.url), 'x-csrf-token': session.csrf_token });
    }
  });
  afterAll(async () => {
    await api.stop();
    await stack.stop();
  });

  interface Asking {
    readonly url?: string;
    readonly query?: string;
    readonly headers?: Readonly<Record<string, string>> | undefined;
  }

  async function ask(method: 'GET' | 'PATCH' | 'DELETE', body?: unknown, { url, query, headers }: Asking = {}) {
    const response = await fetch(`${url ?? api.url}/v1/me/choice${query ?? ''}`, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const operation = contract.operations.find((one) => one.path === '/v1/me/choice' && one.method === method);
    if (operation === undefined) throw new Error(`there is no ${method}`);
    expect(await contract.faultsOf(operation, response.clone())).toEqual([]);
    return { status: response.status, body: (await response.json()) as Choice & ProblemDetails };
  }
  const as = (userId: string): Asking => ({ headers: signedIn.get(userId) });
  const shownTo = async (
    reader: string,
  ): Promise<readonly { user_id: string; handle: string; total_tokens: string }[]> => {
    const answer = await fetch(`${api.url}/v1/leaderboards/total_tokens`, { headers: signedIn.get(reader) ?? {} });
    return ((await answer.json()) as { entries: { user_id: string; handle: string; total_tokens: string }[] }).entries;
  };

  it('is the company’s default until one chooses, holds from the answer on, and can be taken back', async () => {
    expect((await ask('GET', undefined, as('u-ada'))).body).toMatchObject({
      user_id: 'u-ada',
      visibility: 'handle',
      figures: 'exact',
      name: null,
      handle: null,
      chosen_by: null,
      chosen_at: null,
    });
    const chosen = await ask('PATCH', { handle: 'Quiet-Crow', figures: 'rounded' }, as('u-ada'));
    expect(chosen).toMatchObject({
      status: 200,
      body: { visibility: 'handle', handle: 'quiet-crow', figures: 'rounded', chosen_by: 'self' },
    });
    expect((await shownTo('u-bo')).find(({ user_id: id }) => id === 'u-ada')?.handle).toBe('quiet-crow');
    await ask('PATCH', { visibility: 'hidden' }, as('u-ada'));
    expect((await shownTo('u-bo')).map(({ user_id: id }) => id)).not.toContain('u-ada');
    // What is not named stays.
    expect((await ask('GET', undefined, as('u-ada'))).body).toMatchObject({
      visibility: 'hidden',
      handle: 'quiet-crow',
    });
    expect((await ask('DELETE', undefined, as('u-ada'))).body).toMatchObject({ visibility: 'handle', chosen_by: null });
    // A board follows with its next reading.
    await eventually(async () => (await shownTo('u-bo')).some(({ user_id: id }) => id === 'u-ada') || undefined);
  });

  it.each<[unknown, string, string]>([
    [{ visibility: 'name' }, 'name', 'who is shown by name needs one'],
    [{ handle: 'x' }, 'handle', '3 to 32'],
    [{ handle: 'calm-otter-482913' }, 'handle', 'generated'],
    [{ name: 'a\u202eb' }, 'name', 'control characters'],
    [{ visibility: 'gone' }, 'visibility', 'Invalid option'],
    [{ colour: 'red' }, 'colour', 'is not known here'],
    [{}, 'body', 'it names nothing to change'],
    ['[]', 'body', 'expected object'],
  ])('is refused as %j, with the field at fault, and nothing is changed', async (body, parameter, detail) => {
    const before = (await ask('GET', undefined, as('u-bo'))).body;
    const answer = await ask('PATCH', body, as('u-bo'));
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_parameter' } });
    expect(answer.body.errors).toEqual([
      expect.objectContaining({ parameter, in: 'body', detail: expect.stringContaining(detail) as string }),
    ]);
    expect((await ask('GET', undefined, as('u-bo'))).body).toEqual(before);
  });

  it('gives one handle to one of those who want it at the same moment, and the others their other wishes', async () => {
    const answers = await Promise.all(PEOPLE.map((user) => ask('PATCH', { handle: 'wanted' }, as(user))));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409]);
    expect(answers.filter(({ status }) => status === 409).map(({ body }) => body.code)).toEqual(
      Array(3).fill('handle_taken'),
    );
    const others = await Promise.all(PEOPLE.map((user) => ask('PATCH', { figures: 'bands' }, as(user))));
    expect(others.map(({ status, body }) => [status, body.figures])).toEqual(PEOPLE.map(() => [200, 'bands']));
    await Promise.all(PEOPLE.map((user) => ask('DELETE', undefined, as(user))));
  });

  it('is nobody else’s: not an admin’s, not another site’s, not a program’s', async () => {
    const hide = { visibility: 'hidden' };
    expect(await ask('PATCH', hide, { ...as('u-dee'), query: '?user=u-bo' })).toMatchObject({
      status: 403,
      body: { code: 'not_permitted' },
    });
    const { cookie = '' } = signedIn.get('u-bo') ?? {};
    expect((await ask('PATCH', hide, { headers: { cookie } })).body.code).toBe('csrf_refused');
    const crossSite = { ...signedIn.get('u-bo'), 'sec-fetch-site': 'cross-site' };
    expect((await ask('PATCH', hide, { headers: crossSite })).body.code).toBe('csrf_refused');
    expect((await ask('PATCH', hide, { query: '?user=u-bo' })).status).toBe(401);
    expect((await shownTo('u-bo')).map(({ user_id: id }) => id)).toContain('u-bo');
  });

  it('is that of whom one says to be only where everybody may do everything', async () => {
    const open = await stack.startApi();
    const url = open.url;
    expect((await ask('GET', undefined, { url })).status).toBe(401);
    expect(await ask('PATCH', { visibility: 'hidden' }, { url, query: '?user=u-cy' })).toMatchObject({
      status: 200,
      body: { user_id: 'u-cy', chosen_by: 'admin' },
    });
    expect(await ask('DELETE', undefined, { url, query: '?user=u-cy' })).toMatchObject({ status: 200 });
    const from = { url, query: '?user=u-cy', headers: { 'sec-fetch-site': 'cross-site' } };
    expect((await ask('PATCH', { visibility: 'hidden' }, from)).body.code).toBe('csrf_refused');
    await open.stop();
    const members = await stack.startApi({ LAUREL_API_ANONYMOUS: 'member' });
    expect((await ask('PATCH', { visibility: 'hidden' }, { url: members.url, query: '?user=u-cy' })).status).toBe(401);
    await members.stop();
  });
});
