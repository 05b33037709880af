import type { LeaderboardJson } from '../usage/usage.controller.js';
import type { PersonTitlesJson } from '../people/people.controller.js';
import { usage } from '../testing/events.js';
import { eventually } from '../testing/eventually.js';
import { testStack, type TestStack } from '../testing/stack.js';
import type { TitleRulesJson } from './title-rules.controller.js';
import type { TitlesJson } from './titles.controller.js';

const DAY_MS = 86_400_000;
const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
const day = (daysAgo: number): string => new Date(today - daysAgo * DAY_MS).toISOString().slice(0, 10);

/** A call a day, each of less than its minute brings in. */
const used = (user_id: string, daysAgo: number, input: number) =>
  usage({ user_id, occurred_at: new Date(today - daysAgo * DAY_MS + 36_000_000).toISOString(), tokens: { input } });

describe('a day that a title leaves out for fair play', () => {
  let stack: TestStack;
  let url: string;
  beforeAll(async () => {
    stack = await testStack();
    await stack.store([
      used('u-loop', 2, 400_000),
      used('u-loop', 1, 20_000),
      used('u-ada', 2, 300_000),
      used('u-ada', 1, 50_000),
    ]);
    ({ url } = await stack.startApi());
  });
  afterAll(() => stack.stop());

  const get = async <T>(path: string): Promise<T> => (await (await fetch(url + path)).json()) as T;
  const legend = async (): Promise<readonly (readonly [string, number])[]> => {
    const { titles } = await get<TitlesJson>('/v1/titles');
    const [first] = titles.filter(({ id }) => id === 'token_legend');
    return (first?.standings ?? []).map(({ user_id, value }) => [user_id, value]);
  };
  const tagOf = async (path: string): Promise<string | null> => (await fetch(url + path)).headers.get('etag');
  let rolls = 0;
  /** What the projector has found of the day, in place of what it found before. */
  const find = async (
    daysAgo: number,
    signals: readonly (readonly [user: string, signal: string])[],
  ): Promise<void> => {
    rolls += 1;
    const roll = { day: day(daysAgo), part: 'hours', roll_id: String(rolls) };
    await stack.clickhouse.insert({
      table: 'fair_play_signals',
      format: 'JSONEachRow',
      values: signals.map(([user_id, signal]) => ({ ...roll, user_id, signal, evidence: {} })),
    });
    await stack.clickhouse.insert({
      table: 'fair_play_heads',
      format: 'JSONEachRow',
      values: [{ ...roll, rests_on: '' }],
    });
  };
  const both = [
    ['u-loop', 420_000],
    ['u-ada', 350_000],
  ];

  it('counts until it stands out by what the rule names, and no more from then on, also for who kept the answer', async () => {
    const { titles } = await get<TitleRulesJson>('/v1/titles/rules');
    expect(titles.map(({ id, fair_play }) => [id, fair_play])).toEqual([
      ['token_legend', { exclude: ['unbroken_run', 'round_the_clock'] }],
      ['model_connoisseur', null],
      ['cache_wizard', null],
      ['session_immortal', null],
      ['master_crafter', null],
      ['frugal_sage', null],
    ]);
    expect(await legend()).toEqual(both);
    const tag = await tagOf('/v1/titles');
    // A spike is nothing to this title.
    await find(2, [
      ['u-ada', 'spike'],
      ['u-loop', 'unbroken_run'],
    ]);
    await eventually(async () => ((await legend())[0]?.[0] === 'u-ada' ? true : undefined));
    expect(await legend()).toEqual([
      ['u-ada', 350_000],
      ['u-loop', 20_000],
    ]);
    expect(await tagOf('/v1/titles')).not.toBe(tag);
  });

  it('is missing in that person’s way to the title, which does not say so to others', async () => {
    const { titles } = await get<PersonTitlesJson>('/v1/users/u-loop/titles');
    const [own] = titles.filter(({ title_id: id }) => id === 'token_legend');
    expect(own).toMatchObject({
      value: 20_000,
      evidence: { input: '20000', own_minutes: '1', active_days: '1' },
    });
    expect(JSON.stringify(titles)).not.toContain('left_out_days');
    // No other title leaves it out.
    const [streak] = (await get<PersonTitlesJson>('/v1/users/u-loop/titles')).titles.filter(
      ({ title_id: id }) => id === 'model_connoisseur',
    );
    expect(streak?.evidence).toMatchObject({ active_days: '2' });
  });

  it('is in every figure of a board or a page as before', async () => {
    const board = await get<LeaderboardJson>('/v1/leaderboards/total_tokens');
    expect(board.entries.map(({ user_id, value }) => [user_id, value])).toEqual([
      ['u-loop', '420000'],
      ['u-ada', '350000'],
    ]);
    expect(await get('/v1/users/u-loop')).toMatchObject({ totals: { total_tokens: '420000' } });
  });

  it('counts again when it stands out no more', async () => {
    await find(2, []);
    await eventually(async () => ((await legend())[0]?.[0] === 'u-loop' ? true : undefined));
    expect(await legend()).toEqual(both);
  });
});
