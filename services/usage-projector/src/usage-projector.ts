import { Module } from '@nestjs/common';
import { daysWithHeads, greatestHeadOffset } from '@laurel/clickhouse';
import { topics } from '@laurel/events';
import { partitionOf } from '@laurel/kafka';
import { KafkaBatchStrategy } from '@laurel/kafka/strategy';
import {
  clickHouseSettings,
  connectConsumer,
  consumerMetrics,
  consumerReadiness,
  consumerSettings,
  integer,
  kafkaSettings,
  peopleSettings,
  type ServiceDefinition,
} from '@laurel/service-host';
import { keepTrying } from '@laurel/stream';
import { dayKey, type Day } from '@laurel/usage';
import { DriftWatch } from './drift-watch.js';
import { PeopleChoices } from './people-choices.js';
import { Projector } from './projector.js';
import { driftMetrics, projectorMetrics, signalMetrics } from './projector-metrics.js';
import { SignalKeeper } from './signal-keeper.js';
import { UsageProjectorController } from './usage-projector.controller.js';

const HOUR_MS = 3_600_000;
/** Beyond the longest coalescing by default: figures that are this late are no progress, in ms. */
const WAITING_TOO_LONG_MS = 60_000;
/** A difference that stands for longer, with nothing new in the log, is not one that is being mended, in ms. */
const DRIFT_SETTLE_MS = 2 * WAITING_TOO_LONG_MS;
const DRIFT_TIME_SHARE = 0.01;

const settings = {
  ...kafkaSettings,
  ...clickHouseSettings,
  rollIntervalMs: integer('LAUREL_PROJECTOR_ROLL_INTERVAL_MS', 50, 60_000, {
    description: 'least time between two recomputations of an open minute',
    default: '1000',
  }),
  lateQuietMs: integer('LAUREL_PROJECTOR_LATE_QUIET_MS', 0, HOUR_MS, {
    description: 'a closed hour is recomputed when nothing more came for it for this long',
    default: '2000',
  }),
  lateMaxWaitMs: integer('LAUREL_PROJECTOR_LATE_MAX_WAIT_MS', 0, HOUR_MS, {
    description: 'a closed hour is recomputed after this long, whatever comes',
    default: '20000',
  }),
  hourCloseDelayMs: integer('LAUREL_PROJECTOR_HOUR_CLOSE_DELAY_MS', 0, 24 * HOUR_MS, {
    description: 'how long after its end an hour is closed',
    default: '300000',
  }),
  driftIntervalMs: integer('LAUREL_PROJECTOR_DRIFT_INTERVAL_MS', 1000, 24 * HOUR_MS, {
    description: 'least time between two comparisons of a day with the log; they take 1 % of the time at most',
    default: '60000',
  }),
  signalsIntervalMs: integer('LAUREL_PROJECTOR_SIGNALS_INTERVAL_MS', 100, 24 * HOUR_MS, {
    description: 'least time between two looks for days whose signals of fair play are to be computed',
    default: '30000',
  }),
  signalsPercent: integer('LAUREL_PROJECTOR_SIGNALS_PERCENT', 1, 100, {
    description: 'how much of its time computing signals takes at most, as nobody waits for them',
    default: '5',
  }),
  ...peopleSettings,
  ...consumerSettings,
};

/** Recomputes the roll-ups. */
export const usageProjector: ServiceDefinition<typeof settings> = {
  name: 'usage-projector',
  description: 'recomputes per-user and per-model usage from the deduplicated log',
  defaultPort: 9102,
  settings,
  async build(config, host) {
    const { topicPrefix } = config;
    const needed = [topics.usageStored, topics.usageProjected, topics.peopleProfiles];
    const clients = await connectConsumer('laurel-usage-projector', config, needed, host);
    const { kafka, clickhouse, policy } = clients;
    const producer = await clients.connectProducer();

    const people = new PeopleChoices(
      kafka,
      clickhouse,
      topicPrefix,
      { visibility: config.peopleVisibility, figures: config.peopleFigures },
      policy,
      {
        onUnreadable: ({ offset }) =>
          host.log.warn({ offset }, 'a record of people.profiles.v1 can’t be read; its person is hidden'),
      },
      host.fatal,
    );
    host.onShutdown(() => people.stop());
    await people.start();

    const projector = new Projector(
      clickhouse,
      producer,
      policy,
      {
        rollIntervalMs: config.rollIntervalMs,
        late: { quietMs: config.lateQuietMs, maxWaitMs: config.lateMaxWaitMs },
        hourCloseDelayMs: config.hourCloseDelayMs,
      },
      projectorMetrics(host.metrics),
      host.fatal,
    );
    await projector.start();
    host.onShutdown(() => projector.stop());
    const watch = new DriftWatch(
      clickhouse,
      {
        topics: [topicPrefix + topics.usageEvents.name, topicPrefix + topics.usageOutcomes.name],
        intervalMs: config.driftIntervalMs,
        settleMs: Math.max(DRIFT_SETTLE_MS, 2 * (config.lateMaxWaitMs + config.rollIntervalMs)),
        timeShare: DRIFT_TIME_SHARE,
      },
      driftMetrics(host.metrics, host.log),
      () => projector.isFirst,
    );
    watch.start();
    const signals = new SignalKeeper(
      clickhouse,
      { intervalMs: config.signalsIntervalMs, timeShare: config.signalsPercent / 100 },
      signalMetrics(host.metrics, host.log),
      () => projector.isFirst,
    );
    signals.start();
    host.onShutdown(() => {
      watch.stop();
      signals.stop();
      return Promise.resolve();
    });

    /** Heads rest on announcements, so a topic that ends before them is not the one that they were made from. */
    const recordedOffset = async (_topic: string, partition: number): Promise<number | undefined> => {
      const days = await daysWithHeads(clickhouse);
      const own = days.filter(
        (day) => partitionOf(dayKey((day / 86_400) as Day), topics.usageStored.partitions) === partition,
      );
      const offset = await greatestHeadOffset(clickhouse, own);
      return offset < 0 ? undefined : offset + 1;
    };
    const strategy = new KafkaBatchStrategy({
      kafka,
      groupId: `${topicPrefix}laurel-usage-projector`,
      topicPrefix,
      // Announcements are small and each may be the one that somebody waits for.
      minBytes: 1,
      sessionTimeoutMs: config.sessionTimeoutMs,
      policy,
      recordedOffset: (topic, partition) => keepTrying('heads', () => recordedOffset(topic, partition), policy),
      onAssigned: (assignment) => projector.onAssigned(assignment[topics.usageStored.name] ?? []),
      onFatal: host.fatal,
    });
    consumerMetrics(strategy, host.metrics);

    @Module({ controllers: [UsageProjectorController], providers: [{ provide: Projector, useValue: projector }] })
    class UsageProjectorModule {}

    return {
      module: { module: UsageProjectorModule },
      strategies: [strategy],
      readiness: () => {
        const { ready, details } = consumerReadiness(strategy, Date.now());
        const waitingMs = Math.round(projector.waitingMs());
        return { ready: ready && waitingMs < WAITING_TOO_LONG_MS, details: { ...details, waitingMs } };
      },
    };
  },
};
