import {
  costsBy,
  figuresByUser,
  isWithin,
  modelFamily,
  noCosts,
  noFigures,
  priceOn,
  totalOf,
  windowOf,
  type CostFigures,
  type Figures,
} from '@laurel/usage';
import { PriceCatalogue } from '@laurel/usage/price-list';
import { compareUtf8, generatedHandle } from '@laurel/titles';
import type { UsageEvent } from '@laurel/events';
import { usage } from '../testing/events.js';
import { eventually } from '../testing/eventually.js';
import { testStack, type TestStack } from '../testing/stack.js';
import { costsJson, figuresJson, type CostsJson } from './figures-json.js';
import { boardMetrics, type BoardMetric } from './statements.js';
import type { ModelDaysJson } from './model-days.controller.js';
import type { TrendsJson } from './trends.controller.js';
import type { LeaderboardJson, ModelsJson, UserJson } from './usage.controller.js';

const DAY_MS = 86_400_000;
/** Today at noon, so that no instant here is near a day's end while it runs. */
const noon = Math.floor(Date.now() / DAY_MS) * DAY_MS + DAY_MS / 2;
const daysAgo = (days: number): string => new Date(noon - days * DAY_MS).toISOString();

const prices = new PriceCatalogue();
const costFiguresOf = (some: readonly UsageEvent[]): CostFigures =>
  costsBy(
    some,
    () => 'all',
    (provider, model, day) => priceOn(prices.scheduleOf(provider, model), day),
  ).get('all') ?? noCosts;
const costsOf = (some: readonly UsageEvent[]): CostsJson => costsJson(costFiguresOf(some));

