import type { MetricKind } from '../rule.js';

/** Whether more usage and more outcomes in a window can never lower anybody's value. */
export function isRising(kind: MetricKind): boolean {
  switch (kind) {
    case 'capped_tokens':
    case 'list_cost':
    case 'longest_session':
    case 'active_days':
    case 'longest_streak':
    case 'outcomes':
      return true;
    case 'effective_models':
    case 'cache_share':
    case 'cache_saving':
    case 'outcomes_per_usd':
    case 'thrift_gain':
    case 'quotient':
      return false;
    default:
      return kind satisfies never;
  }
}
