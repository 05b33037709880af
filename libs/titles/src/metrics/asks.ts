import type { Metric, MetricKind } from '../rule.js';

/** Whether a metric looks at outcomes, so that they are to be read for it. */
export function asksOutcomes(kind: MetricKind): boolean {
  return kind === 'outcomes' || kind === 'outcomes_per_usd' || kind === 'thrift_gain';
}

/** Whether a metric looks at everybody's figures together. */
export function asksEverybody(kind: MetricKind): boolean {
  return kind === 'cache_share';
}

/** Whether a metric looks at as many days before its window as well. */
export function asksBefore(kind: MetricKind): boolean {
  return kind === 'thrift_gain';
}

/** Whether a metric looks at sessions, be it as evidence. */
export function asksSessions(metric: Metric): boolean {
  if (metric.kind === 'quotient') return asksSessions(metric.of) || asksSessions(metric.per);
  return metric.kind === 'longest_session' || metric.kind === 'cache_share';
}
