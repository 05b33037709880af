/** Values of these come with digits behind the point; of all others in whole numbers. */
const FRACTIONS: ReadonlySet<string> = new Set(['ratio', 'models', 'points_per_usd']);

/** What a quotient's value is told for each one of, and how many of its unit that is. */
const EACH: Readonly<Partial<Record<string, readonly [string, number]>>> = {
  days: ['day', 1],
  tokens: ['token', 1],
  micro_usd: ['dollar', 1e6],
};

export const isWholeUnit = (unit: string): boolean => !FRACTIONS.has(unit) && !unit.includes('/');

/**
 * A title's value as people read it, in English: a share in hundredths (`64.7 %`), costs in US dollars (`$12.34`), points for each
 * dollar (`5.20 points/$`), everything else with its unit (`1,234 tokens`), quotients with both (`$12.34 / day`).
 *
 * @param isFine with as many digits as a margin needs.
 */
export function valueText(value: number, unit: string, isFine = false): string {
  const format = (number: number, most: number, least = 0): string =>
    number.toLocaleString('en', { minimumFractionDigits: least, maximumFractionDigits: most });
  const [of = '', per] = unit.split('/');
  if (per !== undefined) {
    const [each, units] = EACH[per] ?? [per, 1];
    const amount = (number: number): string =>
      number.toLocaleString('en', { maximumSignificantDigits: isFine ? 8 : 4 });
    const scaled = value * units;
    return `${of === 'micro_usd' ? `$${amount(scaled / 1e6)}` : `${amount(scaled)} ${of}`} / ${each}`;
  }
  switch (unit) {
    case 'ratio':
      return `${format(value * 100, isFine ? 2 : 1)} %`;
    case 'micro_usd':
      return `${value < 0 ? '-' : ''}$${format(Math.abs(value) / 1e6, isFine ? 6 : 2, 2)}`;
    case 'points_per_usd':
      return `${format(value, isFine ? 4 : 2)} points/$`;
    default:
      return `${format(value, isWholeUnit(unit) ? 0 : isFine ? 4 : 2)} ${unit}`;
  }
}
