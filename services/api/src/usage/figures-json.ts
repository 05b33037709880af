import { tokenFields, type PersonFigures } from '@laurel/events';
import { shownCount } from '@laurel/policy';
import { totalOf, usdText, type CostFigures, type Figures } from '@laurel/usage';

/** Sums, each the decimal digits of a whole number: they may pass 2^53, where a JSON number is rounded by many readers. */
export interface FiguresJson {
  readonly events: string;
  /** The sum of the six disjoint classes. */
  readonly total_tokens: string;
  readonly input_tokens: string;
  readonly cache_read_tokens: string;
  readonly cache_write_5m_tokens: string;
  readonly cache_write_1h_tokens: string;
  /** Cache writes of unknown lifetime only. */
  readonly cache_write_tokens: string;
  readonly output_tokens: string;
  /** A part of the output. */
  readonly reasoning_tokens: string;
  /** Millionths of a US dollar, of the events that reported a cost. */
  readonly cost_micro_usd: string;
}

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

/** What events cost by their list prices, in US dollars as decimal digits; docs/reference/prices.md. */
export interface CostsJson {
  readonly list_cost_usd: string;
  /** Negative where caching did not pay off. */
  readonly cache_saving_usd: string;
  /** How many events are in neither, as a price that they need is not known. */
  readonly unpriced_events: string;
}

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
