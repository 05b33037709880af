import type { KafkaBatchStrategy } from '@laurel/kafka';
import { Gauge, type Registry } from 'prom-client';
import type { Readiness } from './health.js';

/** A batch that is worked on for longer than this is no progress, in ms. */
const STALLED_AFTER_MS = 60_000;

/** Ready: a member of its group, and no batch is stuck. */
export function consumerReadiness(strategy: KafkaBatchStrategy, nowMs: number): Readiness {
  const stalled = strategy
    .progress()
    .filter(({ busySinceMs }) => busySinceMs !== undefined && nowMs - busySinceMs > STALLED_AFTER_MS)
    .map(({ topic, partition }) => `${topic}/${partition}`);
  return { ready: strategy.isMember && stalled.length === 0, details: { member: strategy.isMember, stalled } };
}

/** Lag per partition, in records and in seconds, as of the last batch. */
export function consumerMetrics(strategy: KafkaBatchStrategy, registry: Registry): void {
  const labelNames = ['topic', 'partition'];
  new Gauge({
    name: 'laurel_consumer_lag_records',
    help: 'Records of the partition that are not handled yet, as of the last fetch',
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      for (const { topic, partition, highWatermark, nextOffset } of strategy.progress()) {
        this.set({ topic, partition }, Math.max(0, highWatermark - nextOffset));
      }
    },
  });
  new Gauge({
    name: 'laurel_consumer_lag_seconds',
    help: 'Age of the last handled record while others wait behind it; 0 when none do',
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      for (const { topic, partition, highWatermark, nextOffset, lastTimestampMs } of strategy.progress()) {
        const waiting = highWatermark > nextOffset;
        this.set({ topic, partition }, waiting ? Math.max(0, Date.now() - lastTimestampMs) / 1000 : 0);
      }
    },
  });
}
