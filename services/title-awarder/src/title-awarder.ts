import { Module } from '@nestjs/common';
import { Counter, Histogram } from 'prom-client';
import { topics } from '@laurel/events';
import { KafkaBatchStrategy } from '@laurel/kafka/strategy';
import {
  clickHouseSettings,
  connectConsumer,
  consumerMetrics,
  consumerReadiness,
  consumerSettings,
  integer,
  kafkaSettings,
  type ServiceDefinition,
} from '@laurel/service-host';
import type { RetryPolicy } from '@laurel/stream';
import { isAboutTier } from '@laurel/titles';
import { Awarder, AwardNotWritten, type AwarderEvents } from './awarder.js';
import { TitleAwarderController } from './title-awarder.controller.js';

const settings = {
  ...kafkaSettings,
  ...clickHouseSettings,
  tickMs: integer('LAUREL_AWARDER_TICK_MS', 100, 3_600_000, {
    description:
      'so often, in ms, it is looked whether titles are to be evaluated, as windows slide on without events; without any change they are once a minute',
    default: '5000',
  }),
  minIntervalMs: integer('LAUREL_AWARDER_MIN_INTERVAL_MS', 50, 3_600_000, {
    description: 'between two evaluations of the titles at least this long, and as long as the last one took, in ms',
    default: '1000',
  }),
  ...consumerSettings,
};

/** Standings → award events. */
export const titleAwarder: ServiceDefinition<typeof settings> = {
  name: 'title-awarder',
  description: 'awards titles as events, each change once',
  defaultPort: 9103,
  settings,
  async build(config, host) {
    const { topicPrefix } = config;
    const { log, metrics, fatal } = host;
    const needed = [
      topics.usageProjected,
      topics.titleAwards,
      topics.titleHolders,
      topics.titleTiers,
      topics.titleRules,
    ];
    const clients = await connectConsumer('laurel-title-awarder', config, needed, host);
    const { kafka, clickhouse, connection } = clients;
    const policy: RetryPolicy = {
      ...clients.policy,
      classify: (error) => (error instanceof AwardNotWritten ? 'retriable' : clients.policy.classify(error)),
    };

    const registers = [metrics];
    const awards = new Counter({
      name: 'laurel_awards_total',
      help: 'Award events written',
      labelNames: ['title', 'type'],
      registers,
    });
    const seconds = new Histogram({
      name: 'laurel_title_evaluation_seconds',
      help: 'Evaluating every title once',
      buckets: [0.03, 0.1, 0.3, 1, 3, 10, 30],
      registers,
    });
    const ticks = new Counter({
      name: 'laurel_title_ticks_total',
      help: 'Looks at whether titles are to be evaluated, by what came of them',
      labelNames: ['result'],
      registers,
    });
    const events: AwarderEvents = {
      onAwards: (written) => {
        for (const { title_id: title, type, user_id: user, scope, value, reason } of written) {
          awards.inc({ title, type });
          if (!isAboutTier({ type })) log.info({ title, scope, user, value, reason }, type);
        }
        // There may be thousands at once.
        const [tier] = written.filter(isAboutTier);
        if (tier !== undefined) log.info({ title: tier.title_id, scope: tier.scope, people: written.length }, 'tiers');
      },
      onTick: (tick, took) => {
        ticks.inc({ result: tick });
        if (tick === 'evaluated') seconds.observe(took);
      },
    };
    const options = { topicPrefix, tickMs: config.tickMs, minIntervalMs: config.minIntervalMs };
    const awarder = new Awarder(kafka, clickhouse, connection, policy, options, events, fatal);
    awarder.start();
    host.onShutdown(() => awarder.stop());

    const strategy = new KafkaBatchStrategy({
      kafka,
      groupId: `${topicPrefix}laurel-title-awarder`,
      topicPrefix,
      minBytes: 1,
      sessionTimeoutMs: config.sessionTimeoutMs,
      policy,
      onAssigned: (assignment) => awarder.onAssigned((assignment[topics.usageProjected.name] ?? []).includes(0)),
      onFatal: fatal,
    });
    consumerMetrics(strategy, metrics);

    @Module({ controllers: [TitleAwarderController], providers: [{ provide: Awarder, useValue: awarder }] })
    class TitleAwarderModule {}

    return {
      module: { module: TitleAwarderModule },
      strategies: [strategy],
      readiness: () => consumerReadiness(strategy, Date.now()),
    };
  },
};
