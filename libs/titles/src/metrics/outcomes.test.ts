import type { OutcomeEvent, UsageEvent } from '@laurel/events';
import { builtInRules } from '../built-in-rules.js';
import { titleRuleSchema, type TitleRule } from '../rule.js';
import type { Standing } from '../standings.js';
import type { PriceOf } from './facts.js';
import { standingsOf } from './measure.js';
import { event, NOW, outcome } from './window.fixture.js';

const [, , , , masterCrafter, frugalSage] = builtInRules;

/** One US dollar for a million tokens of input; no price for other models. */
const rates = {
  input: 1e6,
  cache_read: null,
  cache_write_5m: null,
  cache_write_1h: null,
  cache_write: null,
  output: null,
};
const priceOf: PriceOf = (_, model) => (model === 'priced' ? { rates, long: null } : null);
const standing = (
  rule: TitleRule,
  events: readonly UsageEvent[],
  outcomes: readonly OutcomeEvent[],
): Standing | undefined =>
  standingsOf(rule, events, NOW, priceOf, undefined, outcomes).find(({ userId }) => userId === 'u-1');

describe('outcomes', () => {
  const points = titleRuleSchema.parse({
    id: 'a_title',
    name: 'A title',
    description: 'x',
    version: 1,
    metric: { kind: 'outcomes' },
  });

  it('give points by their kind, and a day so many at most', () => {
    const found = standing(
      points,
      [event(0, { tokens: { input: 3 } }), event(1, { tokens: { input: 4 } }), event(2, { tokens: { input: 5 } })],
      [
        outcome(0, { kind: 'edit_accepted', quantity: 30 }),
        outcome(0, { kind: 'commit', quantity: 2 }),
        outcome(0, { kind: 'commit', team: 'other' }),
        outcome(1, { kind: 'pull_request_merged', quantity: 4 }),
        outcome(1, { kind: 'pull_request_merged', quantity: 2 }),
        outcome(2, { kind: 'pull_request_merged', quantity: 5 }),
      ],
    );
    expect(found).toMatchObject({ value: 45 + 100 + 100, rank: 1, eligible: true });
    expect(found?.evidence).toEqual({
      edit_accepted: { long: 30 },
      edit_accepted_weight: { long: 1 },
      commit: { long: 3 },
      commit_weight: { long: 5 },
      pull_request_merged: { long: 11 },
      pull_request_merged_weight: { long: 20 },
      capped_days: { long: 1 },
      uncapped_points: { long: 145 },
      daily_cap: { long: 100 },
      tokens: { long: 12 },
      active_days: { long: 3 },
    });
  });

  it('give none for what was rejected, for lines or for time, nor outside the window', () => {
    const none = [
      ...['edit_rejected', 'lines_accepted', 'active_seconds'].map((kind) => outcome(0, { kind, quantity: 99 })),
      outcome(30),
      outcome(-1),
    ];
    const usage = [-1, 0, 29, 30].map((day) => event(day, { tokens: { input: 1 } }));
    expect(standing(points, usage, none)).toMatchObject({ value: 0, eligible: false });
    expect(standing(points, usage, [...none, outcome(29)])?.value).toBe(5);
  });

  it('of a day without a counted call give none', () => {
    const made = [outcome(0), outcome(1), outcome(2)];
    const failed = [event(1, { status: 'error' }), event(2, { origin: 'auxiliary' })];
    expect(standing(points, failed, made)).toBeUndefined();
    expect(standing(points, [...failed, event(0)], made)).toMatchObject({
      value: 5,
      evidence: { commit: { long: 1 } },
    });
  });

  it('stay exact where quantities pass 2^53', () => {
    const commits = Array.from({ length: 8193 }, () => outcome(0, { quantity: 2 ** 40 }));
    expect(standing(points, [event(0)], [...commits, outcome(0)])).toMatchObject({
      value: 100,
      evidence: { commit: { string: String(8193n * 2n ** 40n + 1n) }, capped_days: { long: 1 } },
    });
  });
});

describe('Master Crafter', () => {
  const perDollar = (calls: readonly UsageEvent[], outcomes: readonly OutcomeEvent[]) =>
    standing(masterCrafter, calls, outcomes);
  /** So many dollars on each of so many days, the last first. */
  const spent = (dollars: number, days: number): readonly UsageEvent[] =>
    Array.from({ length: days }, (_, day) => event(day, { model: 'priced', tokens: { input: dollars * 1e6 } }));

  it('is who has most points for each dollar', () => {
    const found = perDollar(spent(4, 10), [outcome(0, { quantity: 3 }), outcome(9, { kind: 'pull_request_merged' })]);
    expect(found).toMatchObject({
      value: 35 / 40,
      eligible: true,
      evidence: {
        uncapped_points: { long: 35 },
        list_cost_micro_usd: { long: 40_000_000 },
        unpriced_events: { long: 0 },
        events: { long: 10 },
      },
    });
  });

  it('needs five dollars and ten days', () => {
    const some = [outcome(0)];
    expect(perDollar(spent(0.5, 10), some)?.eligible).toBe(true);
    expect(perDollar(spent(0.25, 19), some)).toMatchObject({ value: Number((5 / 4.75).toFixed(12)), eligible: false });
    expect(perDollar(spent(5, 9), some)).toMatchObject({ value: Number((5 / 45).toFixed(12)), eligible: false });
  });

  it('is nobody whose cost is not known: one call of a hundred without a price is let pass, one more is not', () => {
    const calls = [
      ...spent(1, 10),
      ...Array.from({ length: 188 }, () => event(0, { model: 'priced', tokens: { input: 1e5 } })),
    ];
    const unpriced = (count: number) => Array.from({ length: count }, () => event(1, { model: 'own' }));
    expect(perDollar([...calls, ...unpriced(2)], [outcome(0)])).toMatchObject({
      value: Number((5 / 28.8).toFixed(12)),
      eligible: true,
      evidence: { unpriced_events: { long: 2 }, events: { long: 200 }, max_unpriced_per_mille: { long: 10 } },
    });
    expect(perDollar([...calls, ...unpriced(3)], [outcome(0)])).toMatchObject({ value: 0, eligible: false });
    expect(perDollar(unpriced(5), [outcome(1)])).toMatchObject({ value: 0, eligible: false });
  });
});

