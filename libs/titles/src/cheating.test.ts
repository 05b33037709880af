import type { AwardEvent, OutcomeEvent, UsageEvent } from '@laurel/events';
import { signalsOf } from '@laurel/fair-play';
import { dayOf, windowOf } from '@laurel/usage';
import { outcomeEvent, usageEvent } from '@laurel/usage/fixture';
import { builtInRules } from './built-in-rules.js';
import { factsOf, type IsLeftOut, type PriceOf } from './metrics/facts.js';
import { measure } from './metrics/measure.js';
import { titleRuleSchema, type TitleRule } from './rule.js';
import { standingsByScope } from './scope.js';
import { simulate, type UsageHistory } from './simulate.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A Monday. */
const FIRST_MS = Date.UTC(2026, 4, 4);
const DAYS = 30;
/** Each sixth hour: of a day its night, morning, afternoon and evening are over. */
const instants = Array.from({ length: DAYS * 4 }, (_, step) => FIRST_MS + (step + 1) * 6 * HOUR_MS);
const workdays = Array.from({ length: DAYS }, (_, day) => day).filter((day) => day % 7 < 5);

const at = (day: number, hour: number, minute = 0): number =>
  FIRST_MS + day * DAY_MS + hour * HOUR_MS + minute * 60_000;

let serial = 0;
const call = (user_id: string, day: number, hour: number, fields: Parameters<typeof usageEvent>[0]): UsageEvent =>
  usageEvent({
    user_id,
    event_id: `e-${(serial += 1)}`,
    session_id: `${user_id}-${day}`,
    occurred_at: at(day, hour),
    ...fields,
  });

/** Two people who work by day, one with one model and one with three; their prompts are read from the cache for the greater part. */
const honest: readonly UsageEvent[] = workdays.flatMap((day) => [
  ...[9, 11, 14, 16].map((hour) =>
    call('ada', day, hour, {
      session_id: `ada-${day}-${hour}`,
      tokens: { input: 2_000_000, cache_read: 14_000_000, output: 400_000 },
    }),
  ),
  ...['claude-sonnet-4-5', 'gpt-5', 'gemini-2.5-pro'].map((model, index) =>
    call('bo', day, 10 + index, { model, tokens: { input: 3_000_000, cache_read: 6_000_000, output: 300_000 } }),
  ),
]);

const made = (user_id: string, day: number, commits: number): OutcomeEvent =>
  outcomeEvent({
    user_id,
    event_id: `o-${(serial += 1)}`,
    occurred_at: at(day, 17),
    quantity: commits,
  });

const isCall = (one: UsageEvent | OutcomeEvent): one is UsageEvent => 'tokens' in one;
const isOutcome = (one: UsageEvent | OutcomeEvent): one is OutcomeEvent => !isCall(one);

/** One US dollar for a million tokens of output, and nothing for the others. */
const priceOf: PriceOf = () => ({
  rates: { input: 0, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0, cache_write: 0, output: 1e6 },
  long: null,
});

/** The signals of all days; as they are known in the end. */
const signalsIn = (events: readonly UsageEvent[]): ReadonlySet<string> => {
  const known = signals.get(events);
  if (known !== undefined) return known;
  const days = [...new Set(events.map(({ occurred_at: ms }) => dayOf(ms)))];
  const found = new Set(
    days.flatMap((day) => signalsOf(events, day).map(({ userId, signal }) => `${day} ${userId} ${signal}`)),
  );
  signals.set(events, found);
  return found;
};
const signals = new Map<readonly UsageEvent[], ReadonlySet<string>>();

/** Days have signals once they are over. */
const leftOutBy = (rule: TitleRule, events: readonly UsageEvent[], atMs: number): IsLeftOut | undefined => {
  const { fair_play: fairPlay } = rule;
  if (fairPlay === undefined) return undefined;
  return (userId, day) =>
    day < dayOf(atMs) && fairPlay.exclude.some((signal) => signalsIn(events).has(`${day} ${userId} ${signal}`));
};

