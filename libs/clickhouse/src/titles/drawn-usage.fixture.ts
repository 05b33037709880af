import fc from 'fast-check';
import type { OutcomeEvent, TokenClass, UsageEvent } from '@laurel/events';
import type { SignalId } from '@laurel/fair-play';
import { builtInRules, titleRuleSchema, type IsLeftOut, type PriceOf, type TitleRule } from '@laurel/titles';
import { dayKey, dayOf, isCounted, priceOn, type Day, type Price, type Schedule } from '@laurel/usage';
import { outcomeEvent, usageEvent } from '@laurel/usage/fixture';
import { takeOutcomes } from '../outcomes.fixture.js';
import { addPrices } from '../prices/price-table.js';
import { Roller } from '../roller.fixture.js';
import type { TestDatabase } from '../test-database.fixture.js';

const HOUR = 3600;
export const DAY = 86_400;
export const TODAY = Date.UTC(2026, 4, 30) / 1000;
export const NOW = (TODAY + 12 * HOUR) * 1000;
/** The day before the window, its first day, days whose rolls are closed, the last closed one, open ones and today. */
const DAYS = [30, 29, 9, 8, 7, 6, 5, 1, 0].map((ago) => TODAY - ago * DAY);

/** In the order of UTF-8, which is not that of UTF-16 for the last two. */
export const PEOPLE = [
  ...Array.from({ length: 28 }, (_, index) => `u-${String(index).padStart(2, '0')}`),
  '\uff5e',
  '😀',
];

/** One call, whoever made it. Few minutes around midnights, so that sessions go on over them and break at gaps. */
const aCall = fc.record({
  day: fc.constantFrom(...DAYS),
  minute: fc.constantFrom(0, 1, 10, 29, 30, 31, 60, 1380, 1410, 1438, 1439),
  provider: fc.constantFrom('anthropic', 'anthropic', 'bedrock'),
  model: fc.constantFrom(
    'claude-sonnet-4-5',
    'us.anthropic.claude-sonnet-4-5-20250929-v1:0',
    'gpt-5',
    'gemini-2.5-pro',
    'tiny',
  ),
  session_id: fc.constantFrom(null, 's-1', 's-2', 's-3'),
  status: fc.constantFrom('ok', 'ok', 'ok', 'error'),
  origin: fc.constantFrom('main', 'main', 'subagent', 'auxiliary'),
  team: fc.constantFrom(null, 'red', 'red', 'blue', 'ß-1', 'Blue'),
  tokens: fc.record({
    input: fc.constantFrom(0, 1, 100, 5000),
    cache_read: fc.constantFrom(0, 100, 777),
    cache_write_5m: fc.constantFrom(0, 10),
    output: fc.constantFrom(0, 1, 300),
  }),
});
/** Several people do the very same, so that there are ties. */
export const drawnUsage: fc.Arbitrary<readonly UsageEvent[]> = fc
  .array(fc.array(aCall, { maxLength: 12 }), { minLength: 2, maxLength: 12 })
  .chain((habits) => fc.tuple(...PEOPLE.map((user) => fc.constantFrom(...habits).map((calls) => ({ user, calls })))))
  .map((people) =>
    people.flatMap(({ user, calls }) =>
      calls.map(({ day, minute, ...fields }, index) =>
        usageEvent({
          ...fields,
          user_id: user,
          event_id: `e-${index}`,
          occurred_at: (day + minute * 60) * 1000,
        }),
      ),
    ),
  );

/** What came of one day, whoever's it was; also of days without usage. */
const anOutcome = fc.record({
  day: fc.constantFrom(...DAYS, TODAY - 10 * DAY),
  minute: fc.constantFrom(0, 30, 1439),
  kind: fc.constantFrom('edit_accepted', 'edit_accepted', 'commit', 'pull_request_merged', 'edit_rejected'),
  quantity: fc.constantFrom(1, 1, 2, 7, 50),
  team: fc.constantFrom(null, 'red', 'blue'),
});
/** Several people have the very same. */
export const drawnOutcomes: fc.Arbitrary<readonly OutcomeEvent[]> = fc
  .array(fc.array(anOutcome, { maxLength: 10 }), { minLength: 2, maxLength: 8 })
  .chain((habits) => fc.tuple(...PEOPLE.map((user) => fc.constantFrom(...habits).map((made) => ({ user, made })))))
  .map((people) =>
    people.flatMap(({ user, made }) =>
      made.map(({ day, minute, ...fields }, index) =>
        outcomeEvent({ ...fields, user_id: user, event_id: `o-${index}`, occurred_at: (day + minute * 60) * 1000 }),
      ),
    ),
  );

