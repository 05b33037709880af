import fc from 'fast-check';
import type { UsageEvent } from '@laurel/events';
import { builtInRules } from '../built-in-rules.js';
import type { Standing } from '../standings.js';
import { effectiveNumber } from './effective-models.js';
import { event, standingOf } from './window.fixture.js';

const [, modelConnoisseur] = builtInRules;

describe('Model Connoisseur', () => {
  const days = [0, 1, 2, 3, 4];
  /** Every day the same tokens for each model. */
  const daily = (tokens: Readonly<Record<string, number>>, on = days): UsageEvent[] =>
    on.flatMap((day) => Object.entries(tokens).map(([model, input]) => event(day, { model, tokens: { input } })));
  const shares = (standing: Standing | undefined): Record<string, number> => {
    const entry = standing?.evidence['shares'];
    if (entry === undefined || !('string' in entry)) throw new Error('no shares');
    return JSON.parse(entry.string) as Record<string, number>;
  };

  it('makes three equal models 3.0, and 98/1/1 about 1.1', () => {
    expect(standingOf(modelConnoisseur, daily({ a: 50_000, b: 50_000, c: 50_000 }))?.value).toBe(3);
    const skewed = standingOf(modelConnoisseur, daily({ a: 98_000, b: 1000, c: 1000 }));
    expect(skewed?.value).toBeCloseTo(1.118, 3);
    expect(skewed?.eligible).toBe(true);
  });

  it('is not won by twelve models that were called once', () => {
    const twelve = Array.from({ length: 12 }, (_, index) =>
      event(0, { model: `tried-${index}`, tokens: { input: 500 } }),
    );
    const tourist = standingOf(modelConnoisseur, [...daily({ a: 200_000 }), ...twelve]);
    expect(tourist?.value).toBe(1);
    // Nor would a day of nothing else help, as each day counts the same.
    const busy = twelve.map((_, index) => event(0, { model: `tried-${index}`, tokens: { input: 50_000 } }));
    const day = standingOf(modelConnoisseur, [...daily({ a: 200_000 }, [1, 2, 3, 4, 5, 6, 7, 8, 9]), ...busy]);
    const steady = standingOf(modelConnoisseur, daily({ a: 100_000, b: 100_000 }));
    expect(day?.value).toBeLessThan(steady?.value ?? 0);
  });

  it('leaves out a family under 1 % and keeps one at exactly 1 %', () => {
    const standing = standingOf(modelConnoisseur, daily({ a: 98_001, b: 1000, c: 999 }));
    expect(Object.keys(shares(standing))).toEqual(['a', 'b']);
    expect(shares(standing)['b']).toBeCloseTo(1000 / 99_001, 12);
    expect(standing?.evidence).toMatchObject({
      families: { long: 2 },
      families_left_out: { long: 1 },
      tokens: { long: 500_000 },
    });
  });

  it('takes twelve models of one call each for what they are', () => {
    const probes = Array.from({ length: 12 }, (_, index) =>
      event(0, { model: `probe-${index}`, tokens: { input: 10 } }),
    );
    expect(standingOf(modelConnoisseur, [...daily({ a: 50_000 }), ...probes])?.value).toBe(1);
  });

  it('takes ids of one family as one model', () => {
    const ids = { 'claude-sonnet-4-5-20250929': 50_000, 'anthropic/claude-sonnet-4.5': 50_000 };
    expect(standingOf(modelConnoisseur, daily(ids))?.value).toBe(1);
  });

  it('weighs every active day alike, however much was used on it', () => {
    const standing = standingOf(modelConnoisseur, [
      ...daily({ a: 1_000_000 }, [0]),
      ...daily({ b: 100_000 }, [1]),
      event(2, { model: 'a', tokens: {} }),
    ]);
    expect(shares(standing)).toEqual({ a: 0.5, b: 0.5 });
    expect(standing?.value).toBe(2);
    expect(standing?.evidence['active_days']).toEqual({ long: 2 });
  });

  it('wants five days of what counts, and 100,000 tokens', () => {
    const eligible = (events: UsageEvent[]) => standingOf(modelConnoisseur, events)?.eligible;
    expect(eligible(daily({ a: 20_000 }))).toBe(true);
    expect(eligible(daily({ a: 19_999 }))).toBe(false);
    expect(eligible(daily({ a: 100_000 }, [0, 1, 2, 3]))).toBe(false);
    // A fifth day with nothing but a family that is left out is not an active day.
    expect(eligible([...daily({ a: 100_000 }, [0, 1, 2, 3]), event(4, { model: 'b', tokens: { input: 1 } })])).toBe(
      false,
    );
  });

  it('can be recomputed from its evidence, and lies between 1 and the number of families', () => {
    const usage = fc.array(
      fc.record({
        day: fc.integer({ min: 0, max: 6 }),
        model: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
        input: fc.integer({ min: 1, max: 1_000_000 }),
      }),
      { minLength: 1, maxLength: 40 },
    );
    fc.assert(
      fc.property(usage, (drawn) => {
        const standing = standingOf(
          modelConnoisseur,
          drawn.map(({ day, model, input }) => event(day, { model, tokens: { input } })),
        );
        const own = Object.values(shares(standing));
        expect(own.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
        expect(standing?.value).toBeCloseTo(
          own.reduce((product, share) => product * share ** -share, 1),
          9,
        );
        expect(standing?.value).toBeGreaterThanOrEqual(1);
        expect(standing?.value).toBeLessThanOrEqual(own.length);
      }),
    );
  });

  it('has as effective number that of as many equal shares', () => {
    for (let count = 1; count <= 20; count += 1) {
      expect(effectiveNumber(Array.from({ length: count }, () => 1 / count))).toBeCloseTo(count, 10);
    }
  });
});
