import type { BoardEntry, BoardMetric, BoardWindow } from '../api/answers.js';
import { microUsdText, shortText, wholeText, fullUsdText } from './numbers.js';

export const metricNames: Readonly<Record<BoardMetric, string>> = {
  total_tokens: 'All tokens',
  list_cost_micro_usd: 'Cost by list prices',
  cost_micro_usd: 'Cost as reported',
  input_tokens: 'Input tokens',
  cache_read_tokens: 'Cache reads',
  all_cache_write_tokens: 'Cache writes',
  output_tokens: 'Output tokens',
  events: 'Calls',
};

/** As a column's heading. */
export const metricHeadings: Readonly<Record<BoardMetric, string>> = {
  total_tokens: 'Tokens',
  list_cost_micro_usd: 'List cost',
  cost_micro_usd: 'Reported',
  input_tokens: 'Input',
  cache_read_tokens: 'Cache reads',
  all_cache_write_tokens: 'Cache writes',
  output_tokens: 'Output',
  events: 'Calls',
};

export const windowNames: Readonly<Record<BoardWindow, string>> = {
  '1d': 'Today',
  '7d': '7 days',
  '30d': '30 days',
  month: 'Month',
  all: 'All time',
};

const isMoney = (metric: BoardMetric): boolean => metric === 'list_cost_micro_usd' || metric === 'cost_micro_usd';

export const metricText = (metric: BoardMetric, value: string): string =>
  isMoney(metric) ? microUsdText(value) : shortText(value);

/** With all digits, for whoever wants to know or only hears it. */
export const fullMetricText = (metric: BoardMetric, value: string): string => {
  if (isMoney(metric)) return fullUsdText(Number(value) / 1e6);
  return `${wholeText(value)} ${metric === 'events' ? 'calls' : 'tokens'}`;
};

/** Places won since yesterday; null for whoever was not on the board. */
export const movementOf = ({ rank, previous_rank: before }: BoardEntry): number | null =>
  before === null ? null : before - rank;