/** In pico-US-dollars per token: sums end below millionths, a class has no price, a cache costs more than it saves. */
const price = (input: number, others: Partial<Record<TokenClass, number | null>> = {}): Price => ({
  rates: {
    input,
    cache_read: 0,
    cache_write_5m: input,
    cache_write_1h: input,
    cache_write: input,
    output: 5 * input,
    ...others,
  },
  long: null,
});
const { provider } = usageEvent({});
const PRICES: Readonly<Record<string, Schedule>> = {
  'claude-sonnet-4-5': [
    { from: 0 as Day, price: price(3_000_001, { cache_read: 300_000 }) },
    { from: (TODAY / DAY - 6) as Day, price: price(1_999_999, { cache_write_5m: 90_000_000 }) },
  ],
  'gpt-5': [{ from: 0 as Day, price: price(7, { output: null }) }],
  'gemini-2.5-pro': [{ from: 0 as Day, price: price(1_250_000, { cache_read: 9_000_000 }) }],
};
export const priceOf: PriceOf = (of, model, day) => (of === provider ? priceOn(PRICES[model] ?? [], day) : null);

const eligibility = fc.record({
  min_tokens: fc.constantFrom(0, 1, 1000, 8000),
  min_active_days: fc.nat(3),
  min_sessions: fc.nat(2),
  min_list_cost_usd: fc.constantFrom(0, 0, 0, 1),
  min_tenure_days: fc.constantFrom(0, 0, 0, 1, 8, 30, 31),
});
const metric = fc.constantFrom(
  { kind: 'capped_tokens', daily_cap: 5000 },
  { kind: 'capped_tokens', daily_cap: 2 ** 38 },
  { kind: 'capped_tokens', daily_cap: 400, classes: ['output', 'cache_read'] },
  { kind: 'capped_tokens', daily_cap: 5000, tokens_per_own_minute: 150 },
  { kind: 'capped_tokens', tokens_per_own_minute: 1 },
  { kind: 'active_days' },
  { kind: 'list_cost' },
  { kind: 'cache_saving' },
  { kind: 'longest_streak', weekends: 'skip' },
  { kind: 'longest_streak', weekends: 'count' },
  { kind: 'effective_models', min_share_per_mille: 10 },
  { kind: 'effective_models', min_share_per_mille: 200 },
  { kind: 'cache_share', prior_tokens: 0 },
  { kind: 'cache_share', prior_tokens: 0, reads_per_output: 2 },
  { kind: 'cache_share', prior_tokens: 3000 },
  { kind: 'longest_session', max_gap_minutes: 30, daily_cap_minutes: 720 },
  { kind: 'longest_session', max_gap_minutes: 1, daily_cap_minutes: 2 },
  { kind: 'outcomes' },
  { kind: 'outcomes', weights: { edit_accepted: 0, commit: 3 }, daily_cap: 10 },
  { kind: 'outcomes_per_usd', max_unpriced_per_mille: 1000 },
  { kind: 'outcomes_per_usd', daily_cap: 7, max_unpriced_per_mille: 300 },
  { kind: 'thrift_gain', min_tokens_each: 1, min_points_each: 1, most_over_median_per_mille: 250 },
  { kind: 'thrift_gain', min_tokens_each: 200, min_points_each: 10, most_over_median_per_mille: 0, daily_cap: 9 },
  { kind: 'thrift_gain', min_tokens_each: 1, min_points_each: 1, most_over_median_per_mille: 100_000 },
  { kind: 'quotient', of: { kind: 'list_cost' }, per: { kind: 'active_days' } },
  { kind: 'quotient', of: { kind: 'capped_tokens', daily_cap: 400 }, per: { kind: 'active_days' } },
  { kind: 'quotient', of: { kind: 'cache_saving' }, per: { kind: 'capped_tokens', daily_cap: 5000 } },
  { kind: 'quotient', of: { kind: 'capped_tokens', tokens_per_own_minute: 150 }, per: { kind: 'active_days' } },
);
export const drawnRule: fc.Arbitrary<TitleRule> = fc
  .record({
    metric,
    eligibility,
    window: fc.constantFrom('30d', '7d', 'week', 'month', 'all'),
    fair_play: fc.constantFrom(undefined, undefined, { exclude: ['spike'] }, { exclude: ['tiny_models', 'spike'] }),
    holders: fc.integer({ min: 1, max: 3 }),
    scope: fc.constantFrom('company', 'company', 'each_team', 'each_model_family'),
    usage: fc.constantFrom<object | undefined>(
      undefined,
      undefined,
      undefined,
      { providers: ['anthropic'] },
      { model_families: ['claude-sonnet-4-5', 'tiny'] },
      { providers: ['anthropic', 'nobody'], model_families: ['gpt-5', 'claude-sonnet-4-5'] },
    ),
  })
  .map(({ window, ...fields }) => {
    const described = { id: 'a_title', name: 'A title', description: 'For tests', version: 1, ...fields };
    const rule = { ...described, window: fields.metric.kind === 'thrift_gain' ? '7d' : window };
    // Not every metric is known of some models.
    const ofModels = titleRuleSchema.safeParse(rule);
    if (ofModels.success) return ofModels.data;
    return titleRuleSchema.parse({ ...rule, scope: 'company', usage: undefined });
  });
