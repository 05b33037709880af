import fc from 'fast-check';
import type { OutcomeEvent, UsageEvent } from '@laurel/events';
import { dayOf, hourStartMs, windowOf, type Day, type Hour } from '@laurel/usage';
import { outcomeEvent, usageEvent } from '@laurel/usage/fixture';
import { factsOf, type PriceOf, type WindowFacts } from '../metrics/facts.js';
import { groupBy } from '../metrics/grouping.js';
import { titleRuleSchema, type TitleRule } from '../rule.js';
import { standingsByScope } from '../scope.js';
import { companyCacheShare, countedRows, courseOf, turnsOf, type EverybodysCourse } from './course-of.js';
import { HoursFixture } from './hours.fixture.js';
import { Leaders } from './leaders.js';
import { timelineOf, type Course } from './timeline.js';

const FIRST_HOUR = (Date.UTC(2026, 4, 27) / 3_600_000) as Hour;
/** Over a weekend and the end of a month. */
const HOURS = 6 * 24;
const PEOPLE = ['ada', 'bo', 'cy', 'di', 'eve'];
const PRICED: PriceOf = (_, model) =>
  model === 'gpt-5'
    ? null
    : {
        rates: {
          input: 3_000_001,
          cache_read: 300_000,
          cache_write_5m: 9_000_000,
          cache_write_1h: 1,
          cache_write: 1,
          output: 5,
        },
        long: null,
      };

const minute = fc
  .tuple(fc.integer({ min: -6 * 24, max: HOURS - 1 }), fc.constantFrom(0, 1, 29, 31, 32, 58, 59))
  .map(([hour, ofHour]) => hourStartMs((FIRST_HOUR + hour) as Hour) + ofHour * 60_000);
const user_id = fc.constantFrom(...PEOPLE);
const usage: fc.Arbitrary<readonly UsageEvent[]> = fc
  .array(
    fc.record({
      user_id,
      occurred_at: minute,
      model: fc.constantFrom('gpt-5', 'claude-sonnet-4-5', 'claude-sonnet-4-5-20250929', 'gemini-2.5-pro'),
      provider: fc.constantFrom('anthropic', 'openai'),
      session_id: fc.constantFrom(null, 's-1', 's-2'),
      status: fc.constantFrom('ok', 'ok', 'ok', 'error'),
      origin: fc.constantFrom('main', 'main', 'subagent', 'auxiliary'),
      tokens: fc.record({
        input: fc.constantFrom(0, 1, 200),
        cache_read: fc.constantFrom(0, 150, 3000),
        cache_write_5m: fc.constantFrom(0, 50),
        output: fc.constantFrom(0, 1, 40),
      }),
    }),
    { maxLength: 120, size: 'max' },
  )
  .map((calls) => calls.map((fields, index) => usageEvent({ ...fields, event_id: `e-${index}` })));
const outcomes: fc.Arbitrary<readonly OutcomeEvent[]> = fc
  .array(
    fc.record({
      user_id,
      occurred_at: minute,
      kind: fc.constantFrom('edit_accepted', 'commit', 'pull_request_merged', 'edit_rejected'),
      quantity: fc.constantFrom(1, 3),
    }),
    { maxLength: 40, size: 'max' },
  )
  .map((made) => made.map((fields, index) => outcomeEvent({ ...fields, event_id: `o-${index}` })));
const flags = fc.array(fc.tuple(user_id, fc.integer({ min: -6, max: HOURS / 24 - 1 })), { maxLength: 12 });
const instants = fc
  .uniqueArray(fc.integer({ min: 0, max: HOURS }), { minLength: 1, maxLength: 40, size: 'max' })
  .map((hours) => hours.sort((a, b) => a - b).map((hour) => hourStartMs((FIRST_HOUR + hour) as Hour)));

const metric = fc.constantFrom<object>(
  { kind: 'capped_tokens' },
  { kind: 'capped_tokens', daily_cap: 500, classes: ['input', 'output'] },
  { kind: 'capped_tokens', daily_cap: 900, tokens_per_own_minute: 150 },
  { kind: 'effective_models', min_share_per_mille: 10 },
  { kind: 'effective_models', min_share_per_mille: 300 },
  { kind: 'cache_share', prior_tokens: 100 },
  { kind: 'cache_share', prior_tokens: 0, reads_per_output: 3 },
  { kind: 'longest_session', max_gap_minutes: 30 },
  { kind: 'longest_session', max_gap_minutes: 240, daily_cap_minutes: 3 },
  { kind: 'longest_session', max_gap_minutes: 5 },
  { kind: 'list_cost' },
  { kind: 'cache_saving' },
  { kind: 'active_days' },
  { kind: 'longest_streak', weekends: 'skip' },
  { kind: 'longest_streak', weekends: 'count' },
  { kind: 'outcomes', daily_cap: 8 },
  { kind: 'outcomes_per_usd', max_unpriced_per_mille: 500 },
  { kind: 'thrift_gain', min_tokens_each: 1, min_points_each: 1, most_over_median_per_mille: 100 },
  { kind: 'quotient', of: { kind: 'list_cost' }, per: { kind: 'active_days' } },
);
const rule: fc.Arbitrary<TitleRule> = fc
  .record({
    metric,
    window: fc.constantFrom('1d', '2d', '4d', 'week', 'month', 'all'),
    eligibility: fc.constantFrom(
      {},
      { min_tokens: 900 },
      { min_active_days: 2 },
      { min_sessions: 2 },
      { min_tenure_days: 3 },
    ),
    fair_play: fc.constantFrom(undefined, { exclude: ['spike'] }),
    usage: fc.constantFrom(
      undefined,
      undefined,
      { model_families: ['claude-sonnet-4-5', 'gpt-5'] },
      { providers: ['openai'] },
    ),
  })
  .map((drawn) => {
    const described = { id: 'drawn', name: 'Drawn', description: 'Drawn.', version: 1, ...drawn };
    const of = (drawn.metric as { kind: string }).kind;
    const whole = of === 'thrift_gain' ? { ...described, window: '2d' } : described;
    const parsed = titleRuleSchema.safeParse(whole);
    return parsed.success ? parsed.data : titleRuleSchema.parse({ ...whole, usage: undefined });
  });

