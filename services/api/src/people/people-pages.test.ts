import { generatedHandle } from '@laurel/titles';
import { award, usage } from '../testing/events.js';
import { eventually } from '../testing/eventually.js';
import { testStack, type TestStack } from '../testing/stack.js';
import { nobodyFor } from './nobody.js';
import type { HistoryJson, PersonTitlesJson, SessionsJson } from './people.controller.js';

const DAY_MS = 86_400_000;
const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
const at = (daysAgo: number, minute = 0): string => new Date(today - daysAgo * DAY_MS + minute * 60_000).toISOString();
const day = (daysAgo: number): string => at(daysAgo).slice(0, 10);

describe('what a page about one person asks for', () => {
  let stack: TestStack;
  let url: string;

  beforeAll(async () => {
    stack = await testStack();
    await stack.store([
      usage({
        user_id: 'ada',
        occurred_at: at(1, 5),
        tokens: { input: 70_000 },
        model: 'claude-opus-4-5',
        session_id: 's1',
      }),
      usage({ user_id: 'ada', occurred_at: at(1, 5), tokens: { output: 1 }, session_id: 's1' }),
      usage({ user_id: 'ada', occurred_at: at(1, 9), tokens: { output: 2 }, session_id: 's1' }),
      // Over midnight: the session is one of the day before, its minutes are those of their own days.
      usage({
        user_id: 'ada',
        occurred_at: at(3, 1439),
        tokens: { input: 30_000 },
        model: 'claude-opus-4-5-20251101',
        session_id: 's2',
      }),
      usage({ user_id: 'ada', occurred_at: at(2, 0), tokens: { output: 3 }, session_id: 's2' }),
      // A subagent's minute is not one in which the person asked.
      usage({ user_id: 'ada', occurred_at: at(2, 30), tokens: { output: 4 }, session_id: 's3', origin: 'subagent' }),
      // As much as two minutes bring in for Token Legend.
      ...[0, 1].map((minute) =>
        usage({ user_id: 'bo', occurred_at: at(1, minute), tokens: { input: 500_000 }, session_id: 's4' }),
      ),
    ]);
    await stack.append([award(0, { user_id: 'bo', value: 1_000_000 })]);
    ({ url } = await stack.startApi());
  });
  afterAll(() => stack.stop());

  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(url + path);
    expect({ path, status: response.status }).toEqual({ path, status: 200 });
    return (await response.json()) as T;
  };

  it('tells the tokens of each day, and of each family of models', async () => {
    const history = await get<HistoryJson>('/v1/users/ada/history?window=7d');
    expect(history.days).toEqual([6, 5, 4, 3, 2, 1, 0].map(day));
    expect(history.total_tokens).toEqual(['0', '0', '0', '30000', '7', '70003', '0']);
    expect(history.families).toEqual([
      { family: 'claude-opus-4-5', total_tokens: ['0', '0', '0', '30000', '0', '70000', '0'] },
      { family: 'claude-sonnet-4-5', total_tokens: ['0', '0', '0', '0', '7', '3', '0'] },
    ]);
    expect((await get<HistoryJson>('/v1/users/ada/history?window=all')).days).toEqual([3, 2, 1, 0].map(day));
  });

  it('tells sessions by the minutes in which the person asked', async () => {
    const sessions = await get<SessionsJson>('/v1/users/ada/sessions?window=7d');
    expect(sessions).toMatchObject({
      sessions: 3,
      active_minutes: 4,
      longest: [
        { day: day(3), active_minutes: 2 },
        { day: day(1), active_minutes: 2 },
      ],
    });
    expect(sessions.days.filter((one) => one.sessions + one.active_minutes > 0)).toEqual([
      { day: day(3), sessions: 1, active_minutes: 1 },
      { day: day(2), sessions: 1, active_minutes: 1 },
      { day: day(1), sessions: 1, active_minutes: 2 },
    ]);
  });

  it('tells how far a person is from each title, and who holds it that they do', async () => {
    const { titles } = await get<PersonTitlesJson>('/v1/users/ada/titles');
    const of = (id: string) => titles.find(({ title_id }) => title_id === id);
    expect(of('token_legend')).toMatchObject({
      scope: 'company',
      status: 'behind',
      value: 100_010,
      unit: 'tokens',
      rank: 2,
      lacks: [],
      to_beat: 1_000_000,
      beyond: 1_020_000,
      held_since: null,
      evidence: { input: '100000', output: '10', events: '6' },
    });
    expect(of('model_connoisseur')).toMatchObject({
      status: 'not_eligible',
      rank: null,
      // The day with tokens of one family alone, of which there are too few, is none.
      lacks: [{ minimum: 'min_active_days', has: 2, needs: 5 }],
      to_beat: null,
    });
    expect(of('session_immortal')).toMatchObject({ status: 'vacant', value: 2, unit: 'minutes' });
    const own = await get<PersonTitlesJson>('/v1/users/bo/titles');
    expect(own.titles[0]).toMatchObject({
      title_id: 'token_legend',
      status: 'holds',
      held_since: new Date(award(0).evaluated_at).toISOString(),
    });
  });

  it('draws a badge of a person, which may be shown anywhere', async () => {
    const response = await fetch(`${url}/v1/users/bo/badge.svg`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^image\/svg\+xml/);
    expect(response.headers.get('cross-origin-resource-policy')).toBe('cross-origin');
    expect(await response.text()).toContain(
      `<title>${generatedHandle('bo')} · Token Legend: #1 of 2 · 1M tokens · 30 days</title>`,
    );
  });

  it('shows only as much as the person and the holder let be seen', async () => {
    await stack.choose('ada', { figures: 'rounded' });
    await stack.choose('bo', { figures: 'bands' });
    await eventually(async () => {
      const { titles } = await get<PersonTitlesJson>('/v1/users/ada/titles');
      return titles[0]?.value === 100_000 && titles[0].beyond === null ? true : undefined;
    });
    const { titles } = await get<PersonTitlesJson>('/v1/users/ada/titles');
    expect(titles[0]).toMatchObject({ evidence: {}, to_beat: 1_000_000, beyond: null });
    expect(await get('/v1/users/ada/sessions')).toMatchObject({
      sessions: 0,
      active_minutes: 0,
      longest: [{ active_minutes: 0 }, {}],
    });
    const history = await get<HistoryJson>('/v1/users/ada/history?window=7d');
    expect(history.total_tokens).toEqual(['0', '0', '0', '30000', '0', '70000', '0']);
  });

  it.each(['history', 'sessions', 'titles', 'badge.svg'])(
    'answers of a hidden person like of one who never was: %s',
    async (what) => {
      await stack.choose('ada', { visibility: 'hidden' });
      const answer = async (id: string): Promise<string> => {
        const response = await fetch(`${url}/v1/users/${id}/${what}`);
        return `${response.status} ${(await response.text()).replaceAll(id, '<id>').replace(/"request_id":"[^"]*"/, '')}`;
      };
      await eventually(async () => ((await answer('ada')).startsWith('404') ? true : undefined));
      expect(await answer('ada')).toBe(await answer('eve'));
      expect(await answer('ada')).not.toContain(generatedHandle('ada'));
    },
  );

  it('asks for another nobody in place of each hidden person, so that no answer is remembered from another’s', () => {
    const ids = ['ada', 'eve', 'é'.repeat(128)];
    const asked = ids.map(nobodyFor);
    expect(new Set(asked).size).toBe(ids.length);
    expect(asked).toEqual(ids.map(nobodyFor));
    for (const id of asked) expect(Buffer.byteLength(id)).toBeGreaterThan(256);
  });
});
