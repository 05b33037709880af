import { Counter, Histogram, type Registry } from 'prom-client';
import type { RollPlan } from './pending-rolls.js';
import type { ProjectorEvents } from './projector.js';

export function projectorMetrics(registry: Registry): ProjectorEvents {
  const registers = [registry];
  const rolled = new Counter({
    name: 'laurel_projection_rolls_total',
    help: 'Buckets recomputed, by grain',
    labelNames: ['grain'],
    registers,
  });
  const seconds = new Histogram({
    name: 'laurel_projection_flush_seconds',
    help: 'Recomputing what was due of one partition',
    buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30],
    registers,
  });
  const freshness = new Histogram({
    name: 'laurel_event_to_projection_seconds',
    help: 'From the oldest record of a flush entering Kafka to its figures being readable',
    buckets: [0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 300],
    registers,
  });
  return {
    onRolled: (plan: RollPlan, took: number) => {
      rolled.inc({ grain: 'minute' }, plan.minutes.length);
      rolled.inc({ grain: 'hour' }, plan.hours.length);
      rolled.inc({ grain: 'day' }, plan.days.length);
      seconds.observe(took);
      if (Number.isFinite(plan.oldestRecordAtMs)) freshness.observe((Date.now() - plan.oldestRecordAtMs) / 1000);
    },
  };
}
