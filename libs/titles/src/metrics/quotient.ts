import { real, type Evidence } from '../evidence.js';
import type { Measurement } from '../standings.js';
import { roundRatio } from './rounding.js';

/**
 * One of a person's metrics divided by another: value = of / per, rounded to 12 decimals; 0 where `per` is 0. Both are of the same
 * usage in the same window; the quotient of the sums, not a mean of daily quotients.
 *
 * Volume: of what is divided. Evidence: `of_value`, `per_value`, and each one's own under its names with `of_` and `per_` before
 * them.
 */
export const quotient = (of: Measurement, per: Measurement): Measurement => ({
  userId: of.userId,
  value: per.value === 0 ? 0 : roundRatio(of.value / per.value),
  volume: of.volume,
  evidence: {
    of_value: real(of.value),
    per_value: real(per.value),
    ...prefixed('of_', of.evidence),
    ...prefixed('per_', per.evidence),
  },
});

const prefixed = (prefix: string, evidence: Evidence): Evidence =>
  Object.fromEntries(Object.entries(evidence).map(([name, entry]) => [`${prefix}${name}`, entry]));
