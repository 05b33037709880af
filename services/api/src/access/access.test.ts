import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { readAccesses } from '@laurel/clickhouse';
import type { AccessScope, Role } from '@laurel/policy';
import type { ProblemDetails } from '../http/problem.js';
import { Contract, type Operation } from '../testing/contract.js';
import { award, usage } from '../testing/events.js';
import { eventually } from '../testing/eventually.js';
import { guardedApi, makeToken, type GuardedApi } from '../testing/signed-in.js';
import { testStack, type TestStack } from '../testing/stack.js';

const yesterday = new Date(Date.now() - 86_400_000).toISOString();

type Who = 'nobody' | Role | 'board token' | 'people token' | 'bare token' | 'expired token';
type Verdict = 'yes' | 'no';

const EVERYBODY = {
  nobody: 'yes',
  members: 'yes',
  analysts: 'yes',
  admins: 'yes',
  boardToken: 'yes',
  peopleToken: 'yes',
} as const;
const BOARD = {
  nobody: 'no',
  members: 'yes',
  analysts: 'yes',
  admins: 'yes',
  boardToken: 'yes',
  peopleToken: 'no',
} as const;

const NOBODY_BUT_ADMINS = {
  nobody: 'no',
  members: 'no',
  analysts: 'no',
  admins: 'yes',
  boardToken: 'no',
  peopleToken: 'no',
} as const;
const PEOPLE = { ...BOARD, boardToken: 'no', peopleToken: 'yes' } as const;

/** For each operation of the document: who may. Leads may what members may, tables apart. A new endpoint needs a row. */
const table: Readonly<
  Record<
    string,
    Readonly<Record<'nobody' | 'members' | 'analysts' | 'admins' | 'boardToken' | 'peopleToken', Verdict>> & {
      readonly path: string;
    }
  >
> = {
  getLeaderboard: { path: '/v1/leaderboards/total_tokens', ...BOARD },
  getModels: { path: '/v1/models', ...BOARD },
  getTeams: { path: '/v1/teams', ...BOARD },
  listTitles: { path: '/v1/titles', ...BOARD },
  listTitleRules: { path: '/v1/titles/rules', ...BOARD },
  listTitleHolders: { path: '/v1/titles/holders', ...BOARD },
  listAwards: { path: '/v1/awards', ...BOARD },
  streamAwards: { path: '/v1/awards/stream', ...BOARD },
  streamLeaderboard: { path: '/v1/leaderboards/total_tokens/stream', ...BOARD },
  getTrends: { path: '/v1/leaderboards/total_tokens/trends', ...BOARD },
  getModelDays: { path: '/v1/models/days', ...BOARD },
  streamFigures: { path: '/v1/figures/stream', ...BOARD },
  getUser: { path: '/v1/users/u-1', ...PEOPLE },
  getHistory: { path: '/v1/users/u-1/history', ...PEOPLE },
  getSessions: { path: '/v1/users/u-1/sessions', ...PEOPLE },
  getPersonTitles: { path: '/v1/users/u-1/titles', ...PEOPLE },
  getBadge: { path: '/v1/users/u-1/badge.svg', ...PEOPLE },
  getOwnSignals: { path: '/v1/me/signals', ...PEOPLE, peopleToken: 'no' },
  getOwnChoice: { path: '/v1/me/choice', ...PEOPLE, peopleToken: 'no' },
  changeOwnChoice: { path: '/v1/me/choice', ...PEOPLE, peopleToken: 'no' },
  resetOwnChoice: { path: '/v1/me/choice', ...PEOPLE, peopleToken: 'no' },
  getOperations: { path: '/v1/operations', ...NOBODY_BUT_ADMINS },
  listAccesses: { path: '/v1/access-log', ...NOBODY_BUT_ADMINS },
  getSession: { path: '/v1/session', ...EVERYBODY },
  signIn: { path: '/auth/login', ...EVERYBODY },
  finishSignIn: { path: '/auth/callback?code=x&state=y', ...EVERYBODY },
  signOut: { path: '/auth/logout', ...EVERYBODY },
  getOpenApi: { path: '/v1/openapi.json', ...EVERYBODY },
  getReference: { path: '/v1/reference', ...EVERYBODY },
  getHealth: { path: '/health', ...EVERYBODY },
  getReadiness: { path: '/ready', ...EVERYBODY },
  getMetrics: { path: '/metrics', ...EVERYBODY },
};

