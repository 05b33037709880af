import type { Standing } from '../standings.js';
import type { Margin } from '../margin.js';
import { levelEntries, tierOrder, type Tier, type Tiers } from './tier.js';

/** The eligible people of one scope, as far as tiers for the best of them depend on all. */
export interface Peers {
  readonly people: number;
  /** For each level of the rule, the lowest first: the value of the last one who is within its part, see `peersOf`. */
  readonly thresholds: readonly number[];
}

/** One tier in one scope at one instant. */
export interface TierLevel {
  readonly tier: Tier;
  /** By value: from here on it is reached. By part: the value of the last one within it. */
  readonly threshold: number;
  /** By part: up to this rank it is reached; 0 where there are too few people for anybody. Null by value. */
  readonly places: number | null;
  /** Whoever has it keeps it from this value on. */
  readonly keptFrom: number;
}

/** How many of the levels, from the lowest on, somebody is in. */
export interface TierZone {
  readonly reached: number;
  /** Those of which they would keep the tier if they had it; never fewer than were reached by value. */
  readonly kept: number;
}

/** How many people a part is for: at most that part, so that it may be nobody. */
const placesOf = (people: number, perMille: number): number => Math.floor((people * perMille) / 1000);

/** Which of the eligible, the best first and counted from 1, a level of `top_per_mille` is measured by: the best where it is for nobody. */
export const boundaryPosition = (people: number, perMille: number): number => Math.max(1, placesOf(people, perMille));

/** @param standings everybody's in one scope, in the order of the board. */
export function peersOf(tiers: Tiers, standings: readonly Standing[]): Peers {
  const eligible = standings.filter((one) => one.eligible);
  const people = eligible.length;
  if (tiers.by === 'value' || people === 0) return { people, thresholds: [] };
  const thresholds = levelEntries(tiers.levels).map(
    ([, perMille]) => eligible[boundaryPosition(people, perMille) - 1]?.value ?? Infinity,
  );
  return { people, thresholds };
}

/**
 * The levels of a rule's tiers in one scope, the lowest first.
 *
 * `value`: a tier is reached from its value on. `top_per_mille`: by a competition rank of at most ⌊people · n / 1000⌋, so that people
 * of equal value reach it together; its threshold is the value of the last one within. Below its threshold by the margin, in 64-bit floating
 * point as written, it is lost: `relative`: value < threshold · (1 − by); `remainder`: value < 1 − (1 − threshold) · (1 + by).
 */
export function tierLevels(tiers: Tiers, peers: Peers): readonly TierLevel[] {
  return levelEntries(tiers.levels).map(([tier, at], index) => {
    const threshold = tiers.by === 'value' ? at : (peers.thresholds[index] ?? Infinity);
    return {
      tier,
      threshold,
      places: tiers.by === 'value' ? null : placesOf(peers.people, at),
      keptFrom: keptFrom(tiers.margin, threshold),
    };
  });
}

/** From which value on a tier is kept that is reached at a threshold. */
export function keptFrom(margin: Margin, threshold: number): number {
  switch (margin.kind) {
    case 'relative':
      return threshold * (1 - margin.by);
    case 'remainder':
      return 1 - (1 - threshold) * (1 + margin.by);
    default:
      return margin.kind satisfies never;
  }
}

/** @param standing of whoever is not eligible, nothing is reached or kept. */
export function zoneOf(
  levels: readonly TierLevel[],
  { value, rank, eligible }: Pick<Standing, 'value' | 'rank' | 'eligible'>,
): TierZone {
  if (!eligible) return { reached: 0, kept: 0 };
  const isReached = ({ places, threshold }: TierLevel): boolean =>
    places === null ? value >= threshold : rank <= places;
  return {
    reached: levels.filter(isReached).length,
    kept: levels.filter((level) => value >= level.keptFrom).length,
  };
}

/**
 * The tier after an evaluation: the highest level that is reached, or that is kept and not above what the person had. So a tier is
 * lost only below its threshold by the margin, and nobody goes up and down at a threshold.
 *
 * @param held what they had before; null for none. It may be one that the rule does not have any more.
 */
export function tierAfter(levels: readonly TierLevel[], zone: TierZone, held: Tier | null): Tier | null {
  const isHad = ({ tier }: TierLevel): boolean => held !== null && tierOrder(tier) <= tierOrder(held);
  const own = levels.findLast((level, index) => index < zone.reached || (index < zone.kept && isHad(level)));
  return own?.tier ?? null;
}
