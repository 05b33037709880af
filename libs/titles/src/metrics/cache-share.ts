import type { Figures } from '@laurel/usage';
import { real, tokenEvidence, whole } from '../evidence.js';
import type { MetricOf } from '../rule.js';
import type { Measurement } from '../standings.js';
import { roundRatio } from './rounding.js';
import { tokensByDay, volumeOf, type PersonFacts } from './facts.js';

/** Input of every kind: what could have been read from a cache. Output can't, and is left out. */
const inputClasses = ['input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'cache_write'] as const;

const inputOf = ({ tokens }: Figures): bigint => inputClasses.reduce((sum, name) => sum + tokens[name], 0n);

/** How much of a company's input was read from a cache: 0 to 1, 0 of none. */
export function cacheShareOf(company: Figures): number {
  const input = inputOf(company);
  return input === 0n ? 0 : Number(company.tokens.cache_read) / Number(input);
}

/**
 * Cache Wizard: the share of input that was read from a cache, drawn toward the company's own share:
 *
 * value = (Σ_d min(cache_read_d, R · output_d) + m · H) / (input + cache_read + cache_write_5m + cache_write_1h + cache_write + m)
 *
 * over the person's counted events in the window, rounded to 12 decimals; d: the window's UTC days; R = reads_per_output;
 * m = prior_tokens; H = cache_read / (input + cache_read + the writes) over everybody's counted events in the window, 0 where
 * there is no input at all. m = 0 is the share alone, 0 without input.
 *
 * R: a prefix that is sent again and again with nothing written for it is read from the cache, too, and shows no skill. What is
 * read beyond R times the day's output therefore does not count as read, but still as input.
 *
 * Source of H and m: shrinkage of a proportion toward the population's, the mean of a Beta prior worth m observations
 * (empirical Bayes: G. Casella, "An Introduction to Empirical Bayes Data Analysis", The American Statistician 39, 1985;
 * m is fixed by the rule here, not estimated). A handful of lucky calls thus ranks near the company's average.
 *
 * Volume: counted tokens (output too), days with any, sessions with a counted event.
 * Evidence: the five counts by name, `counted_cache_read` (the sum of the minima), `reads_per_output`, `prior_tokens`,
 * `company_cache_read`, `company_input` (all five classes), `active_days`, `sessions`: whole numbers; `company_share`: H as a
 * double, unrounded.
 */
export function cacheShare(metric: MetricOf<'cache_share'>, person: PersonFacts, company: Figures): Measurement {
  const companyShare = cacheShareOf(company);
  const prior = metric.prior_tokens;
  const weight = Number(inputOf(person.figures)) + prior;
  const read = countedReads(metric, person);
  const volume = volumeOf(person);
  return {
    userId: person.userId,
    value: weight === 0 ? 0 : roundRatio((Number(read) + prior * companyShare) / weight),
    volume,
    evidence: {
      ...tokenEvidence(person.figures, inputClasses),
      counted_cache_read: whole(read),
      reads_per_output: whole(metric.reads_per_output),
      prior_tokens: whole(prior),
      company_cache_read: whole(company.tokens.cache_read),
      company_input: whole(inputOf(company)),
      company_share: real(companyShare),
      active_days: whole(volume.activeDays),
      sessions: whole(volume.sessions),
    },
  };
}

/** Σ over the days of min(cache reads, R · output). */
function countedReads({ reads_per_output: most }: MetricOf<'cache_share'>, { rows }: PersonFacts): bigint {
  const output = tokensByDay(rows, ['output']);
  return [...tokensByDay(rows, ['cache_read'])].reduce((sum, [day, read]) => {
    const bound = BigInt(most) * (output.get(day) ?? 0n);
    return sum + (read < bound ? read : bound);
  }, 0n);
}