/** Those that have tables, and whether whoever it is may have them: of the whole company, of their own team, of another. */
const tables: readonly (readonly [path: string, who: Who, verdict: Verdict])[] = (
  [
    ['member', 'no', 'no', 'no'],
    ['lead', 'no', 'yes', 'no'],
    ['analyst', 'yes', 'yes', 'yes'],
    ['admin', 'yes', 'yes', 'yes'],
    ['nobody', 'no', 'no', 'no'],
    ['board token', 'no', 'no', 'no'],
  ] as const
).flatMap(([who, company, own, other]) => [
  ['/v1/leaderboards/total_tokens', who, company] as const,
  ['/v1/leaderboards/total_tokens?scope=team:red', who, own] as const,
  ['/v1/leaderboards/total_tokens?scope=team:blue', who, other] as const,
  ['/v1/awards', who, company] as const,
  ['/v1/models', who, company] as const,
  ['/v1/teams', who, company] as const,
]);

describe('who may see what', () => {
  let stack: TestStack;
  let api: GuardedApi;
  let contract: Contract;
  const headers = new Map<Who, Readonly<Record<string, string>>>();

  beforeAll(async () => {
    stack = await testStack();
    await stack.store(
      ['u-1', 'u-2', 'u-hidden'].map((user_id) =>
        usage({ user_id, occurred_at: yesterday, tokens: { input: 1000 }, team: 'red' }),
      ),
    );
    await stack.append([award(0, { user_id: 'u-hidden' })]);
    await stack.choose('u-hidden', { visibility: 'hidden', handle: 'shy-one' });
    api = await guardedApi(stack);
    contract = await Contract.of(api.url);
    headers.set('nobody', {});
    for (const role of ['member', 'lead', 'analyst', 'admin'] as const) {
      const browser = await api.signIn({ sub: `u-of-${role}`, roles: [role], teams: ['red'] });
      const session = (await (await browser.ask(`${api.url}/v1/session`)).json()) as { csrf_token: string };
      headers.set(role, { cookie: browser.cookies(api.url), 'x-csrf-token': session.csrf_token });
    }
    const bearer = async (scopes: readonly AccessScope[], expiresAtMs?: number) => ({
      authorization: `Bearer ${(await makeToken(stack, scopes, expiresAtMs)).token}`,
    });
    headers.set('board token', await bearer(['board:read']));
    headers.set('people token', await bearer(['people:read']));
    headers.set('bare token', await bearer([]));
    headers.set('expired token', await bearer(['board:read', 'people:read', 'access:read'], Date.now() - 1));
  });
  afterAll(async () => {
    await api.stop();
    await stack.stop();
  });

  async function ask(who: Who, path: string, method = 'GET', more: Readonly<Record<string, string>> = {}) {
    const aborted = new AbortController();
    const response = await fetch(api.url + path, {
      method,
      headers: { ...headers.get(who), ...more },
      redirect: 'manual',
      signal: aborted.signal,
    });
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
    const body = isStream ? '' : await response.text();
    aborted.abort();
    return { status: response.status, body };
  }

  const codeOf = (body: string): string => (JSON.parse(body) as ProblemDetails).code;

  /** What refuses, as it has to be said to this one; undefined for what let them through. */
  function refusalOf({ status, body }: { readonly status: number; readonly body: string }): string | undefined {
    if (status !== 401 && status !== 403) return undefined;
    const code = codeOf(body);
    return code === 'sign_in_failed' ? undefined : code;
  }

  const operationOf = (id: string): Operation => {
    const found = contract.operations.find(({ operationId }) => operationId === id);
    if (found === undefined) throw new Error(`there is no ${id}`);
    return found;
  };

  it('is said of every endpoint there is', () => {
    expect(Object.keys(table).sort()).toEqual(contract.operations.map(({ operationId }) => operationId).sort());
  });

  const cells = Object.entries(table).flatMap(([id, row]) =>
    (
      [
        ['nobody', row.nobody],
        ['member', row.members],
        ['lead', row.members],
        ['analyst', row.analysts],
        ['admin', row.admins],
        ['board token', row.boardToken],
        ['people token', row.peopleToken],
        ['bare token', row.nobody],
      ] as const
    ).map(([who, verdict]) => [id, who, verdict] as const),
  );
  it.each(cells)('%s, asked by %s: %s', async (id, who, verdict) => {
    const { method } = operationOf(id);
    const answer = await ask(who, table[id]?.path ?? '', method);
    const refused = who === 'nobody' ? 'sign_in_required' : 'not_permitted';
    expect(refusalOf(answer)).toBe(verdict === 'yes' ? undefined : refused);
    expect(answer.status).toBeLessThan(500);
  });

  it.each(Object.keys(table))('%s refuses an expired token, unless it asks nobody', async (id) => {
    const operation = operationOf(id);
    const answer = await ask('expired token', table[id]?.path ?? '', operation.method);
    const asksNobody = !('401' in operation.responses);
    expect(refusalOf(answer)).toBe(asksNobody ? undefined : 'invalid_token');
    expect(asksNobody).toBe(['getHealth', 'getReadiness', 'getMetrics'].includes(id));
  });

  it.each(tables)('a table of %s, asked for by %s: %s', async (path, who, verdict) => {
    for (const accept of ['text/csv', 'application/vnd.apache.arrow.stream']) {
      const answer = await ask(who, path, 'GET', { accept });
      const refused = who === 'nobody' ? 'sign_in_required' : 'not_permitted';
      expect(refusalOf(answer)).toBe(verdict === 'yes' ? undefined : refused);
      if (verdict === 'yes') expect(answer.status).toBe(200);
    }
  });

  it('shows days that stand out to the person themselves, and to nobody else', async () => {
    const roll = { day: yesterday.slice(0, 10), part: 'hours', roll_id: '1' };
    const signal = { user_id: 'u-of-member', signal: 'round_the_clock', evidence: { own_hours: '19' } };
    const format = 'JSONEachRow';
    await stack.clickhouse.insert({ table: 'fair_play_signals', format, values: [{ ...roll, ...signal }] });
    await stack.clickhouse.insert({ table: 'fair_play_heads', format, values: [{ ...roll, rests_on: '' }] });
    const signalsOf = async (who: Who): Promise<unknown> =>
      (JSON.parse((await ask(who, '/v1/me/signals')).body) as { signals: unknown }).signals;
    expect(await signalsOf('member')).toEqual([
      {
        day: roll.day,
        signal: 'round_the_clock',
        text: 'own calls in 19 of the day’s 24 hours',
        evidence: { own_hours: '19' },
        review: null,
      },
    ]);
    expect(await signalsOf('admin')).toEqual([]);
  });

  it('shows nobody to anybody who is hidden, in no answer and no table', async () => {
    for (const who of headers.keys()) {
      for (const { path } of Object.values(table)) {
        if (path === '/auth/logout') continue;
        for (const accept of ['application/json', 'text/csv', 'application/vnd.apache.arrow.stream']) {
          const { body } = await ask(who, path, 'GET', { accept });
          expect(body).not.toMatch(/u-hidden|shy-one/);
        }
      }
      const [one, other] = await Promise.all(['u-hidden', 'u-unknown'].map((id) => ask(who, `/v1/users/${id}`)));
      expect(one?.status).toBe(other?.status);
    }
  });

  it('is decided for every endpoint that shows a person by who they are, and written down', () => {
    const people = contract.operations.filter((one) => one.path.includes('/users/'));
    expect(people.length).toBeGreaterThan(0);
    for (const operation of people) {
      expect(operation).toMatchObject({ 'x-laurel-access': 'people:read', 'x-laurel-looks-at': 'id' });
    }
  });

  describe('for programs', () => {
    const statusWith = async (authorization: string, path = '/v1/titles'): Promise<number> =>
      (await fetch(api.url + path, { headers: { authorization } })).status;

    it('holds until the token is revoked, and ends a stream that is open', async () => {
      const { token, revoke } = await makeToken(stack, ['board:read']);
      const own = await stack.startApi({
        ...api.environment,
        LAUREL_HTTP_PORT: '0',
        LAUREL_API_STREAM_KEEP_ALIVE_MS: '100',
      });
      const authorization = `Bearer ${token}`;
      // It may take a second until it is known.
      for (const url of [api.url, own.url]) {
        await eventually(async () =>
          (await fetch(`${url}/v1/titles`, { headers: { authorization } })).status === 200 ? true : undefined,
        );
      }
      const stream = await fetch(`${own.url}/v1/awards/stream`, { headers: { authorization } });
      const whole = stream.text();
      await revoke();
      await eventually(async () => ((await statusWith(authorization)) === 401 ? true : undefined), 5000);
      expect(await whole).toContain('"code":"signed_out"');
      await own.stop();
    });

    it('refuses what is no token, and does not say what is wrong with one', async () => {
      const { token, revoke } = await makeToken(stack, ['board:read']);
      const last = token.endsWith('A') ? 'B' : 'A';
      for (const wrong of [
        `Bearer ${token.slice(0, -1)}${last}`,
        'Bearer x',
        'Bearer',
        'Basic dTpw',
        `Bearer ${token} x`,
      ]) {
        expect([wrong, await statusWith(wrong)]).toEqual([wrong, 401]);
      }
      await revoke();
      const problems = await Promise.all(
        [token, token.replace(/_[0-9a-f]{16}_/, '_0123456789abcdef_')].map(async (given) => {
          const answer = await eventually(async () => {
            const one = await fetch(`${api.url}/v1/titles`, { headers: { authorization: `Bearer ${given}` } });
            return one.status === 401 ? one : undefined;
          });
          return { ...((await answer.json()) as ProblemDetails), request_id: null };
        }),
      );
      expect(problems[0]).toEqual(problems[1]);
    });

    it('is not overruled by a session beside the token', async () => {
      const { token } = await makeToken(stack, []);
      const both = { ...headers.get('admin'), authorization: `Bearer ${token}` };
      const status = await eventually(async () => {
        const answer = await fetch(`${api.url}/v1/titles`, { headers: both });
        return answer.status === 401 ? undefined : answer.status;
      });
      expect(status).toBe(403);
    });

    it('is made, listed and revoked by the command, which shows the token once and stores its hash', async () => {
      const laurel = (...words: string[]) => runLaurel(stack, words);
      const made = await laurel(
        'tokens',
        'create',
        '--name',
        'grafana',
        '--scope',
        'board:read',
        '--expires',
        '90d',
        '--json',
      );
      const { token, id, expires_at: expires } = JSON.parse(made) as { token: string; id: string; expires_at: string };
      expect(Math.round((Date.parse(expires) - Date.now()) / 86_400_000)).toBe(90);
      expect(await eventually(async () => ((await statusWith(`Bearer ${token}`)) === 200 ? true : undefined))).toBe(
        true,
      );
      expect(await statusWith(`Bearer ${token}`, '/v1/users/u-1')).toBe(403);
      const listed = await laurel('tokens', 'list', '--json');
      expect(listed).toContain(id);
      expect(listed).not.toContain(token.split('_')[2]);
      const rows = await (
        await stack.clickhouse.query({ query: 'SELECT * FROM api_tokens', format: 'JSONEachRow' })
      ).text();
      expect(rows).toContain(id);
      expect(rows).not.toContain(token.split('_')[2]);
      await laurel('tokens', 'revoke', id);
      await eventually(async () => ((await statusWith(`Bearer ${token}`)) === 401 ? true : undefined), 5000);
      expect(await laurel('tokens', 'list')).toMatch(/revoked/);
      await expect(laurel('tokens', 'revoke', 'no-such-id')).rejects.toThrow('no token');
      await expect(laurel('tokens', 'create', '--name', 'x', '--scope', 'self')).rejects.toThrow('scope');
      await expect(
        laurel('tokens', 'create', '--name', 'x', '--scope', 'board:read', '--expires', '2000d'),
      ).rejects.toThrow('366');
    });
  });

  describe('is written down', () => {
    const looksAt = (userId: string) => readAccesses(stack.clickhouse, { userId, limit: 100 });

    it('before a person’s figures are shown, once for looks that repeat, and not of one’s own', async () => {
      await stack.store([usage({ user_id: 'u-of-member', occurred_at: yesterday, tokens: { input: 1 } })]);
      const before = (await looksAt('u-2')).length;
      for (let time = 0; time < 3; time += 1) {
        expect((await ask('member', '/v1/users/u-2?window=7d')).status).toBe(200);
      }
      expect((await looksAt('u-2')).slice(0, (await looksAt('u-2')).length - before)).toMatchObject([
        { action: 'look', reader: 'u-of-member', operation: 'getUser', parameters: 'window=7d' },
      ]);
      await ask('member', '/v1/users/u-of-member');
      expect(await looksAt('u-of-member')).toEqual([]);
      // Nothing was seen of them.
      await ask('member', '/v1/users/u-hidden');
      expect(await looksAt('u-hidden')).toEqual([]);
    });

    it('of each table that was taken, by whom', async () => {
      await ask('analyst', '/v1/leaderboards/events?window=7d', 'GET', { accept: 'text/csv' });
      const exports = await readAccesses(stack.clickhouse, { reader: 'u-of-analyst', limit: 100 });
      expect(exports.filter(({ operation }) => operation === 'getLeaderboard')[0]).toMatchObject({
        action: 'export',
        userId: '',
        parameters: 'window=7d',
      });
    });

    it('for admins to read, page by page', async () => {
      await ask('people token', '/v1/users/u-1');
      await ask('lead', '/v1/users/u-1');
      const page = async (query: string) =>
        JSON.parse((await ask('admin', `/v1/access-log?${query}`)).body) as {
          accesses: { reader: string; request_id: string }[];
          next_cursor: string | null;
        };
      const whole = await page('user=u-1');
      expect(whole.accesses.map(({ reader }) => reader)).toEqual(expect.arrayContaining(['u-of-lead']) as string[]);
      const seen: string[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const one: Awaited<ReturnType<typeof page>> = await page(
          `user=u-1&limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`,
        );
        seen.push(...one.accesses.map(({ request_id: id }) => id));
        cursor = one.next_cursor;
      }
      expect(seen).toEqual(whole.accesses.map(({ request_id: id }) => id));
      expect((await page('reader=u-of-lead&user=u-2')).accesses).toEqual([]);
    });

    it('or nothing is shown', async () => {
      await stack.clickhouse.command({ query: 'RENAME TABLE access_log TO elsewhere' });
      try {
        const { token } = await makeToken(stack, ['people:read', 'export:all', 'board:read']);
        const authorization = `Bearer ${token}`;
        for (const [path, accept] of [
          ['/v1/users/u-1', '*/*'],
          ['/v1/leaderboards/events', 'text/csv'],
        ] as const) {
          const answer = await eventually(async () => {
            const one = await fetch(api.url + path, { headers: { authorization, accept } });
            return one.status === 401 ? undefined : one;
          });
          expect(answer.status).toBe(500);
          expect(await answer.text()).not.toContain('1000');
        }
      } finally {
        await stack.clickhouse.command({ query: 'RENAME TABLE elsewhere TO access_log' });
      }
    });
  });

  describe('where nobody can sign in', () => {
    it('is everything on this machine alone, and only by its own names', async () => {
      const open = await stack.startApi();
      expect((await fetch(`${open.url}/v1/access-log`)).status).toBe(200);
      // A page elsewhere whose name was made to resolve to this machine.
      expect(await statusWithHost(open.url, 'rebound.example')).toBe(401);
      expect(await statusWithHost(open.url, 'localhost:1')).toBe(200);
      // Through a proxy on this machine.
      const forwarded = await fetch(`${open.url}/v1/titles`, { headers: { 'x-forwarded-for': '10.0.0.1' } });
      expect(forwarded.status).toBe(401);
    });

    it('is nothing on an address that others reach, unless it is said what', async () => {
      const closed = await stack.startApi({ LAUREL_HTTP_HOST: '0.0.0.0' });
      const port = new URL(closed.url).port;
      const ask0 = async (path: string, at = port): Promise<number> =>
        (await fetch(`http://127.0.0.1:${at}${path}`)).status;
      expect([await ask0('/v1/titles'), await ask0('/health'), await ask0('/v1/openapi.json')]).toEqual([
        401, 200, 200,
      ]);
      const said = await stack.startApi({ LAUREL_HTTP_HOST: '0.0.0.0', LAUREL_API_ANONYMOUS: 'member' });
      const other = new URL(said.url).port;
      expect([
        await ask0('/v1/titles', other),
        await ask0('/v1/users/u-1', other),
        await ask0('/v1/access-log', other),
      ]).toEqual([200, 200, 401]);
    });
  });
});

function statusWithHost(url: string, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    request(`${url}/v1/titles`, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
}

const LAUREL = fileURLToPath(new URL('../../../cli/dist/main.js', import.meta.url));

/** @throws Error with what it said, when it fails. */
async function runLaurel(stack: TestStack, words: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [LAUREL, ...words], {
    env: stack.environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null]>,
  ]);
  if (status !== 0) throw new Error(err);
  return out;
}
