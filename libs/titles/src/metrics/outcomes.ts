import type { MetricOf } from '../rule.js';
import { whole } from '../evidence.js';
import type { Measurement } from '../standings.js';
import { volumeOf, type PersonFacts } from './facts.js';
import { pointEvidence, pointsOf } from './points.js';

/**
 * Outcomes in points: Σ over the window's UTC days of min(daily_cap, Σ over the kinds of weight · quantity), over the person's
 * outcomes that are not retracted. Kinds: accepted edits, commits, merged pull requests.
 *
 * Only of UTC days on which the person has a counted event: what came of a day without any model is not what this is about.
 *
 * Volume: as for Token Legend. Evidence, whole numbers: `edit_accepted`, `commit`, `pull_request_merged` and their weights
 * (`…_weight`), `capped_days` (with more points than `daily_cap`), `uncapped_points` (of the other days), `daily_cap`,
 * `tokens`, `active_days`. So value = uncapped_points + capped_days · daily_cap.
 */
export function outcomes(metric: MetricOf<'outcomes'>, person: PersonFacts): Measurement {
  const points = pointsOf(metric, person.outcomes);
  const volume = volumeOf(person);
  return {
    userId: person.userId,
    value: points.value,
    volume,
    evidence: {
      ...pointEvidence(metric, points),
      tokens: whole(volume.tokens),
      active_days: whole(volume.activeDays),
    },
  };
}
