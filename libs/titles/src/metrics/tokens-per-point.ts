import type { MetricOf } from '../rule.js';
import type { PersonBefore } from './facts.js';
import { pointsOf } from './points.js';

/** Null of whoever has not enough tokens and points for `thriftGain`. */
export function tokensPerPoint(metric: MetricOf<'thrift_gain'>, { tokens, outcomes }: PersonBefore): number | null {
  const points = pointsOf(metric, outcomes).value;
  const isEnough = tokens >= BigInt(metric.min_tokens_each) && points >= metric.min_points_each;
  return isEnough ? Number(tokens) / points : null;
}

/** The median of everybody who has enough, of two in the middle the lower; null where nobody has. */
export function medianTokensPerPoint(
  metric: MetricOf<'thrift_gain'>,
  everybody: readonly PersonBefore[],
): number | null {
  const all = everybody.map((one) => tokensPerPoint(metric, one)).filter((value) => value !== null);
  return all.sort((a, b) => a - b)[Math.floor((all.length - 1) / 2)] ?? null;
}
