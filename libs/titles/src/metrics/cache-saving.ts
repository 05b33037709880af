import { tokenEvidence, whole } from '../evidence.js';
import type { Measurement } from '../standings.js';
import { volumeOf, type PersonFacts } from './facts.js';
import { microUsd } from './list-cost.js';

/**
 * What caching has saved by list prices, net, in whole millionths of a US dollar, rounded down: what the tokens of the
 * person's counted events that were read from a cache or written to one would have cost as plain input, less what they cost. Negative, and so not
 * eligible, where writing cost more than reading saved. Events of which a price is not known are in it with nothing.
 *
 * Volume: counted tokens, days with any, sessions. Evidence, whole numbers: `cache_saving_micro_usd`, `list_cost_micro_usd`,
 * `cache_read`, `cache_write_5m`, `cache_write_1h`, `cache_write`, `unpriced_events`, `events`.
 */
export function cacheSaving(person: PersonFacts): Measurement {
  const saving = microUsd(person.costs.cacheSaving);
  return {
    userId: person.userId,
    value: Number(saving),
    volume: volumeOf(person),
    evidence: {
      cache_saving_micro_usd: whole(saving),
      list_cost_micro_usd: whole(microUsd(person.costs.listCost)),
      ...tokenEvidence(person.figures, ['cache_read', 'cache_write_5m', 'cache_write_1h', 'cache_write']),
      unpriced_events: whole(person.costs.unpricedEvents),
      events: whole(person.figures.events),
    },
  };
}
