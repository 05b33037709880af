import { noTokens, type TokenCounts } from '@laurel/events';
import type { InputFault } from '../usage-input.js';

/**
 * A provider's usage object in Laurel's token classes, or what is wrong with it. Made to be spread into `record()`,
 * which refuses a fault with its code and reports it: a mapping never throws into the tool's own request.
 */
export type MappedUsage =
  { readonly provider: string; readonly tokens: TokenCounts; readonly fault?: undefined } | FaultyUsage;

export interface FaultyUsage {
  readonly provider: string;
  readonly tokens?: undefined;
  readonly fault: InputFault;
}

/** A count that a provider may leave out or set to null. */
export type OptionalCount = number | null | undefined;

export const faulty = (provider: string, code: InputFault['code'], message: string, field: string): FaultyUsage => ({
  provider,
  fault: { code, message, field },
});

export const mismatch = (provider: string, message: string): FaultyUsage =>
  faulty(provider, 'usage_mismatch', message, 'tokens');

export const mapped = (provider: string, tokens: Partial<TokenCounts>): MappedUsage => ({
  provider,
  tokens: { ...noTokens, ...tokens },
});

/** The first of the counts that is no whole number from 0 on, as a fault. */
export function badCount(
  provider: string,
  counts: Readonly<Record<string, OptionalCount>>,
  required: readonly string[],
): FaultyUsage | undefined {
  for (const [name, count] of Object.entries(counts)) {
    if (count === undefined || count === null) {
      if (required.includes(name)) return faulty(provider, 'missing_field', `usage.${name} is missing`, name);
    } else if (!Number.isSafeInteger(count) || count < 0) {
      return faulty(provider, 'count_out_of_range', `usage.${name} is not a whole number from 0 on`, name);
    }
  }
  return undefined;
}

export const noUsage = (provider: string): FaultyUsage =>
  faulty(provider, 'missing_field', 'the response carries no usage', 'usage');
