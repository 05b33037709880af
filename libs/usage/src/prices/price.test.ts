import fc from 'fast-check';
import { noTokens, tokenClasses, type TokenCounts } from '@laurel/events';
import { costOf, MAX_RATE, picoUsdOf, usdText, type Price, type Rates } from './price.js';

const rates: Rates = {
  input: 3_000_000,
  cache_read: 300_000,
  cache_write_5m: 3_750_000,
  cache_write_1h: 6_000_000,
  cache_write: 3_750_000,
  output: 15_000_000,
};
const twice = Object.fromEntries(tokenClasses.map((name) => [name, 2 * (rates[name] ?? 0)])) as unknown as Rates;
const price: Price = { rates, long: { above: 200_000, rates: twice } };
const tokens = (some: Partial<TokenCounts>): TokenCounts => ({ ...noTokens, ...some });

describe('the cost of a call', () => {
  it('is exact in pico-US-dollars, and never counts reasoning beside output', () => {
    expect(costOf(tokens({ input: 1, output: 2, reasoning: 2 }), price).listCost).toBe(33_000_000n);
    const most = tokens({ input: 2 ** 40, output: 2 ** 40 });
    const dear: Price = { rates: { ...rates, input: MAX_RATE, output: MAX_RATE - 1 }, long: null };
    expect(costOf(most, dear).listCost).toBe(2n ** 40n * (2n * BigInt(MAX_RATE) - 1n));
  });

  it('is that of long calls when all input together is longer than the threshold, output too', () => {
    const just = tokens({ input: 50_000, cache_read: 100_000, cache_write: 50_000, output: 1 });
    const longer = tokens({ ...just, cache_write: 50_001 });
    expect(costOf(just, price).listCost).toBe(
      50_000n * 3_000_000n + 100_000n * 300_000n + 50_000n * 3_750_000n + 15_000_000n,
    );
    expect(costOf(longer, price).listCost).toBe(2n * (costOf(just, price).listCost + 3_750_000n));
    expect(costOf(tokens({ output: 200_001 }), price).listCost).toBe(200_001n * 15_000_000n);
  });

  it('tells what reads have saved less the premium of writes, which may be more', () => {
    const read = costOf(tokens({ cache_read: 10 }), price);
    expect(read.cacheSaving).toBe(27_000_000n);
    expect(costOf(tokens({ cache_write_5m: 10 }), price).cacheSaving).toBe(-7_500_000n);
    expect(costOf(tokens({ cache_write_1h: 10 }), price).cacheSaving).toBe(-30_000_000n);
  });

  it('is unpriced as a whole where one class that is used has no price', () => {
    const partly: Price = { rates: { ...rates, cache_write_1h: null }, long: null };
    expect(costOf(tokens({ input: 5, cache_write_1h: 1 }), partly)).toEqual({
      listCost: 0n,
      cacheSaving: 0n,
      unpriced: true,
    });
    expect(costOf(tokens({ input: 5 }), partly)).toMatchObject({ listCost: 15_000_000n, unpriced: false });
    expect(costOf(tokens({ input: 5 }), null).unpriced).toBe(true);
    expect(costOf(tokens({}), null)).toEqual({ listCost: 0n, cacheSaving: 0n, unpriced: false });
  });

  it('and the saving add up to what the call would have cost without a cache', () => {
    const counts = fc.record(
      Object.fromEntries([...tokenClasses, 'reasoning'].map((name) => [name, fc.nat(300_000)])) as Record<
        keyof TokenCounts,
        fc.Arbitrary<number>
      >,
    );
    fc.assert(
      fc.property(counts, (some) => {
        const { output, reasoning, ...inputs } = some;
        const input = Object.values(inputs).reduce((sum, count) => sum + count, 0);
        const { listCost, cacheSaving } = costOf(some, price);
        expect(listCost + cacheSaving).toBe(costOf(tokens({ input, output, reasoning }), price).listCost);
      }),
    );
  });
});

describe('US dollars in digits', () => {
  it('are exact both ways', () => {
    expect([0n, 1n, -2_500_000_000n, 3_000_000_000_000n, 10n ** 30n].map(usdText)).toEqual([
      '0',
      '0.000000000001',
      '-0.0025',
      '3',
      '1000000000000000000',
    ]);
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 120n), max: 2n ** 120n }), (pico) =>
        expect(picoUsdOf(usdText(pico))).toBe(pico),
      ),
    );
  });

  it('are nothing else', () => {
    for (const text of ['', '1e3', '1.', '.5', '0.0000000000001', '1,5', '--1']) {
      expect(() => picoUsdOf(text)).toThrow(SyntaxError);
    }
  });
});
