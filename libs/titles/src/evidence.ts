import type { AwardEvent } from '@laurel/events';
import type { Figures } from '@laurel/usage';

/** What suffices to recompute a value: at most 20 entries of a metric, their names documented beside each; of a quotient, of both. */
export type Evidence = AwardEvent['evidence'];
export type EvidenceEntry = Evidence[string];

/**
 * A whole number: a `long` where a reader of 64-bit floats keeps it exact, else its decimal digits as a `string`,
 * so that nothing is rounded unseen.
 */
export function whole(value: number | bigint): EvidenceEntry {
  const exact = Number(value);
  // avsc writes longs up to 2^53 - 2.
  if (Number.isSafeInteger(exact) && Math.abs(exact) < Number.MAX_SAFE_INTEGER) return { long: exact };
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) return { string: value.toString() };
  throw new RangeError(`${value} is not a whole number that is exact`);
}

export const real = (value: number): EvidenceEntry => ({ double: value });
export const text = (value: string): EvidenceEntry => ({ string: value });

/** The named counts of some figures, under their own names. */
export const tokenEvidence = (figures: Figures, fields: readonly (keyof Figures['tokens'])[]): Evidence =>
  Object.fromEntries(fields.map((field) => [field, whole(figures.tokens[field])]));
