import type { BucketStart } from '@laurel/clickhouse';
import type { Log } from '@laurel/service-host';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { DriftEvents } from './drift-watch.js';
import type { RollPlan } from './pending-rolls.js';
import type { ProjectorEvents } from './projector.js';
import type { SignalEvents } from './signal-keeper.js';

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
      rolled.inc({ grain: 'outcome_day' }, plan.outcomeDays.length);
      seconds.observe(took);
      if (Number.isFinite(plan.oldestRecordAtMs)) freshness.observe((Date.now() - plan.oldestRecordAtMs) / 1000);
    },
  };
}

/** What the comparison with the log finds, as metrics and, when something is wrong, as a warning. */
export function driftMetrics(registry: Registry, log: Log): DriftEvents {
  const registers = [registry];
  const buckets = new Gauge({
    name: 'laurel_drift_buckets',
    help: 'Buckets whose figures stay other than the log’s for minutes, as of the last look at each day; also while announcements wait; 0 where another instance looks',
    registers,
  });
  const looks = new Counter({
    name: 'laurel_drift_looks_total',
    help: 'Days that were compared with the log, by result',
    labelNames: ['result'],
    registers,
  });
  const absorbed = new Gauge({
    name: 'laurel_duplicates_absorbed',
    help: 'Records stored beyond one for each event: duplicates, lower revisions, and events of people erased since; as of the last round over all days, 0 where another instance looks',
    registers,
  });
  const drifting = new Map<BucketStart, number>();
  const show = (): void => buckets.set([...drifting.values()].reduce((sum, one) => sum + one, 0));
  return {
    onLook: (day, suspects) => {
      drifting.set(day, suspects.length);
      looks.inc({ result: suspects.length === 0 ? 'equal' : 'differs' });
      show();
      if (suspects.length === 0) return;
      const names = suspects.map(({ code, of, bucket }) => ({ code, of, at: new Date(bucket * 1000).toISOString() }));
      log.warn({ buckets: names.slice(0, NAMED) }, 'figures differ from the log: run laurel audit --heal');
    },
    onRound: (days) => {
      for (const day of [...drifting.keys()]) if (!days.includes(day)) drifting.delete(day);
      show();
    },
    onCounted: (stored, events) => absorbed.set(Math.max(0, stored - events)),
    onFailed: (day, error) => {
      looks.inc({ result: 'failed' });
      log.debug({ day, err: error }, 'a day could not be compared with the log');
    },
    onHandedOver: () => {
      drifting.clear();
      absorbed.set(0);
      show();
    },
  };
}

/** What is computed of the signals of fair play, and how much is still to be. */
export function signalMetrics(registry: Registry, log: Log): SignalEvents {
  const registers = [registry];
  const computed = new Counter({
    name: 'laurel_signals_computed_total',
    help: 'Parts of closed days’ signals of fair play that were computed, by result',
    labelNames: ['part', 'result'],
    registers,
  });
  const seconds = new Histogram({
    name: 'laurel_signals_seconds',
    help: 'Computing one part of a day’s signals',
    buckets: [0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300],
    registers,
  });
  const waiting = new Gauge({
    name: 'laurel_signals_waiting',
    help: 'Parts of closed days’ signals that are to be computed, as of the last look; 0 where another instance computes',
    registers,
  });
  return {
    onComputed: ({ part }, took) => {
      computed.inc({ part, result: 'computed' });
      seconds.observe(took);
    },
    onWaiting: (parts) => waiting.set(parts),
    onFailed: (error) => {
      computed.inc({ part: '', result: 'failed' });
      log.warn({ err: error }, 'signals of fair play could not be computed; they are the next time');
    },
  };
}

/** In one line of the log. */
const NAMED = 20;