const history = (events: readonly UsageEvent[], outcomes: readonly OutcomeEvent[]): UsageHistory => {
  const known = new Map<string, readonly UsageEvent[]>();
  const standings: UsageHistory['standings'] = (rule, window, _, atMs) => {
    const before = known.get(String(atMs)) ?? events.filter(({ occurred_at }) => occurred_at < atMs);
    known.set(String(atMs), before);
    const madeBefore = outcomes.filter(({ occurred_at }) => occurred_at < atMs);
    const isLeftOut = leftOutBy(rule, events, atMs);
    return Promise.resolve(standingsByScope(rule, factsOf(before, window, priceOf, isLeftOut, madeBefore)));
  };
  return {
    standings,
    sketch: standings,
    tierFigures: () => Promise.resolve([]),
    value: (rule, userId, window, _, atMs) => {
      const before = events.filter(({ occurred_at }) => occurred_at < atMs);
      const madeBefore = outcomes.filter(({ occurred_at }) => occurred_at < atMs);
      const facts = factsOf(before, window, priceOf, leftOutBy(rule, events, atMs), madeBefore);
      return Promise.resolve(measure(rule.metric, facts).find((one) => one.userId === userId)?.value ?? 0);
    },
    mayTiersChange: () => Promise.resolve(false),
  };
};
/** Everybody who would have held a title at any time of the month. */
const everHeld = async (
  rule: TitleRule,
  events: readonly UsageEvent[],
  outcomes: readonly OutcomeEvent[] = [],
): Promise<ReadonlySet<string>> => {
  const awards: AwardEvent[] = [];
  for await (const day of simulate([rule], history(events, outcomes), instants)) awards.push(...day.awards);
  return new Set(awards.filter(({ type }) => type === 'title_awarded').map(({ user_id }) => user_id));
};

const [tokenLegend, modelConnoisseur, cacheWizard, , masterCrafter, frugalSage] = builtInRules;
const naive = (metric: object, fields: object = {}): TitleRule =>
  titleRuleSchema.parse({ id: 'naive', name: 'Naive', description: 'Naive.', version: 1, metric, ...fields });

/** Four hours of each working day with a call of their own each other minute. */
const working = (user_id: string, perCall: number): readonly UsageEvent[] =>
  workdays.flatMap((day) =>
    [9, 10, 13, 15].flatMap((hour) =>
      Array.from({ length: 30 }, (_, index) =>
        call(user_id, day, hour, { occurred_at: at(day, hour, 2 * index), tokens: { input: perCall } }),
      ),
    ),
  );
/** From eight in the evening to six in the morning, on every day but the first, when somebody has to have worked before. */
const nightHours = Array.from({ length: DAYS - 1 }, (_, day) => day + 1).flatMap((day) =>
  [0, 1, 2, 3, 4, 5, 20, 21, 22, 23].map((hour) => [day, hour] as const),
);
/** An agent that goes on by itself: 200 million tokens a day. */
const night = (user_id: string): readonly UsageEvent[] =>
  nightHours.flatMap(([day, hour]) =>
    Array.from({ length: 4 }, (_, quarter) =>
      call(user_id, day, hour, {
        occurred_at: at(day, hour, 15 * quarter),
        origin: 'subagent',
        tokens: { input: 5_000_000 },
      }),
    ),
  );
/** A script that asks a word in each hour of the night. */
const knocks = (user_id: string): readonly UsageEvent[] =>
  nightHours.map(([day, hour]) => call(user_id, day, hour, { tokens: { input: 10, output: 1 } }));

