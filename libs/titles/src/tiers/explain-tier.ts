import type { TieredRule } from './decide-tiers.js';
import { tierLevels, type Peers } from './levels.js';
import { tierOrder, type Tier } from './tier.js';
import type { TierHeld } from './tier-book.js';

/** Which tier a person has on a title, how far it is to losing it, and to the next one. */
export interface TierExplanation {
  readonly tier: Tier | null;
  /** Since when, ms since the epoch; null without a tier. */
  readonly sinceMs: number | null;
  /** Below this value it is lost, unless it is reached by rank; null without a tier, or where the rule has it no more. */
  readonly keptFrom: number | null;
  /** The next higher tier; null when there is none. */
  readonly next: Tier | null;
  /**
   * By value: from which value on the next one is reached. By part: the value of the last one within it, null while there are too few
   * people for anybody. Null without a next one.
   */
  readonly threshold: number | null;
  /** By part: the last rank within the next one. Null otherwise. */
  readonly places: number | null;
}

export function explainTier({ tiers }: TieredRule, held: TierHeld | undefined, peers: Peers): TierExplanation {
  const levels = tierLevels(tiers, peers);
  const own = levels.find(({ tier }) => tier === held?.tier);
  const next = levels.find(({ tier }) => held === undefined || tierOrder(tier) > tierOrder(held.tier));
  const isForAnybody = next !== undefined && next.places !== 0 && Number.isFinite(next.threshold);
  return {
    tier: held?.tier ?? null,
    sinceMs: held?.sinceMs ?? null,
    keptFrom: own === undefined || !Number.isFinite(own.keptFrom) ? null : own.keptFrom,
    next: next?.tier ?? null,
    threshold: isForAnybody ? next.threshold : null,
    places: next?.places ?? null,
  };
}
