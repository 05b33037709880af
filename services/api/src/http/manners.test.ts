import { generatedHandle } from '@laurel/titles';
import { tableFromIPC, type Table as ArrowTable } from 'apache-arrow';
import type { AwardsJson } from '../awards/awards.controller.js';
import { award, handovers, usage } from '../testing/events.js';
import { eventually } from '../testing/eventually.js';
import { testStack, type TestStack } from '../testing/stack.js';
import type { TitleHoldersJson } from '../titles/title-holders.controller.js';
import type { LeaderboardJson, ModelsJson, UserJson } from '../usage/usage.controller.js';
import type { ProblemDetails } from './problem.js';

const DAY_MS = 86_400_000;
const today = Math.floor(Date.now() / DAY_MS);
const daysAgo = (days: number): string => new Date((today - days) * DAY_MS + DAY_MS / 2).toISOString();
const dayKeyAgo = (days: number): string => daysAgo(days).slice(0, 10);
const FORMULA = '=HYPERLINK("http://elsewhere.example")';

describe('the manners of the API', () => {
  let stack: TestStack;
  let url: string;
  const people = Array.from({ length: 12 }, (_, index) => `u-${index}`);

  beforeAll(async () => {
    stack = await testStack();
    await stack.store([
      ...people.map((user_id, index) =>
        usage({ user_id, occurred_at: daysAgo(1), tokens: { input: 1_234_567 - index * 1000 }, team: 'red' }),
      ),
      usage({ user_id: 'u-0', occurred_at: daysAgo(1), tokens: { output: 5 }, team: FORMULA }),
      usage({ user_id: 'u-11', occurred_at: daysAgo(3), tokens: { input: 9_000_000 } }),
      usage({ user_id: 'before', occurred_at: daysAgo(40), tokens: { input: 77 } }),
    ]);
    await stack.choose('u-1', { figures: 'bands' });
    await stack.choose('u-2', { visibility: 'hidden' });
    await stack.append([
      ...handovers(0, 5, { user_id: 'u-3', evaluated_at: Date.now() - 2 * DAY_MS }),
      award(0, { title_id: 'cache_wizard', user_id: 'u-4', evidence: { a: { long: 1 }, b: { string: 'x,"y"' } } }),
    ]);
    ({ url } = await stack.startApi());
  });
  afterAll(() => stack.stop());

  const get = async <T>(path: string, headers: Record<string, string> = {}): Promise<T> => {
    const response = await fetch(url + path, { headers });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  };
  const problem = async (path: string, headers: Record<string, string> = {}): Promise<ProblemDetails> =>
    (await (await fetch(url + path, { headers })).json()) as ProblemDetails;

  describe('in pages', () => {
    it('gives a board part by part, to its end', async () => {
      const whole = await get<LeaderboardJson>('/v1/leaderboards/total_tokens');
      expect(whole.next_cursor).toBeNull();
      const seen: unknown[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const page: LeaderboardJson = await get(
          `/v1/leaderboards/total_tokens?limit=4${cursor === '' ? '' : `&cursor=${cursor}`}`,
        );
        seen.push(...page.entries);
        cursor = page.next_cursor;
      }
      expect(seen).toEqual(whole.entries);
      expect(seen).toHaveLength(11);
    });

    it('gives awards part by part, the newest first', async () => {
      const whole = await get<AwardsJson>('/v1/awards');
      const first = await get<AwardsJson>('/v1/awards?limit=4');
      const second = await get<AwardsJson>(`/v1/awards?limit=4&cursor=${String(first.next_cursor)}`);
      expect([...first.awards, ...second.awards]).toEqual(whole.awards);
      expect([second.next_cursor, whole.next_cursor]).toEqual([null, null]);
    });

    it('takes a cursor for its own list alone, unchanged, and shows nothing of what is in it', async () => {
      const { next_cursor: cursor } = await get<LeaderboardJson>('/v1/leaderboards/total_tokens?limit=2');
      if (cursor === null) throw new Error('there is more');
      const inside = Buffer.from(cursor, 'base64url').toString('latin1');
      expect(inside).not.toContain('u-1');
      expect(inside).not.toContain('1233567');
      const changed = (cursor.startsWith('A') ? 'B' : 'A') + cursor.slice(1);
      for (const path of [
        `/v1/leaderboards/total_tokens?limit=2&cursor=${changed}`,
        `/v1/leaderboards/total_tokens?cursor=x`,
        `/v1/leaderboards/events?limit=2&cursor=${cursor}`,
        `/v1/leaderboards/total_tokens?window=7d&cursor=${cursor}`,
        `/v1/awards?cursor=${cursor}`,
      ]) {
        expect(await problem(path)).toMatchObject({
          code: 'invalid_parameter',
          errors: [{ parameter: 'cursor', in: 'query', code: 'invalid' }],
        });
      }
    });

    it('goes on over a restart under the same secret', async () => {
      const secret = { LAUREL_API_SECRET: 'k'.repeat(40) };
      const before = await stack.startApi(secret);
      const first = (await (await fetch(`${before.url}/v1/awards?limit=1`)).json()) as AwardsJson;
      await before.stop();
      const after = await stack.startApi(secret);
      const answer = await fetch(`${after.url}/v1/awards?limit=1&cursor=${String(first.next_cursor)}`);
      expect(answer.status).toBe(200);
      expect(await problem(`/v1/awards?cursor=${String(first.next_cursor)}`)).toMatchObject({ status: 400 });
      await after.stop();
    });
  });

  describe('to those who ask again', () => {
    it('answers 304 while nothing has changed, and whole when it has', async () => {
      const path = `${url}/v1/users/u-5`;
      const first = await fetch(path);
      const etag = first.headers.get('etag') ?? '';
      expect(etag).toMatch(/^W\/"[\w-]+"$/);
      expect(first.headers.get('cache-control')).toBe('private, no-cache');
      const again = await fetch(path, { headers: { 'if-none-match': `"other", ${etag}` } });
      expect([again.status, await again.text(), again.headers.get('etag')]).toEqual([304, '', etag]);
      await stack.choose('u-5', { figures: 'rounded' });
      const changed = await eventually(async () => {
        const answer = await fetch(path, { headers: { 'if-none-match': etag } });
        return answer.status === 200 ? answer : undefined;
      });
      expect(changed.headers.get('etag')).not.toBe(etag);
      expect(((await changed.json()) as UserJson).figures).toBe('rounded');
    });

    it('answers HEAD with the same ETag', async () => {
      const path = `${url}/v1/models`;
      const [whole, head] = await Promise.all([fetch(path), fetch(path, { method: 'HEAD' })]);
      expect(head.headers.get('etag')).toBe(whole.headers.get('etag'));
    });

    it('gives whoever asks for a place theirs, and takes nobody’s answer for another’s', async () => {
      const path = `${url}/v1/leaderboards/total_tokens?limit=2`;
      const answers = await Promise.all([path, `${path}&user=u-4`, `${path}&user=u-6`].map((one) => fetch(one)));
      const boards = await Promise.all(answers.map(async (answer) => (await answer.json()) as LeaderboardJson));
      expect(boards.map(({ user }) => user?.user_id)).toEqual([undefined, 'u-4', 'u-6']);
      expect(boards[1]?.entries).toEqual(boards[0]?.entries);
      const etags = answers.map(({ headers }) => headers.get('etag') ?? '');
      expect(new Set(etags).size).toBe(3);
      const asked = async (query: string, etag = ''): Promise<number> =>
        (await fetch(path + query, { headers: { 'if-none-match': etag } })).status;
      expect([await asked('&user=u-4', etags[1]), await asked('&user=u-6', etags[1])]).toEqual([304, 200]);
    });

    it('shows nobody who hides in what was asked for before, from the moment on when this is known', async () => {
      const paths = ['leaderboards/total_tokens', 'leaderboards/total_tokens/trends', 'titles', 'awards'];
      const shown = async (): Promise<readonly boolean[]> =>
        Promise.all(
          paths.map(async (path) =>
            /"(?:user_id|user)":"u-4"/.test(JSON.stringify(await get(`/v1/${path}`, { 'accept-encoding': 'gzip' }))),
          ),
        );
      await eventually(async () => ((await shown()).every(Boolean) ? true : undefined));
      try {
        await stack.choose('u-4', { visibility: 'hidden' });
        await eventually(async () => ((await fetch(`${url}/v1/users/u-4`)).status === 404 ? true : undefined));
        expect(await shown()).toEqual([false, false, false, false]);
      } finally {
        await stack.choose('u-4', null);
        // Other tests look at whole lists.
        await eventually(async () => ((await shown()).every(Boolean) ? true : undefined));
      }
    });

    it('lets nobody keep a problem, nor what tells of the service', async () => {
      for (const path of ['/v1/users/nobody', '/v1/models?x=1', '/health', '/metrics']) {
        const { headers } = await fetch(url + path);
        expect([path, headers.get('cache-control'), headers.get('etag')]).toEqual([path, 'no-store', null]);
      }
    });
  });

  it.each(['br', 'gzip'])('packs what is long by %s, and streams of events never', async (encoding) => {
    const headers = { 'accept-encoding': encoding };
    const packed = await fetch(`${url}/v1/leaderboards/total_tokens`, { headers });
    expect(packed.headers.get('content-encoding')).toBe(encoding);
    expect(packed.headers.get('vary')?.toLowerCase()).toContain('accept-encoding');
    const plain = await fetch(`${url}/v1/leaderboards/total_tokens`, { headers: { 'accept-encoding': 'identity' } });
    expect(plain.headers.get('content-encoding')).toBeNull();
    expect(packed.headers.get('etag')).toBe(plain.headers.get('etag'));
    expect(await packed.json()).toEqual(await plain.json());
    const again = { ...headers, 'if-none-match': packed.headers.get('etag') ?? '' };
    expect((await fetch(`${url}/v1/leaderboards/total_tokens`, { headers: again })).status).toBe(304);
    const refused = { 'accept-encoding': `${encoding};q=0, identity` };
    const unpacked = await fetch(`${url}/v1/leaderboards/total_tokens`, { headers: refused });
    expect(unpacked.headers.get('content-encoding')).toBeNull();
    const aborted = new AbortController();
    const stream = await fetch(`${url}/v1/awards/stream`, { headers, signal: aborted.signal });
    expect(stream.headers.get('content-encoding')).toBeNull();
    aborted.abort();
  });

  describe('as tables', () => {
    const csv = async (path: string): Promise<{ readonly response: Response; readonly rows: string[][] }> => {
      const response = await fetch(url + path, { headers: { accept: 'text/csv' } });
      expect(response.status).toBe(200);
      return { response, rows: parsedCsv(await response.text()) };
    };

    it('gives a board whole, with what the same entries say in JSON', async () => {
      const { response, rows } = await csv('/v1/leaderboards/total_tokens');
      expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
      expect(response.headers.get('content-disposition')).toBe('attachment; filename="leaderboard-total_tokens.csv"');
      expect(response.headers.get('cache-control')).toBe('no-store');
      const { entries } = await get<LeaderboardJson>('/v1/leaderboards/total_tokens');
      const [header = [], ...lines] = rows;
      expect(lines).toHaveLength(11);
      const objects = lines.map((line) => Object.fromEntries(header.map((name, index) => [name, line[index]])));
      expect(objects).toEqual(
        entries.map((entry) =>
          Object.fromEntries(
            Object.entries(entry).map(([name, value]) => [
              name,
              Array.isArray(value) ? JSON.stringify(value) : value === null ? '' : String(value),
            ]),
          ),
        ),
      );
      expect(objects[1]).toMatchObject({ user_id: 'u-0' });
      expect(objects[2]).toMatchObject({ user_id: 'u-1', figures: 'bands', value: '1000000' });
      expect((await csv('/v1/leaderboards/total_tokens?limit=3')).rows).toHaveLength(4);
    });

    it('gives awards, models and teams', async () => {
      const awards = await csv('/v1/awards');
      expect(awards.rows).toHaveLength(7);
      expect(awards.rows[0]).toEqual(Object.keys((await get<AwardsJson>('/v1/awards')).awards[0] ?? {}));
      expect(awards.rows.flat()).toContain('{"a":"1","b":"x,\"y\""}'.replaceAll('"y"', '\\"y\\"'));
      const { models } = await get<ModelsJson>('/v1/models');
      expect((await csv('/v1/models')).rows.slice(1).map((row) => row[1])).toEqual(models.map(({ model }) => model));
      expect((await csv('/v1/teams')).rows[0]?.slice(0, 2)).toEqual(['team', 'users']);
    });

    it('lets no spreadsheet take for a formula what somebody wrote', async () => {
      await stack.choose('u-9', { visibility: 'name', display_name: '=1+1 Zed' });
      await eventually(async () => {
        const { rows } = await csv('/v1/leaderboards/total_tokens');
        const cell = rows.flat().find((one) => one.includes('1+1 Zed'));
        return cell === "'=1+1 Zed" ? true : undefined;
      });
    });

    it('takes the format that is asked for first, and JSON from whoever does not mind', async () => {
      const typeFor = async (accept: string): Promise<string | undefined> =>
        (await fetch(`${url}/v1/models`, { headers: { accept } })).headers.get('content-type')?.split(';')[0];
      expect(await typeFor('*/*')).toBe('application/json');
      expect(await typeFor('text/html, application/xhtml+xml, */*;q=0.8')).toBe('application/json');
      expect(await typeFor('application/json;q=0.5, text/csv')).toBe('text/csv');
    });

    const arrow = async (path: string): Promise<{ readonly response: Response; readonly table: ArrowTable }> => {
      const response = await fetch(url + path, { headers: { accept: 'application/vnd.apache.arrow.stream' } });
      expect(response.status).toBe(200);
      return { response, table: tableFromIPC(await response.arrayBuffer()) };
    };
    const typesOf = (table: ArrowTable): Record<string, string> =>
      Object.fromEntries(
        table.schema.fields.map(({ name, type, nullable }) => [name, `${type}${nullable ? '?' : ''}`]),
      );

    it('gives a board as an Arrow stream, whose numbers are numbers', async () => {
      const { response, table } = await arrow('/v1/leaderboards/total_tokens');
      expect(response.headers.get('content-type')).toBe('application/vnd.apache.arrow.stream');
      expect(response.headers.get('content-disposition')).toBe(
        'attachment; filename="leaderboard-total_tokens.arrows"',
      );
      expect(typesOf(table)).toMatchObject({
        rank: 'Int64',
        previous_rank: 'Int64?',
        user_id: 'Utf8',
        name: 'Utf8?',
        value: 'Uint64',
        list_cost_usd: 'Utf8',
        teams: 'Utf8',
      });
      const { entries } = await get<LeaderboardJson>('/v1/leaderboards/total_tokens');
      const rows = table.toArray().map((row: { toJSON: () => Record<string, unknown> }) => row.toJSON());
      expect(rows).toHaveLength(11);
      expect(rows).toEqual(
        entries.map((entry) => ({
          ...Object.fromEntries(
            Object.entries(entry).map(([name, value]) => [
              name,
              typesOf(table)[name]?.startsWith('Utf8') === false && value !== null ? BigInt(value as string) : value,
            ]),
          ),
          teams: JSON.stringify(entry.teams),
        })),
      );
      expect((await arrow('/v1/leaderboards/total_tokens?limit=3')).table.numRows).toBe(3);
    });

    it('gives awards, models and teams as Arrow streams too, and none of them without rows as nothing', async () => {
      const { table } = await arrow('/v1/awards');
      expect(table.numRows).toBe(6);
      expect(typesOf(table)).toMatchObject({
        evaluated_at: 'Timestamp<MILLISECOND, UTC>',
        withheld: 'Bool',
        value: 'Float64?',
        evidence: 'Utf8',
      });
      const { awards } = await get<AwardsJson>('/v1/awards');
      const instants = Array.from(table.getChild('evaluated_at') ?? [], (at) => new Date(Number(at)).toISOString());
      expect(instants).toEqual(awards.map(({ evaluated_at: at }) => new Date(at).toISOString()));
      expect((await arrow('/v1/teams')).table.schema.fields[0]?.name).toBe('team');
      const none = await arrow('/v1/leaderboards/total_tokens?scope=team:nobody');
      expect(none.table.numRows).toBe(0);
      expect(typesOf(none.table)).toEqual(typesOf((await arrow('/v1/leaderboards/total_tokens')).table));
    });

    it('refuses other formats', async () => {
      expect(await problem('/v1/models', { accept: 'text/html' })).toMatchObject({
        status: 406,
        code: 'not_acceptable',
      });
      const parquet = await problem('/v1/leaderboards/events', { accept: 'application/vnd.apache.parquet' });
      expect(parquet).toMatchObject({ status: 406, code: 'not_acceptable' });
      expect(parquet.detail).toContain('Whatever reads Parquet reads Arrow.');
    });
  });

  describe('as of a day', () => {
    const listed = async (query: string): Promise<unknown> =>
      (await get<LeaderboardJson>(`/v1/leaderboards/total_tokens?${query}`)).entries.map(({ user_id, value }) => [
        user_id,
        value,
      ]);

    it('ranks by what was used until its end', async () => {
      expect(await listed(`as_of=${dayKeyAgo(2)}`)).toEqual([['u-11', '9000000']]);
      expect(await listed(`as_of=${dayKeyAgo(2)}&window=1d`)).toEqual([]);
      expect(await listed(`as_of=${dayKeyAgo(30)}`)).toEqual([['before', '77']]);
      expect(await listed(`as_of=${dayKeyAgo(0)}`)).toEqual(await listed(''));
      const { window } = await get<LeaderboardJson>(`/v1/leaderboards/events?as_of=${dayKeyAgo(2)}&window=7d`);
      expect(window).toMatchObject({
        start: new Date((today - 8) * DAY_MS).toISOString(),
        end: new Date((today - 1) * DAY_MS).toISOString(),
      });
    });

    it('shows a person with the titles of that day, as they choose to be shown now', async () => {
      const then = await get<UserJson>(`/v1/users/u-3?as_of=${dayKeyAgo(2)}`);
      expect(then.titles.map(({ title_id }) => title_id)).toEqual(['token_legend']);
      expect(then.totals.total_tokens).toBe('0');
      expect(then.handle).toBe(generatedHandle('u-3'));
      expect((await get<UserJson>(`/v1/users/u-3?as_of=${dayKeyAgo(3)}`)).titles).toEqual([]);
      const answer = await fetch(`${url}/v1/users/u-2?as_of=${dayKeyAgo(1)}`);
      expect(answer.status).toBe(404);
    });

    it('lists the awards until its end', async () => {
      expect((await get<AwardsJson>(`/v1/awards?as_of=${dayKeyAgo(3)}&title=token_legend`)).awards).toEqual([]);
      expect((await get<AwardsJson>(`/v1/awards?as_of=${dayKeyAgo(2)}&title=token_legend`)).awards).toHaveLength(5);
    });

    it('tells who held a title at its end, as they choose to be shown now', async () => {
      const legends = async (query: string) =>
        (await get<TitleHoldersJson>(`/v1/titles/holders?${query}`)).holders.filter(
          ({ title_id: title }) => title === 'token_legend',
        );
      expect(await legends(`as_of=${dayKeyAgo(3)}`)).toEqual([]);
      const then = await legends(`as_of=${dayKeyAgo(2)}`);
      expect(then).toMatchObject([{ user_id: 'u-3', handle: generatedHandle('u-3') }]);
      expect(then).toEqual(await legends(''));
      expect(await legends(`as_of=${dayKeyAgo(2)}&scope=team:red`)).toEqual([]);
      // Standings of a day that is over are not known.
      expect(await problem(`/v1/titles?as_of=${dayKeyAgo(2)}`)).toMatchObject({
        code: 'invalid_parameter',
        errors: [{ parameter: 'as_of', in: 'query', code: 'unknown' }],
      });
    });

    it.each(['tomorrow', '2026-02-30', '2019-12-31', new Date((today + 1) * DAY_MS).toISOString().slice(0, 10)])(
      'refuses %s',
      async (day) => {
        expect(await problem(`/v1/models?as_of=${day}`)).toMatchObject({ errors: [{ parameter: 'as_of' }] });
      },
    );
  });

  it('tells each caller how many requests are left, and refuses more, but not probes and not this machine', async () => {
    const limited = await stack.startApi({
      LAUREL_API_RATE_LIMIT: '3',
      LAUREL_API_TRUSTED_PROXIES: '127.0.0.0/8',
      LAUREL_API_ANONYMOUS: 'member',
    });
    const ask = (path: string, from: string): Promise<Response> =>
      fetch(limited.url + path, { headers: { 'x-forwarded-for': from } });
    for (const left of ['2', '1', '0']) {
      const { status, headers } = await ask('/v1/models', '10.0.0.1');
      expect([status, headers.get('ratelimit-limit'), headers.get('ratelimit-remaining')]).toEqual([200, '3', left]);
    }
    const refused = await ask('/v1/titles', '10.0.0.1');
    expect(refused.headers.get('content-type')).toContain('application/problem+json');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({ status: 429, code: 'rate_limited' });
    expect((await ask('/v1/models', '10.0.0.2')).status).toBe(200);
    expect((await ask('/ready', '10.0.0.1')).status).toBe(200);
    for (let time = 0; time < 5; time += 1) expect((await fetch(`${limited.url}/v1/models`)).status).toBe(200);
    // Nobody is believed who is not a proxy.
    const direct = await stack.startApi({ LAUREL_API_RATE_LIMIT: '1', LAUREL_API_ANONYMOUS: 'member' });
    for (let time = 0; time < 3; time += 1) {
      const answer = await fetch(`${direct.url}/v1/models`, { headers: { 'x-forwarded-for': '10.0.0.1' } });
      expect(answer.status).toBe(200);
    }
  });

  it('lets pages of named origins read answers, and no others', async () => {
    const shared = await stack.startApi({ LAUREL_API_CORS_ORIGINS: 'https://dashboards.example.com' });
    const allowed = async (origin: string): Promise<string | null> =>
      (await fetch(`${shared.url}/v1/models`, { headers: { origin } })).headers.get('access-control-allow-origin');
    expect(await allowed('https://dashboards.example.com')).toBe('https://dashboards.example.com');
    expect(await allowed('https://elsewhere.example')).toBeNull();
    const preflight = await fetch(`${shared.url}/v1/models`, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://dashboards.example.com',
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'authorization',
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-credentials')).toBeNull();
  });
});

/** RFC 4180, as far as it goes: quoted fields, doubled quotes, CRLF. */
function parsedCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const match of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g)) {
    const [all, quoted, plain = '', end] = match;
    if (all === '' && (rows.at(-1)?.length ?? 0) === 0) break;
    rows.at(-1)?.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === '\r\n') rows.push([]);
    if (end === '') break;
  }
  return rows.filter((row) => row.length > 0);
}