describe('courses of values', () => {
  it('have at each instant the best people and values of the definition', () => {
    fc.assert(
      fc.property(usage, outcomes, flags, instants, rule, (events, made, flagged, at, drawn) => {
        const facts = (atMs: number): WindowFacts =>
          factsOf(
            events.filter((event) => event.occurred_at < atMs),
            windowOf(drawn.window, atMs),
            PRICED,
            (userId, day) =>
              drawn.fair_play !== undefined &&
              day < dayOf(atMs) &&
              flagged.some(([user, ago]) => user === userId && dayOfFlag(ago) === day),
            made.filter((outcome) => outcome.occurred_at < atMs),
          );
        const leaders = leadersOf({ events, made, flagged, at, rule: drawn }, facts);
        for (const [index, atMs] of at.entries()) {
          const expected = (standingsByScope(drawn, facts(atMs)).get('company') ?? []).filter((one) => one.eligible);
          expect({ atMs, best: leaders.at(index) }).toEqual({
            atMs,
            best: expected
              .slice(0, TAKE)
              .map(({ userId, value }) => ({ userId, value: expect.closeTo(value, 9) as number })),
          });
        }
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['minutes', { metric: { kind: 'longest_session' } }, [1, 2, 1]],
    ['sessions', { metric: { kind: 'active_days' }, eligibility: { min_sessions: 2 } }, [0, 2, 0]],
  ])('have the %s of a day that is left out until it is over', (_, drawn, expected) => {
    const DAY_MS = 86_400_000;
    const call = (session_id: string, ms: number): UsageEvent =>
      usageEvent({ user_id: 'ada', session_id, event_id: `${ms}`, occurred_at: hourStartMs(FIRST_HOUR) + ms });
    const own = titleRuleSchema.parse({
      id: 'drawn',
      name: 'Drawn',
      description: 'Drawn.',
      version: 1,
      fair_play: { exclude: ['spike'] },
      ...drawn,
    });
    const events = [call('s-1', -DAY_MS), call('s-2', 0), call('s-2', 60_000)];
    const at = [-1, 1, 24].map((hour) => hourStartMs((FIRST_HOUR + hour) as Hour));
    const leaders = leadersOf({ events, made: [], flagged: [['ada', 0]], at, rule: own }, () =>
      factsOf([], windowOf('30d', 0)),
    );
    const values = at.map((_at, index) => leaders.valueOf('ada', index));
    expect(values).toEqual(expected);
  });

  it('are kept of whoever is among the best at any instant, and of nobody else', () => {
    const leaders = new Leaders(2, 1);
    leaders.add('ada', Float64Array.of(1, 2));
    leaders.add('bo', Float64Array.of(2, 2));
    leaders.add('cy', Float64Array.of(0, 3));
    leaders.add('di', Float64Array.of(1, 1));
    expect([leaders.at(0), leaders.at(1)]).toEqual([[{ userId: 'bo', value: 2 }], [{ userId: 'cy', value: 3 }]]);
    expect(['ada', 'bo', 'cy', 'di'].map((userId) => leaders.valueOf(userId, 1))).toEqual([undefined, 2, 3, undefined]);
  });
});

const TAKE = 3;
const dayOfFlag = (ago: number): Day => (FIRST_HOUR / 24 + ago) as Day;

interface Drawn {
  readonly events: readonly UsageEvent[];
  readonly made: readonly OutcomeEvent[];
  readonly flagged: readonly (readonly [string, number])[];
  readonly at: readonly number[];
  readonly rule: TitleRule;
}

function leadersOf({ events, made, flagged, at, rule: drawn }: Drawn, facts: (atMs: number) => WindowFacts): Leaders {
  const hours = new HoursFixture(PRICED);
  const timeline = timelineOf(drawn.window, at);
  const everybody = (of: readonly UsageEvent[]) => {
    const all = hours.usage(of);
    return countedRows(drawn, all, hours.models);
  };
  const isFlagged = ({ user_id: user, occurred_at }: UsageEvent): boolean =>
    drawn.fair_play !== undefined &&
    flagged.some(([who, ago]) => who === user && dayOfFlag(ago) === dayOf(occurred_at));
  const { metric: of } = drawn;
  const course: EverybodysCourse = {
    cacheShare: companyCacheShare(timeline, everybody(events), everybody(events.filter(isFlagged))),
    medianBefore: Float64Array.from(at, (atMs) =>
      of.kind === 'thrift_gain' ? (facts(atMs).medianBefore(of) ?? 0) : 0,
    ),
  };
  const leaders = new Leaders(at.length, TAKE);
  for (const [userId, theirs] of groupBy(events, (event): string => event.user_id)) {
    const person = hours.person(
      userId,
      theirs,
      made.filter((outcome) => outcome.user_id === userId),
      flagged.filter(([user]) => user === userId).map(([, ago]) => dayOfFlag(ago)),
    );
    const mayLead = (one: Course): boolean => leaders.mayLead(one);
    const own = courseOf(drawn, timeline, turnsOf(timeline, person), person, hours.models, course, mayLead);
    if (own !== undefined) leaders.add(userId, own);
  }
  return leaders;
}