describe('the figures', () => {
  let stack: TestStack;
  let url: string;

  beforeAll(async () => {
    stack = await testStack();
    await stack.store(events.concat(history));
    ({ url } = await stack.startApi());
  });
  afterAll(() => stack.stop());

  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(url + path);
    expect(response.status).toBe(200);
    return (await response.json()) as T;
  };

  const valueOf: Readonly<Record<BoardMetric, (figures: Figures, costs: CostFigures) => bigint>> = {
    total_tokens: totalOf,
    input_tokens: ({ tokens }) => tokens.input,
    cache_read_tokens: ({ tokens }) => tokens.cache_read,
    all_cache_write_tokens: ({ tokens }) => tokens.cache_write_5m + tokens.cache_write_1h + tokens.cache_write,
    output_tokens: ({ tokens }) => tokens.output,
    events: ({ events: count }) => BigInt(count),
    cost_micro_usd: ({ costMicroUsd }) => costMicroUsd,
    list_cost_micro_usd: (_, { listCost }) => listCost / 1_000_000n,
  };

  /** What the board has to be, worked out from the events by the reference model. */
  function expectedBoard(
    metric: BoardMetric,
    counted: readonly UsageEvent[],
    before: readonly UsageEvent[],
  ): readonly unknown[] {
    const ranked = (some: readonly UsageEvent[]) => {
      const people = [...figuresByUser(some)]
        .map(([userId, figures]) => {
          const own = some.filter((event) => event.user_id === userId);
          const costs = costFiguresOf(own);
          return { userId, own, figures, costs, value: valueOf[metric](figures, costs) };
        })
        .sort((a, b) => (a.value === b.value ? compareUtf8(a.userId, b.userId) : a.value > b.value ? -1 : 1));
      const firstOf = new Map<bigint, number>();
      people.forEach(({ value }, index) => firstOf.set(value, firstOf.get(value) ?? index + 1));
      return people.map((person) => ({ ...person, rank: firstOf.get(person.value) }));
    };
    const previous = new Map(ranked(before).map(({ userId, rank }) => [userId, rank]));
    return ranked(counted).map(({ rank, userId, own, figures, costs, value }) => ({
      rank,
      previous_rank: previous.get(userId) ?? null,
      user_id: userId,
      handle: generatedHandle(userId),
      name: null,
      figures: 'exact',
      teams: [...new Set(own.flatMap(({ team }) => (team === null ? [] : [team])))].sort(),
      value: String(value),
      ...figuresJson(figures),
      ...costsJson(costs),
    }));
  }

  const within =
    (name: '7d' | '30d', atMs = noon) =>
    (event: UsageEvent) =>
      isWithin(windowOf(name, atMs), event.occurred_at);
  const expected = (metric: BoardMetric, name: '7d' | '30d', some: readonly UsageEvent[] = events) =>
    expectedBoard(metric, some.filter(within(name)), some.filter(within(name, noon - DAY_MS)));

  it.each(boardMetrics)(
    'ranks everybody by %s now and at the end of yesterday as the reference model does',
    async (metric) => {
      const board = await get<LeaderboardJson>(`/v1/leaderboards/${metric}`);
      expect(board.entries).toEqual(expected(metric, '30d'));
      expect(board.people).toBe(board.entries.length);
      expect(board).toMatchObject({
        metric,
        scope: 'company',
        measures: expect.stringContaining('token volume') as string,
      });
    },
  );

  it('counts the days of the window, its first included and the one before it not', async () => {
    const board = await get<LeaderboardJson>('/v1/leaderboards/total_tokens?window=7d');
    expect(board.entries).toEqual(expected('total_tokens', '7d'));
    const today = Math.floor(noon / DAY_MS) * DAY_MS;
    expect(board.window).toEqual({
      name: '7d',
      days: 7,
      start: new Date(today - 6 * DAY_MS).toISOString(),
      end: new Date(today + DAY_MS).toISOString(),
    });
  });

  it('counts within a team only what was recorded under it', async () => {
    const board = await get<LeaderboardJson>(
      `/v1/leaderboards/total_tokens?scope=${encodeURIComponent('team:röd & blå')}`,
    );
    const ofTeam = events.filter((event) => event.team === 'röd & blå');
    expect(ofTeam.length).toBeGreaterThan(0);
    expect(board.entries).toEqual(expected('total_tokens', '30d', ofTeam));
    expect(board.scope).toBe('team:röd & blå');
  });

  it('lists at most as many as asked for, and says how many there are', async () => {
    const all = await get<LeaderboardJson>('/v1/leaderboards/total_tokens');
    const board = await get<LeaderboardJson>('/v1/leaderboards/total_tokens?limit=2');
    expect(board.entries).toEqual(all.entries.slice(0, 2));
    expect(board.people).toBe(all.people);
  });

  it('gives any part of a board, and nothing beyond its end', async () => {
    const all = await get<LeaderboardJson>('/v1/leaderboards/total_tokens');
    const part = await get<LeaderboardJson>('/v1/leaderboards/total_tokens?offset=2&limit=3');
    expect(part.entries).toEqual(all.entries.slice(2, 5));
    expect((await get<LeaderboardJson>('/v1/leaderboards/total_tokens?offset=99999')).entries).toEqual([]);
  });

  it('finds people on a board by a part of their handle or by their pseudonym, at their places', async () => {
    const all = await get<LeaderboardJson>('/v1/leaderboards/total_tokens');
    const search = (q: string) =>
      get<LeaderboardJson>(`/v1/leaderboards/total_tokens?q=${encodeURIComponent(q)}`).then(({ entries }) => entries);
    const handle = generatedHandle('bo');
    const part = handle.slice(2, -2);
    expect(await search(` ${part.toUpperCase()} `)).toEqual(all.entries.filter((entry) => entry.handle.includes(part)));
    expect(await search('BO')).toContainEqual(all.entries.find(({ user_id }) => user_id === 'bo'));
    expect(await search('no such handle')).toEqual([]);
  });

  it('tells a person’s own place beside any part of a board', async () => {
    const all = await get<LeaderboardJson>('/v1/leaderboards/output_tokens?window=7d');
    const own = await get<LeaderboardJson>('/v1/leaderboards/output_tokens?window=7d&limit=1&user=anna');
    expect(own.user).toEqual(all.entries.find(({ user_id }) => user_id === 'anna'));
    expect((await get<LeaderboardJson>('/v1/leaderboards/total_tokens?user=past')).user).toBeNull();
    expect(all).not.toHaveProperty('user');
  });

  it('shows how those on a part of a board came there: their last 30 days and their models’ families', async () => {
    const query = 'window=7d&offset=1&limit=4';
    const { entries } = await get<LeaderboardJson>(`/v1/leaderboards/total_tokens?${query}`);
    const { days, people } = await get<TrendsJson>(`/v1/leaderboards/total_tokens/trends?${query}`);
    expect(people.map(({ user_id }) => user_id)).toEqual(entries.map(({ user_id }) => user_id));
    expect(days).toHaveLength(30);
    for (const person of people) {
      const own = events.filter((event) => event.user_id === person.user_id).filter(within('30d'));
      const tokens = (some: readonly UsageEvent[]): bigint =>
        some.reduce((sum, event) => sum + totalOf(figuresByUser([event]).get(event.user_id) ?? noFigures), 0n);
      expect(person.days).toEqual(
        days.map((day) => String(tokens(own.filter((one) => new Date(one.occurred_at).toISOString().startsWith(day))))),
      );
      const families = [...new Set(own.map(({ model }) => modelFamily(model)))];
      expect(person.family_count).toBe(families.length);
      expect(Object.fromEntries(person.families.map(({ family, share }) => [family, share]))).toEqual(
        Object.fromEntries(
          families.map((family) => [
            family,
            Number(tokens(own.filter(({ model }) => modelFamily(model) === family))) / Number(tokens(own)),
          ]),
        ),
      );
    }
  });

  it('has an empty board for a team that nobody worked under', async () => {
    const board = await get<LeaderboardJson>('/v1/leaderboards/total_tokens?scope=team:nobody');
    expect(board).toMatchObject({ people: 0, entries: [] });
  });

  it('gives sums beyond 2^53 digit by digit', async () => {
    const board = await get<LeaderboardJson>('/v1/leaderboards/input_tokens?scope=team:giants');
    expect(board.entries[0]?.value).toBe('9007199254740993');
  });

  it('shows a person by day and model, with the place and the teams', async () => {
    const person = await get<UserJson>('/v1/users/anna');
    const own = events.filter((event) => event.user_id === 'anna').filter(within('30d'));
    const figures = (some: readonly UsageEvent[]) => figuresByUser(some).get('anna');
    const json = (some: readonly UsageEvent[]) => {
      const found = figures(some);
      return found === undefined ? undefined : figuresJson(found);
    };
    const priced = (some: readonly UsageEvent[]) => {
      const found = json(some);
      return found === undefined ? undefined : { ...found, ...costsOf(some) };
    };
    const board = await get<LeaderboardJson>('/v1/leaderboards/total_tokens');
    expect(person).toMatchObject({
      user_id: 'anna',
      handle: generatedHandle('anna'),
      rank: board.entries.find((entry) => entry.user_id === 'anna')?.rank,
      people: board.people,
      teams: ['green', 'röd & blå'],
      totals: priced(own),
      titles: [],
    });
    expect(person.days).toHaveLength(30);
    expect(person.days.map(({ day }) => day)).toEqual([...person.days.map(({ day }) => day)].sort());
    for (const { day, ...counted } of person.days) {
      const ofDay = json(own.filter((event) => new Date(event.occurred_at).toISOString().startsWith(day)));
      expect(counted).toEqual(ofDay ?? expect.objectContaining({ events: '0', total_tokens: '0' }));
    }
    expect(person.models.map(({ provider, model }) => `${provider}/${model}`)).toEqual([
      'anthropic/claude-sonnet-4-5',
      'openai/gpt-5',
      'azure/gpt-5',
    ]);
    for (const { provider, model, share, ...counted } of person.models) {
      const expected = priced(own.filter((event) => event.provider === provider && event.model === model));
      expect(counted).toEqual(expected);
      expect(share).toBeCloseTo(Number(counted.total_tokens) / Number(person.totals.total_tokens), 12);
    }
  });

  it.each(['a/b c?d=%2F#é', '😀', 'x'.repeat(256)])('finds the person %s by the encoded id', async (id) => {
    const person = await get<UserJson>(`/v1/users/${encodeURIComponent(id)}`);
    expect(person).toMatchObject({ user_id: id, totals: { total_tokens: '7' } });
  });

  it('shows a person whose usage lies before the window without a place', async () => {
    const person = await get<UserJson>('/v1/users/past');
    expect(person).toMatchObject({ rank: null, people: null, teams: [], models: [], totals: { events: '0' } });
    expect((await get<UserJson>('/v1/users/past?window=90d')).totals.events).toBe('1');
  });

  it('knows nobody who never had usage, nor whose usage was all taken out', async () => {
    for (const id of ['nobody', 'retracted']) {
      const response = await fetch(`${url}/v1/users/${id}`);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ code: 'no_usage', status: 404, instance: `/v1/users/${id}` });
    }
  });

  it('shares the tokens among the models, per provider', async () => {
    const { models } = await get<ModelsJson>('/v1/models');
    const counted = events.filter(within('30d'));
    const keys = [...new Set(counted.map((event) => JSON.stringify([event.provider, event.model])))];
    expect(models).toHaveLength(keys.length);
    const totals = models.map(({ total_tokens }) => BigInt(total_tokens));
    expect(totals).toEqual([...totals].sort((a, b) => (a > b ? -1 : 1)));
    const all = totals.reduce((sum, one) => sum + one, 0n);
    for (const { provider, model, users, share, figures, ...rest } of models) {
      const own = counted.filter((event) => event.provider === provider && event.model === model);
      const expected = [
        ...figuresByUser(own.map((event) => ({ ...event, user_id: own[0]?.user_id ?? event.user_id }))).values(),
      ];
      expect(expected.map((one) => ({ ...figuresJson(one), ...costsOf(own) }))).toEqual([rest]);
      expect(figures).toBe('exact');
      expect(users).toBe(new Set(own.map((event) => event.user_id)).size);
      expect(share).toBeCloseTo(Number(rest.total_tokens) / Number(all), 12);
    }
  });

  it('tells each day’s tokens and cost by model family', async () => {
    const { days, families, other } = await get<ModelDaysJson>('/v1/models/days?window=30d');
    const counted = events.filter(within('30d'));
    expect(days).toHaveLength(30);
    expect(other).toBeNull();
    expect(families.map(({ family }) => family).sort()).toEqual(
      [...new Set(counted.map(({ model }) => modelFamily(model)))].sort(),
    );
    for (const { family, ...amounts } of families) {
      const own = counted.filter(({ model }) => modelFamily(model) === family);
      const of = (day: string) => own.filter((one) => new Date(one.occurred_at).toISOString().startsWith(day));
      const everybody = (some: readonly UsageEvent[]) =>
        [...figuresByUser(some).values()].reduce((sum, figures) => sum + totalOf(figures), 0n);
      expect(amounts).toEqual({
        total_tokens: days.map((day) => String(everybody(of(day)))),
        list_cost_usd: days.map((day) => costsOf(of(day)).list_cost_usd),
      });
    }
  });

  it('shows what was recorded since it was last asked: on a board, of a team, of a person, of a model', async () => {
    const paths = ['/v1/leaderboards/total_tokens', '/v1/leaderboards/total_tokens?scope=team:new', '/v1/models'];
    for (const path of paths) await get(path);
    const [input, output] = [12_345_678, 9];
    await stack.store([
      usage({ user_id: 'new', team: 'new', model: 'new', occurred_at: daysAgo(2), tokens: { input, output } }),
    ]);
    for (const path of paths) {
      await eventually(async () => (JSON.stringify(await get(path)).includes('"12345687"') ? true : undefined));
    }
    expect(await get<UserJson>('/v1/users/new')).toMatchObject({
      teams: ['new'],
      totals: { total_tokens: '12345687' },
    });
  });
});

