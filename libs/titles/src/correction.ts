import { isRising } from './metrics/rising.js';
import type { MetricKind } from './rule.js';

/**
 * Whether a holder's value was lowered by a correction (a revision, retraction or erasure) after the award.
 *
 * Provable only where more events can never lower the value: then a smaller value over the award's own window means
 * that something was taken out, or priced anew. A ratio or a saving may also fall by later events of the window's last day, so for these
 * the answer is false, and the reason stays what the standings show.
 *
 * @param awardedValue the award's value.
 * @param recomputedValue the same person's value now, over the award's `window_start` … `window_end` and under the
 *   award's rule version.
 */
export const isLoweredByCorrection = (kind: MetricKind, awardedValue: number, recomputedValue: number): boolean =>
  isRising(kind) && recomputedValue < awardedValue;