export const drawnRules = fc
  .tuple(
    fc.array(drawnRule, { minLength: 3, maxLength: 3 }),
    fc.subarray([...builtInRules], { minLength: 1, maxLength: 3 }),
  )
  .map((all) => all.flat());

/** A person’s day that stands out, whatever they did: what signals are about is no matter here. */
export interface Flag {
  readonly userId: string;
  readonly day: Day;
  readonly signal: SignalId;
}
export const drawnFlags: fc.Arbitrary<readonly Flag[]> = fc.array(
  fc.record({
    userId: fc.constantFrom(...PEOPLE),
    day: fc.constantFrom(...DAYS).map((day) => (day / DAY) as Day),
    signal: fc.constantFrom('spike', 'tiny_models', 'same_instant'),
  }),
  { maxLength: 60, size: 'max' },
);

/** @param atMs days have signals once they are over; always unless said. */
export function leftOutBy({ fair_play: fairPlay }: TitleRule, flags: readonly Flag[], atMs = Infinity): IsLeftOut {
  const days = new Set(
    flags
      .filter(({ signal, day }) => fairPlay?.exclude.includes(signal) === true && day < dayOf(atMs))
      .map(({ userId, day }) => `${day} ${userId}`),
  );
  return (userId, day) => days.has(`${day} ${userId}`);
}

async function recordFlags(
  database: TestDatabase,
  events: readonly UsageEvent[],
  flags: readonly Flag[],
): Promise<void> {
  // Only who used something on a day has signals.
  const used = new Set(
    events.filter((event) => isCounted(event)).map(({ user_id, occurred_at }) => `${dayOf(occurred_at)} ${user_id}`),
  );
  const rows = flags.filter(({ day, userId }) => used.has(`${day} ${userId}`));
  const roll = { part: 'days', roll_id: '1' };
  await database.client.insert({
    table: 'fair_play_signals',
    format: 'JSONEachRow',
    values: rows.map(({ userId, day, signal }) => ({
      ...roll,
      day: dayKey(day),
      user_id: userId,
      signal,
      evidence: {},
    })),
  });
  await database.client.insert({
    table: 'fair_play_heads',
    format: 'JSONEachRow',
    values: rows.map(({ day }) => ({ ...roll, day: dayKey(day), rests_on: '' })),
  });
}

/**
 * Writes usage, prices and what else is given: all of it is there at once; up to the eighth day before today it is closed, from then
 * on open.
 *
 * @returns what takes more.
 */
export async function record(
  database: TestDatabase,
  events: readonly UsageEvent[],
  { outcomes = [], flags = [] }: { readonly outcomes?: readonly OutcomeEvent[]; readonly flags?: readonly Flag[] } = {},
): Promise<Roller> {
  await database.truncate();
  const prices = Object.entries(PRICES).map(([model, steps]) => ({ provider, model, steps }));
  await addPrices(database.client, prices, 'test', 1);
  const roller = new Roller(database, TODAY - 9 * DAY, TODAY);
  await roller.begin();
  await roller.take({ events, closeHours: 50, closeDays: true });
  await recordFlags(database, events, flags);
  await takeOutcomes(database, outcomes);
  return roller;
}
