import { titleRuleSchema } from '../rule.js';
import { hasTiers, type TieredRule } from './decide-tiers.js';
import { explainTier } from './explain-tier.js';
import type { TierHeld } from './tier-book.js';
import type { Tier } from './tier.js';

const ruleOf = (tiers: object): TieredRule => {
  const rule = titleRuleSchema.parse({
    id: 't',
    name: 'T',
    description: 'For tests.',
    version: 1,
    metric: { kind: 'capped_tokens' },
    tiers,
  });
  if (!hasTiers(rule)) throw new Error('no tiers');
  return rule;
};
const held = (tier: Tier): TierHeld => ({
  titleId: 't',
  scope: 'company',
  userId: 'ada',
  tier,
  awardId: 'a',
  ruleVersion: 1,
  value: 1,
  unit: 'tokens',
  sinceMs: 77,
  windowStartMs: 0,
  windowEndMs: 1,
});
const nobody = { people: 0, thresholds: [] };

describe('the explanation of a tier', () => {
  const byValue = ruleOf({ by: 'value', levels: { bronze: 10, gold: 1000 } });

  it('says what is had, down to where, and from where on the next one is reached', () => {
    expect(explainTier(byValue, held('bronze'), nobody)).toEqual({
      tier: 'bronze',
      sinceMs: 77,
      keptFrom: 9,
      next: 'gold',
      threshold: 1000,
      places: null,
    });
    expect(explainTier(byValue, undefined, nobody)).toMatchObject({ tier: null, keptFrom: null, next: 'bronze' });
    expect(explainTier(byValue, held('gold'), nobody)).toMatchObject({ next: null, threshold: null });
  });

  it('says where the rule has the tier no more', () => {
    expect(explainTier(byValue, held('silver'), nobody)).toMatchObject({
      tier: 'silver',
      keptFrom: null,
      next: 'gold',
    });
  });

  it('says of tiers for the best up to which rank, and what the last one within has', () => {
    const best = ruleOf({ by: 'top_per_mille', levels: { silver: 500, gold: 50 } });
    expect(explainTier(best, held('silver'), { people: 40, thresholds: [60, 90] })).toMatchObject({
      keptFrom: 54,
      next: 'gold',
      threshold: 90,
      places: 2,
    });
    expect(explainTier(best, undefined, { people: 10, thresholds: [60, 90] })).toMatchObject({
      threshold: 60,
      places: 5,
    });
    expect(explainTier(best, held('silver'), { people: 10, thresholds: [60, 90] })).toMatchObject({
      next: 'gold',
      threshold: null,
      places: 0,
    });
    expect(explainTier(best, held('silver'), nobody)).toMatchObject({ keptFrom: null, threshold: null });
  });
});
