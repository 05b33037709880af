import { compareUtf8, modelFamily, totalOf, type Day } from '@laurel/usage';
import { groupBy } from './grouping.js';
import { text, whole } from '../evidence.js';
import type { MetricOf } from '../rule.js';
import type { Measurement } from '../standings.js';
import { roundRatio } from './rounding.js';
import { tokensByDay, volumeOf, type PersonFacts } from './facts.js';

/**
 * Model Connoisseur: the effective number of model families, exp(−Σ p_f ln p_f).
 *
 * 1. Tokens are the total tokens of the person's counted events (as for Token Legend), a model's under its
 *    `modelFamily`.
 * 2. A family is left out when its tokens in the window · 1000 < min_share_per_mille · the person's tokens in the
 *    window. Once: the shares are not taken again among those that remain. One at exactly the bound remains.
 * 3. The active days are the UTC days with tokens of remaining families. p_f is the mean over these days of family f's
 *    share of the day's tokens of remaining families. So a day counts as much as any other, and one huge day of a
 *    single model does not hide the rest, nor does one day of twelve models make a connoisseur.
 * 4. value = exp(−Σ p_f ln p_f), rounded to 12 decimals. From 1 to the number of remaining families; 0 without tokens.
 *
 * Source: the Hill number of order 1 (M. O. Hill, "Diversity and Evenness", Ecology 54, 1973), which is the perplexity
 * of the Shannon entropy. Three equal shares give 3; 98/1/1 gives about 1.1.
 *
 * Volume: counted tokens of all families, the active days of step 3, sessions.
 * Evidence: `tokens` (all families), `active_days` (of step 3), `families` (how many remain), `families_left_out`,
 * `min_share_per_mille`: whole numbers; `shares`: a string, JSON of {family: p_f} by falling share, unrounded, so that
 * value = exp(−Σ p ln p) over it.
 */
export function effectiveModels(metric: MetricOf<'effective_models'>, person: PersonFacts): Measurement {
  const volume = volumeOf(person);
  const families = groupBy(
    person.rows.filter((row) => totalOf(row.figures) > 0n),
    (row) => modelFamily(row.model),
  );
  const remaining = [...families].filter(([, rows]) => {
    const tokens = rows.reduce((sum, row) => sum + totalOf(row.figures), 0n);
    return tokens * 1000n >= BigInt(metric.min_share_per_mille) * volume.tokens;
  });
  const days = tokensByDay(remaining.flatMap(([, rows]) => rows));
  const shares = remaining
    .map(([family, rows]) => ({ family, share: meanShare(tokensByDay(rows), days) }))
    .sort((a, b) => b.share - a.share || compareUtf8(a.family, b.family));
  return {
    userId: person.userId,
    value: shares.length === 0 ? 0 : roundRatio(effectiveNumber(shares.map(({ share }) => share))),
    volume: { ...volume, activeDays: days.size },
    evidence: {
      tokens: whole(volume.tokens),
      active_days: whole(days.size),
      families: whole(shares.length),
      families_left_out: whole(families.size - shares.length),
      min_share_per_mille: whole(metric.min_share_per_mille),
      shares: text(JSON.stringify(Object.fromEntries(shares.map(({ family, share }) => [family, share])))),
    },
  };
}

/**
 * The mean over all days of a family's share of the day's tokens; a day without the family has a share of 0.
 * In the order of the days, so that the last bits don't depend on the events' order.
 */
function meanShare(own: ReadonlyMap<Day, bigint>, all: ReadonlyMap<Day, bigint>): number {
  const shares = [...own]
    .sort(([a], [b]) => a - b)
    .reduce((sum, [day, tokens]) => sum + Number(tokens) / Number(all.get(day)), 0);
  return shares / all.size;
}

/** exp of the Shannon entropy (natural logarithm) of shares that are above 0 and add up to 1. */
export const effectiveNumber = (shares: readonly number[]): number =>
  Math.exp(-shares.reduce((sum, share) => sum + share * Math.log(share), 0));
