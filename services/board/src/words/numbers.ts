import type { Costs, TokenFigures } from '../api/answers.js';

/** Numbers in the viewer's own language and form. */
const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat(undefined, {
  notation: 'compact',
  minimumSignificantDigits: 3,
  maximumSignificantDigits: 3,
});
const shortUsd = new Intl.NumberFormat(undefined, {
  style: 'currency',
  currency: 'USD',
  currencyDisplay: 'narrowSymbol',
  notation: 'compact',
  minimumSignificantDigits: 3,
  maximumSignificantDigits: 3,
});
const usd = new Intl.NumberFormat(undefined, {
  style: 'currency',
  currency: 'USD',
  currencyDisplay: 'narrowSymbol',
});
const percent = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 0 });
const finePercent = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 });
const fine = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });
const hundredths = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const roughly = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 });

/** Decimal digits, or a number that is whole. */
export type Count = string | number | bigint;

const bigOf = (count: Count): bigint => BigInt(typeof count === 'number' ? Math.round(count) : count);

/** All of its digits. */
export const wholeText = (count: Count): string => whole.format(bigOf(count));

/** Three digits, as 43.2M; small ones whole. */
export function shortText(count: Count): string {
  const exact = bigOf(count);
  return exact < 1000n && exact > -1000n ? whole.format(exact) : short.format(exact);
}

/** For the ticks of an axis: as few digits as can be. */
export const tickText = (amount: number): string => roughly.format(amount);

/** @param amount in US dollars. */
export const usdText = (amount: number): string =>
  Math.abs(amount) >= 10_000 ? shortUsd.format(amount) : usd.format(amount);
export const fullUsdText = (amount: number): string => usd.format(amount);
export const microUsdText = (count: Count): string => usdText(Number(count) / 1e6);

/** By list prices: at least so much where the price of some is not known, and nothing to say where that of all is. */
export function costText({ list_cost_usd: cost, unpriced_events: unpriced }: Costs): string {
  if (unpriced === '0') return usdText(Number(cost));
  return Number(cost) === 0 ? '–' : `≥ ${usdText(Number(cost))}`;
}

/** Of how many calls the cost is not known; undefined where of none. */
export const unpricedText = ({ unpriced_events: unpriced }: Costs): string | undefined =>
  unpriced === '0' ? undefined : `No list price is known of ${shortText(unpriced)} of the calls`;

/** @param share 0 to 1. */
export const shareText = (share: number): string => percent.format(share);
/** Of a difference of two shares. */
export const pointsText = (difference: number): string => fine.format(difference * 100);
export const fineShareText = (share: number): string => finePercent.format(share);

/** A title's value with its unit, as people read it. */
export function valueText(value: number, unit: string): string {
  const [of = '', per] = unit.split('/');
  if (per !== undefined) return quotientText(value, of, per);
  switch (unit) {
    case 'ratio':
      return fineShareText(value);
    case 'micro_usd':
      return microUsdText(value);
    case 'tokens':
      return `${shortText(value)} tokens`;
    case 'models':
      return `${hundredths.format(value)} models`;
    case 'points_per_usd':
      return `${hundredths.format(value)} points/$`;
    default:
      return `${fine.format(value)} ${value === 1 ? unit.replace(/s$/, '') : unit}`;
  }
}

/** "$5.12 a day", "$3.20 per million tokens" */
function quotientText(value: number, of: string, per: string): string {
  switch (per) {
    case 'days':
      return `${valueText(value, of)} a day`;
    case 'tokens':
      return `${valueText(value * 1e6, of)} per million tokens`;
    case 'micro_usd':
      return `${valueText(value * 1e6, of)} per dollar`;
    default:
      return `${valueText(value, of)} per ${per}`;
  }
}

/** Of all input, how much was read from a cache, 0 to 1; undefined without input. */
export function cacheShareOf(figures: TokenFigures): number | undefined {
  const read = Number(figures.cache_read_tokens);
  const input = read + Number(figures.input_tokens) + Number(cacheWritesOf(figures));
  return input === 0 ? undefined : read / input;
}

export const cacheWritesOf = (figures: TokenFigures): bigint =>
  BigInt(figures.cache_write_5m_tokens) + BigInt(figures.cache_write_1h_tokens) + BigInt(figures.cache_write_tokens);

/** The four kinds that tokens are shown as; the API tells three lifetimes of cache writes apart. */
export const tokenKinds = ['input', 'cache_read', 'cache_write', 'output'] as const;
export type TokenKind = (typeof tokenKinds)[number];

export const tokenKindNames: Readonly<Record<TokenKind, string>> = {
  input: 'Input',
  cache_read: 'Cache reads',
  cache_write: 'Cache writes',
  output: 'Output',
};

export const tokensByKind = (figures: TokenFigures): Readonly<Record<TokenKind, number>> => ({
  input: Number(figures.input_tokens),
  cache_read: Number(figures.cache_read_tokens),
  cache_write: Number(cacheWritesOf(figures)),
  output: Number(figures.output_tokens),
});
