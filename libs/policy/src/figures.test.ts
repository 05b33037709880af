import fc from 'fast-check';
import { shownCount, shownValue, type CountUnit } from './figures.js';

const LEAST: Readonly<Record<CountUnit, bigint>> = {
  tokens: 1000n,
  events: 10n,
  micro_usd: 10_000n,
  pico_usd: 10_000_000_000n,
};
const units = fc.constantFrom<CountUnit>('tokens', 'events', 'micro_usd', 'pico_usd');
const coarse = fc.constantFrom('rounded' as const, 'bands' as const);
/** As many small as great ones. */
const counts = fc.integer({ min: 0, max: 60 }).chain((bits) => fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) }));

describe('a count as a person lets it be seen', () => {
  it.each([
    ['exact', 'tokens', 1_234_567n, 1_234_567n],
    ['rounded', 'tokens', 1_299_999n, 1_200_000n],
    ['rounded', 'tokens', 99_999n, 99_000n],
    ['rounded', 'tokens', 1999n, 1000n],
    ['rounded', 'tokens', 999n, 0n],
    ['rounded', 'events', 47n, 40n],
    ['rounded', 'micro_usd', 1_239_999n, 1_200_000n],
    ['bands', 'tokens', 1_234_567n, 1_000_000n],
    ['bands', 'tokens', 9999n, 0n],
    ['bands', 'tokens', 10_000n, 10_000n],
    ['bands', 'events', 99n, 0n],
    ['bands', 'micro_usd', 123_456n, 100_000n],
    ['rounded', 'tokens', -5n, 0n],
  ] as const)('%s %s: %s is shown as %s', (figures, unit, count, expected) => {
    expect(shownCount(figures, unit, count)).toBe(expected);
  });

  it('is never greater than it is, and never smaller for a greater count', () => {
    fc.assert(
      fc.property(coarse, units, counts, counts, (figures, unit, a, b) => {
        const [less, more] = a < b ? [a, b] : [b, a];
        expect(shownCount(figures, unit, more)).toBeGreaterThanOrEqual(shownCount(figures, unit, less));
        expect(shownCount(figures, unit, a)).toBeLessThanOrEqual(a);
      }),
    );
  });

  it('is shared with at least a least step of other counts, however small it is', () => {
    fc.assert(
      fc.property(coarse, units, counts, (figures, unit, count) => {
        const from = shownCount(figures, unit, count);
        const alike = [from, from + LEAST[unit] - 1n].map((one) => shownCount(figures, unit, one));
        expect(alike).toEqual([from, from]);
      }),
    );
  });

  it('tells no more when it is rounded or put in a band again', () => {
    fc.assert(
      fc.property(coarse, units, counts, (figures, unit, count) => {
        const once = shownCount(figures, unit, count);
        expect(shownCount(figures, unit, once)).toBe(once);
      }),
    );
  });
});

describe('a title’s value as a person lets it be seen', () => {
  it.each([
    ['exact', 'ratio', 0.123456789012, 0.123456789012],
    ['rounded', 'ratio', 0.987654, 0.9],
    ['bands', 'ratio', 0.987654, 0],
    ['rounded', 'models', 3.97, 3],
    ['rounded', 'minutes', 412.5, 410],
    ['rounded', 'tokens', 281_999_999_999, 280_000_000_000],
    ['bands', 'minutes', 412, 100],
    ['rounded', 'tokens', -3.5, 0],
  ] as const)('%s %s: %s is shown as %s', (figures, unit, value, expected) => {
    expect(shownValue(figures, unit, value)).toBe(expected);
  });

  it('is monotone, and many values are shown alike, in any unit', () => {
    const unit = fc.constantFrom('tokens', 'models', 'ratio', 'minutes', 'days', 'something new');
    const value = fc.double({ min: 0, max: 2 ** 60, noNaN: true });
    const values = fc.oneof(value, fc.double({ min: 0, max: 1, noNaN: true }));
    fc.assert(
      fc.property(coarse, unit, values, values, (figures, one, a, b) => {
        const [less, more] = a < b ? [a, b] : [b, a];
        expect(shownValue(figures, one, more)).toBeGreaterThanOrEqual(shownValue(figures, one, less));
        const shown = shownValue(figures, one, a);
        expect(shownValue(figures, one, shown + 0.05)).toBe(shown);
      }),
    );
  });
});