describe('under the built-in rules', () => {
  const workers = [...working('ada', 450_000), ...working('bo', 350_000)];

  it.each([
    ['an agent that runs through every night', night('idle')],
    ['an agent that runs through every night and is asked a word in each hour', [...night('idle'), ...knocks('idle')]],
    [
      'an agent that runs through every night of somebody who works by day',
      [...night('idle'), ...working('idle', 200_000)],
    ],
  ])('%s takes Token Legend from nobody; by the tokens of each day alone it would', async (_, idle) => {
    const capped = naive({ kind: 'capped_tokens' });
    expect((await everHeld(capped, [...workers, ...idle])).has('idle')).toBe(true);
    expect([...(await everHeld(tokenLegend, [...workers, ...idle]))]).toEqual(['ada']);
  });

  it('nor does a loop that asks as if it were its person, from six in the evening to eight; if no day were left out it would', async () => {
    const loop = Array.from({ length: DAYS - 1 }, (_, day) =>
      [18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31].flatMap((hour) =>
        Array.from({ length: 12 }, (_, index) =>
          call('loop', day + 1, hour, { occurred_at: at(day + 1, hour, 5 * index), tokens: { input: 500_000 } }),
        ),
      ),
    ).flat();
    const events = [...workers, ...loop];
    const { fair_play: leavesOut, ...lenient } = tokenLegend;
    expect((await everHeld(lenient, events)).has('loop')).toBe(true);
    expect(leavesOut.exclude).toContain('unbroken_run');
    expect([...(await everHeld(tokenLegend, events))]).toEqual(['ada']);
  });

  it('agents count while they are asked for, as much as their person’s own calls', async () => {
    const helped = workdays.flatMap((day) =>
      [9, 10, 13, 15].map((hour) => call('bo', day, hour, { origin: 'subagent', tokens: { input: 4_000_000 } })),
    );
    expect((await everHeld(tokenLegend, [...workers, ...helped])).has('bo')).toBe(true);
  });

  it('a prefix that is replayed makes no Cache Wizard; by the share alone it would', async () => {
    const replayed = workdays.flatMap((day) =>
      Array.from({ length: 3 }, (_, index) =>
        call('replay', day, 9 + index, {
          session_id: `replay-${day}-${index}`,
          tokens: { input: 1000, cache_read: 20_000_000, output: 500 },
        }),
      ),
    );
    const events = [...honest, ...replayed];
    const alone = naive({ kind: 'cache_share', prior_tokens: 0, reads_per_output: 2 ** 20 });
    expect(await everHeld(alone, events)).toContain('replay');
    expect([...(await everHeld(cacheWizard, events))]).toEqual(['ada']);
  });

  it('twelve models called once make no Model Connoisseur; counted by their number they would', async () => {
    const models = Array.from({ length: 12 }, (_, index) => `model-${String.fromCharCode(97 + index)}`);
    const tourist = [
      ...workdays.map((day) => call('tourist', day, 9, { model: 'gpt-5', tokens: { input: 1_000_000 } })),
      ...models.map((model) => call('tourist', 8, 12, { model, tokens: { input: 1000 } })),
    ];
    const events = [...honest, ...tourist];
    const used = (user: string): number =>
      new Set(events.filter(({ user_id }) => user_id === user).map(({ model }) => model)).size;
    expect(used('tourist')).toBeGreaterThan(4 * used('bo'));
    expect(await everHeld(modelConnoisseur, events)).not.toContain('tourist');
    const window = windowOf('30d', instants.at(-1) ?? 0);
    const [best, ...others] = standingsByScope(modelConnoisseur, factsOf(events, window)).get('company') ?? [];
    expect([best?.userId, best?.value]).toEqual(['bo', expect.closeTo(3, 9)]);
    expect(others.find(({ userId }) => userId === 'tourist')?.value).toBe(1);
    expect(window.lastDay).toBe(dayOf(instants.at(-1) ?? 0));
  });

  it('work cut into a thousand commits makes no Master Crafter, nor does work of days without any model', async () => {
    // Ada has full days: 20 commits. The two spend as much as she does on the days on which they spend anything.
    const calls = (user: string, day: number) =>
      [9, 11, 14, 16].map((hour) => call(user, day, hour, { tokens: { input: 1, output: 400_000 } }));
    const full = workdays.map((day) => made('ada', day, 20));
    const cut = workdays.flatMap((day) => [...calls('cut', day), made('cut', day, 1000)]);
    const rarely = Array.from({ length: DAYS }, (_, day) => day).flatMap((day) => [
      ...(day % 7 < 4 ? calls('rarely', day) : []),
      made('rarely', day, day % 7 < 4 ? 4 : 20),
    ]);
    const all = [...cut, ...rarely];
    const events = [...honest, ...all.filter(isCall)];
    const outcomes = [...full, ...all.filter(isOutcome)];
    const uncapped = naive({ kind: 'outcomes_per_usd', daily_cap: 2 ** 20 }, { eligibility: { min_active_days: 10 } });
    expect(await everHeld(uncapped, events, outcomes)).toContain('cut');
    expect([...(await everHeld(masterCrafter, events, outcomes))]).toEqual(['ada']);
  });

  it('tokens burned in one fortnight make no Frugal Sage in the next; by the fall alone they would', async () => {
    const day = (user: string, at: number, tokens: number, commits: number) => [
      call(user, at, 10, { tokens: { input: tokens } }),
      made(user, at, commits),
    ];
    const all = workdays.flatMap((at) => [
      ...day('dee', at, at < 14 ? 1_000_000 : 700_000, 10),
      ...day('eve', at, 1_050_000, 10),
      ...day('burner', at, at < 14 ? 30_000_000 : 1_000_000, 10),
    ]);
    const events = all.filter(isCall);
    const outcomes = all.filter(isOutcome);
    const alone = naive({ ...frugalSage.metric, most_over_median_per_mille: 100_000 }, { window: '14d' });
    expect(await everHeld(alone, events, outcomes)).toContain('burner');
    const end = windowOf('14d', FIRST_MS + 27 * DAY_MS);
    const [best] =
      standingsByScope(frugalSage, factsOf(events, end, priceOf, undefined, outcomes)).get('company') ?? [];
    expect([best?.userId, best?.value]).toEqual(['dee', 0.3]);
    expect(await everHeld(frugalSage, events, outcomes)).toContain('dee');
  });
});
