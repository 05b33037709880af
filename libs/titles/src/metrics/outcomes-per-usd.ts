import type { MetricOf } from '../rule.js';
import { whole } from '../evidence.js';
import type { Measurement } from '../standings.js';
import { volumeOf, type PersonFacts } from './facts.js';
import { microUsd } from './list-cost.js';
import { pointEvidence, pointsOf } from './points.js';
import { roundRatio } from './rounding.js';

/**
 * Master Crafter: points of outcomes (as `outcomes`) for each US dollar that the person's counted events cost by list prices:
 *
 * value = points / (list_cost_micro_usd / 10^6), rounded to 12 decimals
 *
 * list_cost_micro_usd: whole millionths, rounded down once, as for `list_cost`. 0 where that is 0, and where more than
 * max_unpriced_per_mille thousandths of the person's counted events have no known price: a cost that is not known is not a low one.
 *
 * A quotient of a few cents says nothing, so a rule of this metric wants a least cost (`eligibility.min_list_cost_usd`).
 *
 * Volume: as for Token Legend. Evidence, whole numbers: what `outcomes` has of points, `list_cost_micro_usd`, `unpriced_events`,
 * `max_unpriced_per_mille`, `events`, `tokens`, `active_days`.
 */
export function outcomesPerUsd(metric: MetricOf<'outcomes_per_usd'>, person: PersonFacts): Measurement {
  const points = pointsOf(metric, person.outcomes);
  const volume = volumeOf(person);
  const cost = Number(microUsd(person.costs.listCost));
  const { events } = person.figures;
  const { unpricedEvents } = person.costs;
  const isKnown = cost > 0 && unpricedEvents * 1000 <= metric.max_unpriced_per_mille * events;
  return {
    userId: person.userId,
    value: isKnown ? roundRatio(points.value / (cost / 1e6)) : 0,
    volume,
    evidence: {
      ...pointEvidence(metric, points),
      list_cost_micro_usd: whole(cost),
      unpriced_events: whole(unpricedEvents),
      max_unpriced_per_mille: whole(metric.max_unpriced_per_mille),
      events: whole(events),
      tokens: whole(volume.tokens),
      active_days: whole(volume.activeDays),
    },
  };
}
