import { usage } from '../testing/events.js';
import { testStack, type TestStack } from '../testing/stack.js';
import type { LeaderboardJson, UserJson } from '../usage/usage.controller.js';

const yesterday = new Date(Date.now() - 86_400_000).toISOString();

/** Texts that would do something, if anything took them for more than texts. */
const HOSTILE = [
  `x' OR '1'='1`,
  `x'); DROP TABLE usage_events; --`,
  '{user:String}',
  '\\',
  '%_*?[a-z]',
  '"><script>alert(1)</script>',
  '../../etc/passwd',
  '__proto__',
  'a\u0000b',
  '\u202eevil',
];

describe('hostile input', () => {
  let stack: TestStack;
  let url: string;

  beforeAll(async () => {
    stack = await testStack();
    await stack.store([
      ...HOSTILE.map((text) => usage({ user_id: text, team: text, occurred_at: yesterday, tokens: { input: 10 } })),
      usage({ user_id: 'u-1', team: 'red', occurred_at: yesterday, tokens: { input: 99 } }),
    ]);
    ({ url } = await stack.startApi());
  });
  afterAll(() => stack.stop());

  const board = async (query: Readonly<Record<string, string>>): Promise<readonly string[]> => {
    const answer = await fetch(`${url}/v1/leaderboards/total_tokens?${new URLSearchParams(query).toString()}`);
    expect(answer.status).toBe(200);
    return ((await answer.json()) as LeaderboardJson).entries.map(({ user_id: id }) => id);
  };

  it.each(HOSTILE)('is a name like any other: %j', async (text) => {
    const answer = await fetch(`${url}/v1/users/${encodeURIComponent(text)}`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
    const { user_id: id, totals } = (await answer.json()) as UserJson;
    expect([id, totals.total_tokens]).toEqual([text, '10']);
    expect(await board({ scope: `team:${text}` })).toEqual([text]);
    expect(await board({ q: text })).toEqual([text]);
  });

  it('names nobody where nobody has it, and leaves all others where they are', async () => {
    for (const text of HOSTILE) {
      const unknown = `${text}?`;
      expect((await fetch(`${url}/v1/users/${encodeURIComponent(unknown)}`)).status).toBe(404);
      expect(await board({ scope: `team:${unknown}` })).toEqual([]);
    }
    expect((await board({}))[0]).toBe('u-1');
    expect(await board({})).toHaveLength(HOSTILE.length + 1);
  });

  it.each([
    ['larger than any has to be', `{"handle":"${'x'.repeat(2_000_000)}"}`],
    ['nested without end', '['.repeat(100_000)],
    ['that reaches for what is behind every object', '{"__proto__":{"handle":"x"}}'],
    ['of another kind', '"handle"'],
  ])('is refused in a body %s', async (_what, body) => {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${url}/v1/me/choice?user=u-1`, { method: 'PATCH', headers, body });
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect((await fetch(`${url}/v1/users/u-1`)).status).toBe(200);
  });
});
