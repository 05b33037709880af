import type { Evidence } from './evidence.js';
import type { Eligibility, TitleRule } from './rule.js';
import { compareUtf8 } from '@laurel/usage';

/** What eligibility is judged by; a metric says which tokens, days and sessions it counts. */
export interface Volume {
  readonly tokens: bigint;
  readonly activeDays: number;
  readonly sessions: number;
  /** UTC days from the one of the person's first counted event ever to the window's last, both included. */
  readonly tenureDays: number;
  /** What counted events cost by list prices, in pico-US-dollars. */
  readonly listCost: bigint;
}

/** One person's value of a metric, before anybody is compared. */
export interface Measurement {
  readonly userId: string;
  /** Finite, in the metric's unit. */
  readonly value: number;
  readonly volume: Volume;
  readonly evidence: Evidence;
}

/** A person's place on one title's board. */
export interface Standing {
  readonly userId: string;
  readonly value: number;
  /** From 1, among the eligible; 0 for a person who is not eligible. */
  readonly rank: number;
  readonly evidence: Evidence;
  readonly eligible: boolean;
}

const PICO_PER_USD = 1_000_000_000_000n;

/** Eligible: a value above 0 and every minimum met. A title for nothing at all would be a mockery. */
export function isEligible(eligibility: Eligibility, value: number, volume: Volume): boolean {
  return (
    value > 0 &&
    volume.tokens >= BigInt(eligibility.min_tokens) &&
    volume.activeDays >= eligibility.min_active_days &&
    volume.sessions >= eligibility.min_sessions &&
    volume.tenureDays >= eligibility.min_tenure_days &&
    volume.listCost >= BigInt(eligibility.min_list_cost_usd) * PICO_PER_USD
  );
}

/** The order of every board: the greater value first, of equal values the smaller user id by its UTF-8 bytes. */
export function compareStandings(a: Pick<Standing, 'value' | 'userId'>, b: Pick<Standing, 'value' | 'userId'>): number {
  return b.value - a.value || compareUtf8(a.userId, b.userId);
}

/**
 * Competition ranks ("1224"): equal values share one, and the next is 1 + the number of those ahead.
 *
 * @param best first.
 */
export function inRanks<T extends { readonly value: number }>(best: readonly T[]): (T & { readonly rank: number })[] {
  let rank = 0;
  return best.map((one, index) => {
    if (one.value !== best[index - 1]?.value) rank = index + 1;
    return { ...one, rank };
  });
}

/**
 * Everybody's standing, the eligible first in the order of the board and in ranks, see `inRanks`, then the others in the same order.
 */
export function rank(eligibility: Eligibility, measurements: Iterable<Measurement>): Standing[] {
  const eligible: Measurement[] = [];
  const others: Measurement[] = [];
  for (const one of measurements) {
    (isEligible(eligibility, one.value, one.volume) ? eligible : others).push(one);
  }
  const ranked = inRanks(eligible.sort(compareStandings)).map(({ userId, value, evidence, rank: place }): Standing => {
    return { userId, value, rank: place, evidence, eligible: true };
  });
  const unranked = others
    .sort(compareStandings)
    .map(({ userId, value, evidence }): Standing => ({ userId, value, rank: 0, evidence, eligible: false }));
  return [...ranked, ...unranked];
}

/**
 * How many of the best eligible standings `decide` has to see, beside the present holders' own: ahead of
 * the last winner are at most all other winners and all holders but the one displaced, which makes that winner's place
 * 2 · holders − 1 at most, and the next is their runner-up.
 */
export const standingsNeeded = (rule: Pick<TitleRule, 'holders'>): number => 2 * rule.holders;
