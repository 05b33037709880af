import { whole } from '../evidence.js';
import type { Measurement } from '../standings.js';
import { volumeOf, type PersonFacts } from './facts.js';

const PICO_PER_MICRO = 1_000_000n;

/** Whole millionths, rounded down: exact as a number below 9 billion US dollars. */
export const microUsd = (pico: bigint): bigint =>
  (pico - (((pico % PICO_PER_MICRO) + PICO_PER_MICRO) % PICO_PER_MICRO)) / PICO_PER_MICRO;

/**
 * What the person's counted events cost by the list prices of their days, in whole millionths of a US dollar, rounded down once, at the
 * end. Events of which a price is not known are in it with nothing. docs/reference/prices.md has how an event is priced.
 *
 * Volume: counted tokens, days with any, sessions. Evidence, whole numbers: `list_cost_micro_usd`, `unpriced_events`, `tokens`,
 * `events`, `active_days`.
 */
export function listCost(person: PersonFacts): Measurement {
  const volume = volumeOf(person);
  const cost = microUsd(person.costs.listCost);
  return {
    userId: person.userId,
    value: Number(cost),
    volume,
    evidence: {
      list_cost_micro_usd: whole(cost),
      unpriced_events: whole(person.costs.unpricedEvents),
      tokens: whole(volume.tokens),
      events: whole(person.figures.events),
      active_days: whole(volume.activeDays),
    },
  };
}
