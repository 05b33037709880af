import type { KafkaBatchStrategy, PartitionLag } from '@laurel/kafka';
import { Gauge, type Registry } from 'prom-client';
import type { Readiness } from './health.js';

/** Without progress for longer than this a service is not ready, in seconds. */
const STALLED_AFTER_SECONDS = 60;

/**
 * Ready: a member of its group that makes progress, which is not the same as being alive: neither is a batch being worked on
 * for long, nor does anything wait of which nothing was committed for long.
 */
export function consumerReadiness(strategy: KafkaBatchStrategy, nowMs: number): Readiness {
  const isOver = (seconds: number): boolean => seconds > STALLED_AFTER_SECONDS;
  const stuck = strategy
    .progress()
    .filter(({ busySinceMs }) => busySinceMs !== undefined && isOver((nowMs - busySinceMs) / 1000));
  const still = strategy.lags().filter(({ stalledSeconds }) => isOver(stalledSeconds));
  const stalled = [...new Set([...stuck, ...still].map(({ topic, partition }) => `${topic}/${partition}`))];
  return { ready: strategy.isMember && stalled.length === 0, details: { member: strategy.isMember, stalled } };
}

/** Lag of each assigned partition, in records and in seconds, as of a few seconds ago. */
export function consumerMetrics(strategy: KafkaBatchStrategy, registry: Registry): void {
  lagGauges([], registry, () => strategy.lags().map((lag) => ({ lag, labels: {} })));
}

/** The same of several groups, which labels of their own tell apart. */
export function lagGauges(
  ownLabels: readonly string[],
  registry: Registry,
  lags: () => readonly { readonly lag: PartitionLag; readonly labels: Readonly<Record<string, string>> }[],
): void {
  const labelNames = [...ownLabels, 'topic', 'partition'];
  const gauge = (name: string, help: string, valueOf: (lag: PartitionLag) => number): Gauge =>
    new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        for (const { lag, labels } of lags())
          this.set({ ...labels, topic: lag.topic, partition: lag.partition }, valueOf(lag));
      },
    });
  gauge(
    'laurel_consumer_lag_records',
    'Offsets between the committed one and the end of the partition',
    ({ records }) => records,
  );
  gauge(
    'laurel_consumer_lag_seconds',
    'For how long the partition has ended beyond the committed offset: the least age of what waits; 0 when nothing does',
    ({ seconds }) => seconds,
  );
}
