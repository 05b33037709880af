import fc from 'fast-check';
import { rank, type Standing } from '../standings.js';
import { peersOf, tierAfter, tierLevels, zoneOf } from './levels.js';
import { tierNames, tierOrder, tiersSchema, type Tier, type Tiers } from './tier.js';

const tiersOf = (fields: object): Tiers => tiersSchema.parse(fields);
const standing = (value: number, place = 1): Pick<Standing, 'value' | 'rank' | 'eligible'> => ({
  value,
  rank: place,
  eligible: place > 0,
});
const nobody = { people: 0, thresholds: [] };

const everybody = (...values: readonly number[]): Standing[] =>
  rank(
    { min_tokens: 0, min_active_days: 0, min_sessions: 0, min_list_cost_usd: 0, min_tenure_days: 0 },
    values.map((value, index) => ({
      userId: `u-${String(index).padStart(3, '0')}`,
      value,
      volume: { tokens: 0n, activeDays: 0, sessions: 0, tenureDays: 0, listCost: 0n },
      evidence: {},
    })),
  );

describe('tiers by value', () => {
  const levels = tierLevels(tiersOf({ by: 'value', levels: { gold: 1000, bronze: 10, silver: 100 } }), nobody);

  it('are reached from exactly their value on, the highest counts', () => {
    const reached = (value: number) => tierAfter(levels, zoneOf(levels, standing(value)), null);
    expect([9, 10, 99, 100, 999, 1000, 1e9].map(reached)).toEqual([
      null,
      'bronze',
      'bronze',
      'silver',
      'silver',
      'gold',
      'gold',
    ]);
  });

  it('are kept down to exactly the margin below, and lost to what is left', () => {
    const left = (value: number, held: Tier) => tierAfter(levels, zoneOf(levels, standing(value)), held);
    expect([900, 899, 100, 91, 90, 89, 9, 8].map((value) => left(value, 'gold'))).toEqual([
      'gold',
      'silver',
      'silver',
      'silver',
      'silver',
      'bronze',
      'bronze',
      null,
    ]);
    expect(left(91, 'bronze')).toBe('bronze');
  });

  it('are for nobody who is not eligible', () => {
    expect(tierAfter(levels, zoneOf(levels, standing(5000, 0)), 'gold')).toBeNull();
  });

  it('of a share may leave a margin of what is missing to 1', () => {
    const shares = tierLevels(
      tiersOf({ by: 'value', levels: { gold: 0.9 }, margin: { kind: 'remainder', by: 0.5 } }),
      nobody,
    );
    const left = (value: number) => tierAfter(shares, zoneOf(shares, standing(value)), 'gold');
    expect([left(0.86), left(0.84)]).toEqual(['gold', null]);
  });
});

describe('tiers for the best', () => {
  const tiers = tiersOf({ by: 'top_per_mille', levels: { bronze: 500, gold: 100, emerald: 5 } });

  it('are for at most their part, and people of equal value reach them together', () => {
    const all = everybody(10, 9, 8, 8, 8, 5, 4, 3, 2, 1);
    const levels = tierLevels(tiers, peersOf(tiers, all));
    expect(all.map((one) => tierAfter(levels, zoneOf(levels, one), null))).toEqual([
      'gold',
      ...Array.from({ length: 4 }, () => 'bronze'),
      ...Array.from({ length: 5 }, () => null),
    ]);
    expect(levels.map(({ threshold, places }) => [threshold, places])).toEqual([
      [8, 5],
      [10, 1],
      [10, 0],
    ]);
  });

  it('are kept within the margin of the last one within, by the best also while there are too few people for anybody', () => {
    const after = (held: Tier, ...values: readonly number[]) => {
      const all = everybody(...values);
      const levels = tierLevels(tiers, peersOf(tiers, all));
      const own = all.find(({ userId }) => userId === 'u-000');
      return own === undefined ? undefined : tierAfter(levels, zoneOf(levels, own), held);
    };
    const others = (count: number, value: number) => Array.from({ length: count }, () => value);
    expect(after('gold', 90, ...others(9, 100))).toBe('gold');
    expect(after('gold', 89, ...others(9, 100))).toBeNull();
    // 199 people: five thousandths of them are nobody.
    expect(after('emerald', 95, 100, ...others(197, 1))).toBe('emerald');
    expect(after('gold', 95, 100, ...others(197, 1))).toBe('gold');
  });

  it('are for nobody where nobody is eligible', () => {
    const all = everybody(0, 0);
    expect(tierLevels(tiers, peersOf(tiers, all)).map(({ places }) => places)).toEqual([0, 0, 0]);
  });
});

