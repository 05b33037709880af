import { real, whole } from '../evidence.js';
import type { MetricOf } from '../rule.js';
import type { Measurement } from '../standings.js';
import { volumeOf, type PersonFacts } from './facts.js';
import { pointsOf } from './points.js';
import { roundRatio } from './rounding.js';
import { tokensPerPoint } from './tokens-per-point.js';

/**
 * Frugal Sage: how far the person's tokens for each point of outcomes have fallen against their own window before.
 *
 * 1. Two windows: the rule's (now), and as many UTC days right before it (before). In each: tokens are those of the person's
 *    counted events, points as for `outcomes`, each day up to daily_cap.
 * 2. Enough: min_tokens_each tokens and min_points_each points.
 * 3. M: the median of tokens_before / points_before over everybody who has enough before; of two in the middle the lower.
 * 4. base = min(tokens_before / points_before, M · (1000 + most_over_median_per_mille) / 1000).
 * 5. value = max(0, 1 − (tokens_now / points_now) / base), rounded to 12 decimals: 0.25 is a quarter less. 0 without
 *    enough in both windows.
 *
 * The median: whoever burns tokens in one window to look thrifty in the next gains little by it, and can't move the median alone.
 *
 * Volume: of the window now, as for Token Legend. Evidence, whole numbers: `tokens`, `points`, `tokens_before`, `points_before`,
 * `most_over_median_per_mille`, `min_tokens_each`, `min_points_each`, the weights, `daily_cap`, `active_days`;
 * `company_median_before`: M as a double, unrounded, 0 where nobody has enough before.
 *
 * @param median M; null where nobody has enough before.
 */
export function thriftGain(metric: MetricOf<'thrift_gain'>, person: PersonFacts, median: number | null): Measurement {
  const volume = volumeOf(person);
  const before = tokensPerPoint(metric, person.before);
  const now = tokensPerPoint(metric, { tokens: volume.tokens, outcomes: person.outcomes });
  const most = ((median ?? 0) * (1000 + metric.most_over_median_per_mille)) / 1000;
  return {
    userId: person.userId,
    value:
      now === null || before === null || most === 0 ? 0 : Math.max(0, roundRatio(1 - now / Math.min(before, most))),
    volume,
    evidence: {
      tokens: whole(volume.tokens),
      points: whole(pointsOf(metric, person.outcomes).value),
      tokens_before: whole(person.before.tokens),
      points_before: whole(pointsOf(metric, person.before.outcomes).value),
      company_median_before: real(median ?? 0),
      most_over_median_per_mille: whole(metric.most_over_median_per_mille),
      min_tokens_each: whole(metric.min_tokens_each),
      min_points_each: whole(metric.min_points_each),
      edit_accepted_weight: whole(metric.weights.edit_accepted),
      commit_weight: whole(metric.weights.commit),
      pull_request_merged_weight: whole(metric.weights.pull_request_merged),
      daily_cap: whole(metric.daily_cap),
      active_days: whole(volume.activeDays),
    },
  };
}
