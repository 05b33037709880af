import { Module } from '@nestjs/common';
import { PriceKeeper } from '@laurel/clickhouse';
import { outcomeReaderForSchema, topics, usageReaderForSchema } from '@laurel/events';
import { IngestPorts, OutcomeStore, priceSettings, UsageStore } from '@laurel/ingest';
import { RegistrySchemas, SchemaRegistry } from '@laurel/kafka';
import { KafkaBatchStrategy } from '@laurel/kafka/strategy';
import {
  clickHouseSettings,
  connectConsumer,
  consumerMetrics,
  consumerReadiness,
  consumerSettings,
  integer,
  kafkaSettings,
  registryConnection,
  registrySettings,
  type ServiceDefinition,
} from '@laurel/service-host';
import { keepTrying } from '@laurel/stream';
import { dayKey } from '@laurel/usage';
import { IngestMetrics } from './ingest-metrics.js';
import { OUTCOME_PORTS, RETRY_POLICY, USAGE_PORTS, UsageIngestController } from './usage-ingest.controller.js';

const settings = {
  ...kafkaSettings,
  ...clickHouseSettings,
  ...registrySettings,
  ...priceSettings,
  maxFetchBytes: integer('LAUREL_INGEST_MAX_FETCH_BYTES', 65_536, 268_435_456, {
    description: 'most bytes of records in one fetch, which bounds memory',
    default: '67108864',
  }),
  maxWaitMs: integer('LAUREL_INGEST_MAX_WAIT_MS', 1, 10_000, {
    description: 'how long the broker gathers records before it answers a fetch with less than a MiB',
    default: '500',
  }),
  ...consumerSettings,
};

/** So many bytes of records are not waited for to become more. */
const MANY_BYTES = 1024 * 1024;

/** Kafka → ClickHouse, dead letters. */
export const usageIngest: ServiceDefinition<typeof settings> = {
  name: 'usage-ingest',
  description: 'takes usage events and outcomes from Kafka into ClickHouse, exactly once in effect',
  defaultPort: 9101,
  settings,
  async build(config, host) {
    const { topicPrefix } = config;
    const needed = [topics.usageEvents, topics.usageOutcomes, topics.deadLetters, topics.usageStored];
    const clients = await connectConsumer('laurel-usage-ingest', config, needed, host);
    const { kafka, clickhouse, policy } = clients;
    const producer = await clients.connectProducer();

    const registry = new SchemaRegistry(registryConnection(config));
    const prices = new PriceKeeper(clickhouse, config.prices);
    const { from, changed } = await keepTrying('prices', () => prices.adopt(), policy);
    if (changed.length > 0) {
      const models = changed.map(({ provider, model }) => `${provider} ${model}`);
      host.log.info({ from: dayKey(from), models }, 'prices of some models have changed, and hold from that day on');
    }
    const usage = new UsageStore(clickhouse, new RegistrySchemas(registry, usageReaderForSchema), prices, policy);
    const outcomes = new OutcomeStore(clickhouse, new RegistrySchemas(registry, outcomeReaderForSchema), policy);
    const usagePorts = new IngestPorts(clickhouse, producer, usage, topicPrefix);
    const outcomePorts = new IngestPorts(clickhouse, producer, outcomes, topicPrefix);
    const strategy = new KafkaBatchStrategy({
      kafka,
      groupId: `${topicPrefix}laurel-usage-ingest`,
      topicPrefix,
      maxBytes: config.maxFetchBytes,
      // At a steady rate each fetch becomes an insert of each partition: with few events in each, they would cost more than the events.
      minBytes: Math.min(MANY_BYTES, config.maxFetchBytes),
      // Partitions take turns, and what comes of one becomes one insert: larger ones cost ClickHouse less, in merges too.
      maxBytesPerPartition: Math.floor(config.maxFetchBytes / 4),
      maxWaitMs: config.maxWaitMs,
      sessionTimeoutMs: config.sessionTimeoutMs,
      policy,
      recordedOffset: (topic, partition) =>
        keepTrying('ledger', () => usagePorts.recordedOffset(topic, partition), policy),
      recordsBeforeCommit: true,
      onFatal: host.fatal,
    });
    consumerMetrics(strategy, host.metrics);

    @Module({
      controllers: [UsageIngestController],
      providers: [
        { provide: USAGE_PORTS, useValue: usagePorts },
        { provide: OUTCOME_PORTS, useValue: outcomePorts },
        { provide: IngestMetrics, useValue: new IngestMetrics(host.metrics) },
        { provide: RETRY_POLICY, useValue: policy },
      ],
    })
    class UsageIngestModule {}

    return {
      module: { module: UsageIngestModule },
      strategies: [strategy],
      readiness: () => consumerReadiness(strategy, Date.now()),
    };
  },
};