const drawnTiers: fc.Arbitrary<Tiers> = fc
  .record({
    kept: fc.subarray([...tierNames], { minLength: 1 }),
    steps: fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 6, maxLength: 6 }),
    by: fc.constantFrom('value', 'top_per_mille'),
    margin: fc.constantFrom(0.001, 0.1, 0.5),
  })
  .map(({ kept, steps, by, margin }) => {
    let at = 0;
    const levels = Object.fromEntries(
      kept.map((tier, index) => {
        at += steps[index] ?? 1;
        return [tier, by === 'value' ? at : 1001 - at * 8];
      }),
    );
    return tiersOf({ by, levels, margin: { kind: 'relative', by: margin } });
  });

describe('over all tiers and people', () => {
  const people = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 40 });
  const held = fc.constantFrom<Tier | null>(null, ...tierNames);
  const order = (tier: Tier | null): number => (tier === null ? -1 : tierOrder(tier));

  it('a greater value never gives a lower tier, nor does a higher tier before', () => {
    fc.assert(
      fc.property(drawnTiers, people, held, held, (tiers, values, one, other) => {
        const all = everybody(...values);
        const levels = tierLevels(tiers, peersOf(tiers, all));
        const [lower, higher] = order(one) <= order(other) ? [one, other] : [other, one];
        const tier = (of: Standing, before: Tier | null) => order(tierAfter(levels, zoneOf(levels, of), before));
        all.forEach((better, index) => {
          expect(tier(better, lower)).toBeLessThanOrEqual(tier(better, higher));
          for (const worse of all.slice(index)) expect(tier(worse, one)).toBeLessThanOrEqual(tier(better, one));
        });
      }),
    );
  });

  it('thresholds rise with the tiers, nobody loses what they reach, and what is neither reached nor kept is not had', () => {
    fc.assert(
      fc.property(drawnTiers, people, held, (tiers, values, before) => {
        const all = everybody(...values);
        const levels = tierLevels(tiers, peersOf(tiers, all));
        levels.forEach((level, index) => {
          const below = levels[index - 1];
          if (below === undefined) return;
          expect(below.threshold).toBeLessThanOrEqual(level.threshold);
          expect(below.keptFrom).toBeLessThanOrEqual(level.keptFrom);
        });
        for (const one of all) {
          const zone = zoneOf(levels, one);
          const after = tierAfter(levels, zone, before);
          expect(order(after)).toBeGreaterThanOrEqual(order(tierAfter(levels, zone, null)));
          expect(order(after)).toBeLessThanOrEqual(Math.max(order(before), order(tierAfter(levels, zone, null))));
          expect(tierAfter(levels, zone, after)).toBe(after);
          const level = levels.find(({ tier }) => tier === after);
          if (level !== undefined) expect(one.value >= level.keptFrom || zone.reached > 0).toBe(true);
        }
      }),
    );
  });

  it('at most its part, and who has the same value as its last, reaches a tier of the best', () => {
    fc.assert(
      fc.property(drawnTiers, people, (tiers, values) => {
        fc.pre(tiers.by === 'top_per_mille');
        const all = everybody(...values);
        const levels = tierLevels(tiers, peersOf(tiers, all));
        levels.forEach((level, index) => {
          const reached = all.filter((one) => zoneOf(levels, one).reached > index);
          const ahead = reached.filter((one) => one.value > level.threshold);
          expect(ahead.length).toBeLessThanOrEqual(level.places ?? 0);
          expect(reached.length).toBeGreaterThanOrEqual(level.places ?? 0);
          if ((level.places ?? 0) === 0) expect(reached).toEqual([]);
        });
      }),
    );
  });
});
