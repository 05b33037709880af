import fc from 'fast-check';
import { tokenClasses } from '@laurel/events';
import { dayOf, windowOf, type Day } from '@laurel/usage';
import { builtInRules } from '../built-in-rules.js';
import { isLoweredByCorrection } from '../correction.js';
import type { Metric, TitleRule } from '../rule.js';
import { standingsOf } from './measure.js';
import { event, NOW, outcome, standingOf } from './window.fixture.js';

const [tokenLegend] = builtInRules;

describe('every built-in title', () => {
  const usage = fc.array(
    fc.record({
      user_id: fc.constantFrom('ada', 'bo', 'cy'),
      day: fc.integer({ min: -1, max: 31 }),
      minute: fc.integer({ min: 0, max: 1439 }),
      model: fc.constantFrom('a', 'b'),
      session_id: fc.constantFrom(null, 's-1', 's-2'),
      origin: fc.constantFrom('main', 'subagent', 'auxiliary'),
      tokens: fc.record({ input: fc.nat(2_000_000), cache_read: fc.nat(2_000_000) }),
    }),
    { maxLength: 30 },
  );
  const log = usage.map((all) => all.map(({ day, minute, ...fields }) => event(day, fields, minute)));
  const made = fc
    .array(
      fc.record({
        user_id: fc.constantFrom('ada', 'bo', 'cy'),
        day: fc.integer({ min: -1, max: 31 }),
        kind: fc.constantFrom('edit_accepted', 'commit', 'pull_request_merged', 'edit_rejected'),
        quantity: fc.integer({ min: 1, max: 30 }),
      }),
      { maxLength: 20 },
    )
    .map((all) => all.map(({ day, ...fields }) => outcome(day, fields)));
  const shuffled = <T>(all: fc.Arbitrary<T[]>) =>
    all.chain((some) => fc.tuple(fc.constant(some), fc.shuffledSubarray(some, { minLength: some.length })));
  const price = { input: 1e6, cache_read: 1e5, cache_write_5m: 0, cache_write_1h: 0, cache_write: 0, output: 5e6 };
  const priceOf = () => ({ rates: price, long: null });

  it.each(builtInRules.map((rule) => [rule.name, rule] as const))(
    '%s does not depend on the order of events, of either kind',
    (_, rule) => {
      fc.assert(
        fc.property(shuffled(log), shuffled(made), ([events, others], [outcomes, otherOutcomes]) => {
          expect(standingsOf(rule, others, NOW, priceOf, undefined, otherOutcomes)).toEqual(
            standingsOf(rule, events, NOW, priceOf, undefined, outcomes),
          );
        }),
        { numRuns: 50 },
      );
    },
  );

  it.each(builtInRules.map((rule) => [rule.name, rule] as const))(
    '%s has evidence of at most 20 entries',
    (_, rule) => {
      fc.assert(
        fc.property(log, made, (events, outcomes) => {
          for (const { evidence } of standingsOf(rule, events, NOW, priceOf, undefined, outcomes)) {
            expect(Object.keys(evidence).length).toBeLessThanOrEqual(20);
          }
        }),
        { numRuns: 50 },
      );
    },
  );

  it.each<Metric>([
    { kind: 'capped_tokens', daily_cap: 1_000_000, classes: ['input', 'cache_read'] },
    { kind: 'capped_tokens', daily_cap: 3_000_000, classes: [...tokenClasses], tokens_per_own_minute: 500_000 },
    { kind: 'longest_session', max_gap_minutes: 30, daily_cap_minutes: 5 },
    { kind: 'active_days' },
    { kind: 'longest_streak', weekends: 'skip' },
    { kind: 'longest_streak', weekends: 'count' },
  ])('by $kind nobody’s value falls by one more event', (metric) => {
    const rule: TitleRule = { ...tokenLegend, metric };
    const valuesOf = (events: Parameters<typeof standingsOf>[1]): ReadonlyMap<string, number> =>
      new Map(standingsOf(rule, events, NOW).map(({ userId, value }) => [userId, value]));
    fc.assert(
      fc.property(log, (events) => {
        const fewer = valuesOf(events.slice(0, -1));
        const more = valuesOf(events);
        for (const [user, value] of fewer) expect(more.get(user)).toBeGreaterThanOrEqual(value);
        // So a lower value over the same window shows that something was taken out.
        for (const [user, value] of more)
          expect(isLoweredByCorrection(metric.kind, value, fewer.get(user) ?? 0)).toBe((fewer.get(user) ?? 0) < value);
      }),
      { numRuns: 60 },
    );
  });

  it('by outcomes nobody’s value falls by one more of them, nor by one more event', () => {
    const metric: Metric = {
      kind: 'outcomes',
      weights: { edit_accepted: 1, commit: 5, pull_request_merged: 20 },
      daily_cap: 60,
    };
    const rule: TitleRule = { ...tokenLegend, metric };
    fc.assert(
      fc.property(log, made, (events, outcomes) => {
        const valuesOf = (some: typeof events, all: typeof outcomes): ReadonlyMap<string, number> =>
          new Map(standingsOf(rule, some, NOW, priceOf, undefined, all).map(({ userId, value }) => [userId, value]));
        const more = valuesOf(events, outcomes);
        for (const fewer of [valuesOf(events.slice(0, -1), outcomes), valuesOf(events, outcomes.slice(0, -1))]) {
          for (const [user, value] of fewer) expect(more.get(user)).toBeGreaterThanOrEqual(value);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('knows nothing of days that are left out but their number, and for how long somebody has been there', () => {
    const rule: TitleRule = { ...tokenLegend, eligibility: { ...tokenLegend.eligibility, min_tenure_days: 8 } };
    const events = [
      event(0, { tokens: { input: 5 } }),
      event(3, { tokens: { input: 1000 } }),
      event(7, { tokens: { input: 30 } }),
      event(31, { tokens: { input: 1 } }),
      event(3, { user_id: 'u-2', tokens: { input: 70 } }),
    ];
    const today = dayOf(NOW);
    const isLeftOut = (userId: string, day: Day): boolean => userId === 'u-1' && [today - 7, today - 3].includes(day);
    expect(standingsOf(rule, events, NOW, undefined, isLeftOut)).toMatchObject([
      { userId: 'u-1', value: 5, eligible: true, evidence: { active_days: { long: 1 }, left_out_days: { long: 2 } } },
      { userId: 'u-2', value: 70, eligible: false },
    ]);
    const [, others] = standingsOf(rule, events, NOW, undefined, isLeftOut);
    expect(others?.evidence).not.toHaveProperty('left_out_days');
    expect(standingsOf(rule, events, NOW, undefined, () => true)).toEqual([]);
  });

  it('measures the days of the rule’s window only', () => {
    const rule = { ...tokenLegend, window: '7d' as const };
    const window = windowOf('7d', NOW);
    const events = [event(6, { tokens: { input: 1 } }), event(7, { tokens: { input: 2 } })];
    expect(events.map((one) => one.occurred_at >= window.startMs)).toEqual([true, false]);
    expect(standingOf(rule, events)?.value).toBe(1);
  });
});
