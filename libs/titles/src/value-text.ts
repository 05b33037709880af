/** Values of these come with digits behind the point; of all others in whole numbers. */
const FRACTIONS: ReadonlySet<string> = new Set(['ratio', 'models']);

export const isWholeUnit = (unit: string): boolean => !FRACTIONS.has(unit);

/**
 * A title's value as people read it, in English: a share in hundredths (`64.7 %`), costs in US dollars (`$12.34`), everything else
 * with its unit (`1,234 tokens`).
 *
 * @param isFine with as many digits as a margin needs.
 */
export function valueText(value: number, unit: string, isFine = false): string {
  const format = (number: number, most: number, least = 0): string =>
    number.toLocaleString('en', { minimumFractionDigits: least, maximumFractionDigits: most });
  switch (unit) {
    case 'ratio':
      return `${format(value * 100, isFine ? 2 : 1)} %`;
    case 'micro_usd':
      return `${value < 0 ? '-' : ''}$${format(Math.abs(value) / 1e6, isFine ? 6 : 2, 2)}`;
    default:
      return `${format(value, isWholeUnit(unit) ? 0 : isFine ? 4 : 2)} ${unit}`;
  }
}
