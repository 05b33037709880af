import { tokenFields } from '@laurel/events';
import { totalOf, type Figures } from '@laurel/usage';

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

export function figuresJson(figures: Figures): FiguresJson {
  const tokens = Object.fromEntries(
    tokenFields.map((field) => [`${field}_tokens`, String(figures.tokens[field])]),
  ) as unknown as Omit<FiguresJson, 'events' | 'total_tokens' | 'cost_micro_usd'>;
  return {
    events: String(figures.events),
    total_tokens: String(totalOf(figures)),
    ...tokens,
    cost_micro_usd: String(figures.costMicroUsd),
  };
}
