import type { PersonFigures } from '@laurel/events';

/** What a whole number counts. */
export type CountUnit = 'tokens' | 'events' | 'micro_usd' | 'pico_usd';

/** No rounding is finer than this, so that a small figure is not given away by having few digits. All are powers of ten. */
const LEAST_STEPS: Readonly<Record<CountUnit, bigint>> = {
  tokens: 1000n,
  events: 10n,
  micro_usd: 10_000n,
  pico_usd: 10_000_000_000n,
};

/** Of the values of titles: steps in parts of a unit. */
const VALUE_STEPS: Readonly<Partial<Record<string, { readonly parts: number; readonly least: bigint }>>> = {
  tokens: { parts: 1, least: LEAST_STEPS.tokens },
  micro_usd: { parts: 1, least: LEAST_STEPS.micro_usd },
  models: { parts: 1, least: 1n },
  points_per_usd: { parts: 1, least: 1n },
  ratio: { parts: 10, least: 1n },
};
const OTHER_STEPS = { parts: 1, least: 10n };

/**
 * A count as a person lets it be seen, always from below:
 * `exact`: as it is;
 * `rounded`: its two leading digits, but no finer than 1000 tokens, 10 events, 1 US cent;
 * `bands`: the power of ten that it has reached, 0 below ten of those least steps; it stands for all up to the next.
 *
 * Monotone: a greater count is never shown as the smaller. Never exact but for `exact`: at least a least step's number of
 * counts are shown alike. A count below 0 is shown as 0.
 */
export function shownCount(figures: PersonFigures, unit: CountUnit, count: bigint): bigint {
  return shown(figures, LEAST_STEPS[unit], count);
}

/**
 * A title's value likewise, by the unit that awards carry: no finer than 1000 tokens, one whole model or point
 * for a dollar, a tenth of a ratio, and 10 of anything else (minutes, days, …).
 *
 * @param value finite.
 */
export function shownValue(figures: PersonFigures, unit: string, value: number): number {
  if (figures === 'exact') return value;
  // Of a quotient as of what is divided.
  const { parts, least } = VALUE_STEPS[unit.split('/')[0] ?? unit] ?? OTHER_STEPS;
  return Number(shown(figures, least, BigInt(Math.floor(value * parts)))) / parts;
}

function shown(figures: PersonFigures, least: bigint, count: bigint): bigint {
  if (figures === 'exact') return count;
  if (count <= 0n) return 0n;
  const digits = String(count).length;
  switch (figures) {
    case 'rounded': {
      const twoDigits = 10n ** BigInt(Math.max(0, digits - 2));
      return count - (count % (twoDigits > least ? twoDigits : least));
    }
    case 'bands':
      return count < 10n * least ? 0n : 10n ** BigInt(digits - 1);
    default:
      return figures satisfies never;
  }
}
