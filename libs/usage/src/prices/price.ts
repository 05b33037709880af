import { tokenClasses, type TokenClass, type TokenCounts } from '@laurel/events';

/**
 * What a token of each class costs, in pico-US-dollars (1e-12 USD); a dollar per million tokens is 1,000,000. Null: not known,
 * which is never 0. Whole numbers up to `MAX_RATE`.
 */
export type Rates = Readonly<Record<TokenClass, number | null>>;

/** 1,000,000 US dollars for a million tokens, in pico-US-dollars per token. */
export const MAX_RATE = 1e12;
export const RATE_PER_USD_PER_MILLION = 1e6;

/** The list price of a model. Whoever prices a model prices its input: savings are told against it. */
export interface Price {
  readonly rates: Rates;
  /**
   * What all tokens of a call cost instead whose input is longer than `above`, in tokens: uncached, read from a cache and
   * written to one, together. Null where length does not matter.
   */
  readonly long: { readonly above: number; readonly rates: Rates } | null;
}

const INPUT_CLASSES: readonly TokenClass[] = tokenClasses.filter((name) => name !== 'output');
const CACHE_WRITES: readonly TokenClass[] = ['cache_write_5m', 'cache_write_1h', 'cache_write'];

/** What a call costs by its price. */
export interface Cost {
  /** In pico-US-dollars; 0 where it is unpriced. */
  readonly listCost: bigint;
  /**
   * What caching has saved, in pico-US-dollars: what the tokens read from a cache would have cost more as input, less what those
   * written to it cost more than input. Negative where it did not pay off.
   */
  readonly cacheSaving: bigint;
  /** It has tokens of a class whose price is not known: then it counts as neither cost nor saving. */
  readonly unpriced: boolean;
}

/** The list cost of one call: a call is priced as a whole, or not at all. One without tokens costs nothing. */
export function costOf(tokens: TokenCounts, price: Price | null): Cost {
  const used = tokenClasses.filter((name) => tokens[name] > 0);
  const inputTokens = INPUT_CLASSES.reduce((sum, name) => sum + tokens[name], 0);
  const rates = price?.long != null && inputTokens > price.long.above ? price.long.rates : price?.rates;
  if (used.some((name) => rates?.[name] == null)) return { listCost: 0n, cacheSaving: 0n, unpriced: true };
  const rate = (name: TokenClass): bigint => BigInt(rates?.[name] ?? 0);
  const count = (name: TokenClass): bigint => BigInt(tokens[name]);
  return {
    listCost: used.reduce((sum, name) => sum + count(name) * rate(name), 0n),
    cacheSaving: used.reduce((sum, name) => {
      if (name === 'cache_read') return sum + count(name) * (rate('input') - rate(name));
      return CACHE_WRITES.includes(name) ? sum - count(name) * (rate(name) - rate('input')) : sum;
    }, 0n),
    unpriced: false,
  };
}

const DECIMALS = 12;

/** Pico-US-dollars as US dollars in decimal digits, without zeros at the end: `-0.0025`. Exact. */
export function usdText(pico: bigint): string {
  const digits = (pico < 0n ? -pico : pico).toString().padStart(DECIMALS + 1, '0');
  const decimals = digits.slice(-DECIMALS).replace(/0+$/, '');
  return `${pico < 0n ? '-' : ''}${digits.slice(0, -DECIMALS)}${decimals === '' ? '' : `.${decimals}`}`;
}

/**
 * The other way round.
 *
 * @throws SyntaxError when it is no number of US dollars with 12 decimals at most.
 */
export function picoUsdOf(usd: string): bigint {
  const [, sign, whole, decimals = ''] = /^(-?)(\d+)(?:\.(\d{1,12}))?$/.exec(usd) ?? [];
  if (sign === undefined || whole === undefined) throw new SyntaxError(`${usd} is no number of US dollars`);
  return BigInt(sign + whole + decimals.padEnd(DECIMALS, '0'));
}
