import { tokenFields, type PersonFigures } from '@laurel/events';
import { shownCount } from '@laurel/policy';
import { totalOf, usdText, type CostFigures, type Figures } from '@laurel/usage';
import { z } from 'zod';

/** Whole numbers as decimal digits: they may pass 2^53, where a JSON number is rounded by many readers. */
export const sumSchema = z.string().regex(/^\d+$/);
/** US dollars as decimal digits. */
export const usdSchema = z.string().regex(/^-?\d+(\.\d+)?$/);

export const figuresSchema = z.object({
  events: sumSchema,
  total_tokens: sumSchema.describe('the sum of the six disjoint classes'),
  input_tokens: sumSchema,
  cache_read_tokens: sumSchema,
  cache_write_5m_tokens: sumSchema,
  cache_write_1h_tokens: sumSchema,
  cache_write_tokens: sumSchema.describe('cache writes of unknown lifetime only'),
  output_tokens: sumSchema,
  reasoning_tokens: sumSchema.describe('a part of the output'),
  cost_micro_usd: sumSchema.describe('millionths of a US dollar, of the events that reported a cost'),
});
export type FiguresJson = Readonly<z.output<typeof figuresSchema>>;

/** @param precision how exactly they may be seen; each sum is made coarser by itself. */
export function figuresJson(figures: Figures, precision: PersonFigures = 'exact'): FiguresJson {
  const tokens = Object.fromEntries(
    tokenFields.map((field) => [`${field}_tokens`, String(shownCount(precision, 'tokens', figures.tokens[field]))]),
  ) as unknown as Omit<FiguresJson, 'events' | 'total_tokens' | 'cost_micro_usd'>;
  return {
    events: String(shownCount(precision, 'events', BigInt(figures.events))),
    total_tokens: String(shownCount(precision, 'tokens', totalOf(figures))),
    ...tokens,
    cost_micro_usd: String(shownCount(precision, 'micro_usd', figures.costMicroUsd)),
  };
}

/** What events cost by their list prices; docs/reference/prices.md. */
export const costsSchema = z.object({
  list_cost_usd: usdSchema,
  cache_saving_usd: usdSchema.describe('negative where caching did not pay off'),
  unpriced_events: sumSchema.describe('how many events are in neither, as a price that they need is not known'),
});
export type CostsJson = Readonly<z.output<typeof costsSchema>>;

/** @param precision as for the figures; a saving is made coarser towards 0. */
export function costsJson(costs: CostFigures, precision: PersonFigures = 'exact'): CostsJson {
  const { listCost, cacheSaving, unpricedEvents } = costs;
  const saved = shownCount(precision, 'pico_usd', cacheSaving < 0n ? -cacheSaving : cacheSaving);
  return {
    list_cost_usd: usdText(shownCount(precision, 'pico_usd', listCost)),
    cache_saving_usd: usdText(cacheSaving < 0n ? -saved : saved),
    unpriced_events: String(shownCount(precision, 'events', BigInt(unpricedEvents))),
  };
}

/** Of two sums as they are shown: an exact share would give away what it is a share of. */
export const shareOf = (part: bigint, whole: bigint): number => (whole === 0n ? 0 : Number(part) / Number(whole));
