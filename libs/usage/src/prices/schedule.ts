import type { Day } from '../buckets.js';
import type { Price } from './price.js';

/** From this day (UTC) until the next step's, this price holds; null: none is known. */
export interface PriceStep {
  readonly from: Day;
  readonly price: Price | null;
}

/** The prices of one model at one provider through time: ascending, the first from `FIRST_DAY` on. */
export type Schedule = readonly PriceStep[];

/** One key for a provider and a model, whatever is in them. */
export const pairKey = (provider: string, model: string): string => `${provider.length} ${provider}${model}`;

/** 1970-01-01, before every event. */
export const FIRST_DAY = 0 as Day;

export const UNPRICED: Schedule = [{ from: FIRST_DAY, price: null }];

/** The price of a day. */
export const priceOn = (schedule: Schedule, day: Day): Price | null =>
  schedule.findLast(({ from }) => from <= day)?.price ?? null;

/** What has to be written so that the steps of `present` say what `wanted` says, from a day on and not before. */
export function revision(present: Schedule, wanted: Schedule, from: Day): Schedule {
  const days = [...new Set([from, ...[...present, ...wanted].map((step) => step.from)])]
    .filter((day) => day >= from)
    .sort((a, b) => a - b);
  if (days.every((day) => samePrice(priceOn(present, day), priceOn(wanted, day)))) return [];
  // Of a step that is no longer wanted, one with the price of its day takes the place.
  return days.map((day) => ({ from: day, price: priceOn(wanted, day) }));
}

/** One schedule until a day, another from it on. */
export const followedBy = (before: Schedule, from: Day, after: Schedule): Schedule => [
  ...before.filter((step) => step.from < from),
  { from, price: priceOn(after, from) },
  ...after.filter((step) => step.from > from),
];

export function samePrice(a: Price | null, b: Price | null): boolean {
  if (a === null || b === null) return a === b;
  const sameRates = (one: Price['rates'], other: Price['rates']): boolean =>
    (Object.keys(one) as (keyof Price['rates'])[]).every((name) => one[name] === other[name]);
  if (!sameRates(a.rates, b.rates)) return false;
  if (a.long === null || b.long === null) return a.long === b.long;
  return a.long.above === b.long.above && sameRates(a.long.rates, b.long.rates);
}