const every = {
  input: 1,
  cache_read: 20,
  cache_write_5m: 300,
  cache_write_1h: 4000,
  cache_write: 50_000,
  output: 600_000,
  reasoning: 5,
};

/** What counts: the last version of each event that was not taken out. */
const events: readonly UsageEvent[] = [
  usage({ user_id: 'anna', occurred_at: daysAgo(0), tokens: every, team: 'green', cost_micro_usd: 1500 }),
  usage({
    user_id: 'anna',
    occurred_at: daysAgo(3),
    tokens: { input: 900 },
    team: 'röd & blå',
    provider: 'openai',
    model: 'gpt-5',
  }),
  usage({
    user_id: 'anna',
    occurred_at: daysAgo(3),
    tokens: { output: 50 },
    provider: 'azure',
    model: 'gpt-5',
    status: 'error',
  }),
  usage({ user_id: 'anna', occurred_at: daysAgo(7), tokens: { cache_read: 10_000 }, origin: 'auxiliary' }),
  usage({ user_id: 'anna', occurred_at: daysAgo(30), tokens: { input: 1_000_000 } }),
  usage({
    user_id: 'bo',
    occurred_at: daysAgo(29),
    tokens: { input: 654_321 },
    team: 'röd & blå',
    status: 'cancelled',
  }),
  usage({
    user_id: 'bo',
    occurred_at: daysAgo(6),
    tokens: { output: 7 },
    team: 'green',
    origin: 'unknown',
    cost_micro_usd: 1500,
  }),
  // Equal figures: one place, in the order of UTF-8, which is not UTF-16's for the last two.
  ...['é', 'Z', 'a', '\u{1F600}', '\uFF5E'].map((user_id) =>
    usage({ user_id: `tie-${user_id}`, occurred_at: daysAgo(1), tokens: { input: 77 } }),
  ),
  usage({ user_id: 'revised', event_id: 'revised', occurred_at: daysAgo(2), tokens: { output: 10 }, revision: 1 }),
  usage({ user_id: 'zero', occurred_at: daysAgo(2), tokens: {}, status: 'error' }),
  ...['a/b c?d=%2F#é', '😀', 'x'.repeat(256)].map((user_id) =>
    usage({ user_id, occurred_at: daysAgo(1), tokens: { input: 7 } }),
  ),
  // 8192 × 2^40 and one more.
  ...Array.from({ length: 8192 }, () =>
    usage({ user_id: 'giant', occurred_at: daysAgo(4), tokens: { input: 2 ** 40 }, team: 'giants' }),
  ),
  usage({ user_id: 'giant', occurred_at: daysAgo(4), tokens: { input: 1 }, team: 'giants' }),
];

/** What is stored too and does not count in the last 30 days. */
const history: readonly UsageEvent[] = [
  usage({ user_id: 'revised', event_id: 'revised', occurred_at: daysAgo(2), tokens: { output: 99 }, revision: 0 }),
  usage({ user_id: 'retracted', event_id: 'gone', occurred_at: daysAgo(2), tokens: { output: 5 }, revision: 0 }),
  usage({
    user_id: 'retracted',
    event_id: 'gone',
    occurred_at: daysAgo(2),
    tokens: { output: 5 },
    revision: 1,
    retracted: true,
  }),
  usage({ user_id: 'past', occurred_at: daysAgo(60), tokens: { output: 5 } }),
];