describe('Frugal Sage', () => {
  /** Three days from this one on, with so many tokens and commits each. */
  const stretch = (daysAgo: number, tokens: number, commits: number, user = 'u-1') => ({
    events: [0, 1, 2].map((day) => event(daysAgo - day, { user_id: user, tokens: { input: tokens } })),
    outcomes: [0, 1, 2].map((day) => outcome(daysAgo - day, { user_id: user, quantity: commits })),
  });
  const sage = (...parts: readonly ReturnType<typeof stretch>[]) =>
    standing(
      frugalSage,
      parts.flatMap(({ events }) => events),
      parts.flatMap(({ outcomes }) => outcomes),
    );

  it('is whose tokens for each point have fallen most against the 14 days before', () => {
    const found = sage(stretch(13, 600_000, 4), stretch(27, 1_000_000, 4));
    expect(found).toMatchObject({ value: 0.4, eligible: true });
    expect(found?.evidence).toEqual({
      tokens: { long: 1_800_000 },
      points: { long: 60 },
      tokens_before: { long: 3_000_000 },
      points_before: { long: 60 },
      company_median_before: { double: 50_000 },
      most_over_median_per_mille: { long: 250 },
      min_tokens_each: { long: 1_000_000 },
      min_points_each: { long: 50 },
      edit_accepted_weight: { long: 1 },
      commit_weight: { long: 5 },
      pull_request_merged_weight: { long: 20 },
      daily_cap: { long: 100 },
      active_days: { long: 3 },
    });
  });

  it('is not who only did less: half of the tokens for half of the work are no thrift', () => {
    expect(sage(stretch(13, 500_000, 4), stretch(27, 1_000_000, 8))?.value).toBe(0);
    expect(sage(stretch(13, 1_000_000, 4), stretch(27, 600_000, 4))).toMatchObject({ value: 0, eligible: false });
  });

  it('looks at 14 days and the 14 before them, and at nothing older', () => {
    const value = (daysAgo: number) =>
      sage(stretch(5, 600_000, 4), stretch(20, 1_000_000, 4), stretch(daysAgo, 9_000_000, 4))?.value;
    expect(value(30)).toBe(0.4);
    // Of these three days one is the first of the days before; or of the window.
    expect([29, 15].map(value)).not.toContain(0.4);
  });

  it('needs enough tokens and points in both windows', () => {
    const value = (...parts: readonly ReturnType<typeof stretch>[]) => sage(...parts)?.value;
    expect(value(stretch(13, 333_334, 4), stretch(27, 1_000_000, 4))).toBeCloseTo(0.66667, 5);
    expect(value(stretch(13, 333_333, 4), stretch(27, 1_000_000, 4))).toBe(0);
    expect(value(stretch(13, 600_000, 3), stretch(27, 1_000_000, 4))).toBe(0);
    expect(value(stretch(13, 600_000, 4), stretch(27, 1_000_000, 3))).toBe(0);
    expect(value(stretch(13, 333_334, 8), stretch(27, 333_333, 4))).toBe(0);
    expect(value(stretch(13, 600_000, 4))).toBe(0);
  });

  it('takes what was before as no more than a quarter above the median, of two in the middle the lower', () => {
    const own = [stretch(13, 1_000_000, 4), stretch(27, 9_000_000, 4)];
    // 50,000 tokens for each point now, 450,000 before.
    expect(sage(...own)?.value).toBeCloseTo(1 - 1 / 9, 12);
    const others = (...tokens: readonly number[]) =>
      tokens.map((count, index) => stretch(27, count, 4, `u-${index + 2}`));
    // The others' before: 60,000 and 80,000 for each point.
    expect(sage(...own, ...others(1_200_000))?.value).toBeCloseTo(1 - 50 / 75, 12);
    expect(sage(...own, ...others(1_200_000, 1_600_000))?.value).toBe(0.5);
    expect(sage(...own, ...others(1_200_000, 1_600_000))?.evidence['company_median_before']).toEqual({
      double: 80_000,
    });
    // Who has too little to say is not in the median.
    expect(sage(...own, ...others(1_200_000, 1_600_000, 300_000))?.value).toBe(0.5);
  });
});
