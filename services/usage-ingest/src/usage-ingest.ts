import { Module } from '@nestjs/common';
import { assertMigrated, connectClickHouse, readMigrations } from '@laurel/clickhouse';
import { topics } from '@laurel/events';
import { IngestPorts } from '@laurel/ingest';
import { assertTopics, kafkaClient, KafkaBatchStrategy, RecordProducer, RegistrySchemas } from '@laurel/kafka';
import {
  clickHouseConnection,
  clickHouseSettings,
  consumerMetrics,
  consumerReadiness,
  consumerSettings,
  integer,
  kafkaConnection,
  kafkaLogger,
  kafkaSettings,
  outagePolicy,
  registryConnection,
  registrySettings,
  type ServiceDefinition,
} from '@laurel/service-host';
import { keepTrying } from '@laurel/stream';
import { IngestMetrics } from './ingest-metrics.js';
import { RETRY_POLICY, UsageIngestController } from './usage-ingest.controller.js';

const settings = {
  ...kafkaSettings,
  ...clickHouseSettings,
  ...registrySettings,
  maxFetchBytes: integer('LAUREL_INGEST_MAX_FETCH_BYTES', 65_536, 268_435_456, {
    description: 'most bytes of records in one fetch, which bounds memory',
    default: '16777216',
  }),
  maxWaitMs: integer('LAUREL_INGEST_MAX_WAIT_MS', 1, 10_000, {
    description: 'how long the broker gathers records before it answers a fetch',
    default: '250',
  }),
  ...consumerSettings,
};

/** Kafka → ClickHouse, dead letters. */
export const usageIngest: ServiceDefinition<typeof settings> = {
  name: 'usage-ingest',
  description: 'takes usage events from Kafka into ClickHouse, exactly once in effect',
  defaultPort: 9101,
  settings,
  async build(config, { log, metrics, fatal, onShutdown }) {
    const { topicPrefix } = config;
    const policy = outagePolicy(log, metrics);
    const kafka = kafkaClient(kafkaConnection(config, 'laurel-usage-ingest'), kafkaLogger(log));
    const clickhouse = connectClickHouse(clickHouseConnection(config, 'laurel-usage-ingest'));
    onShutdown(() => clickhouse.close());
    const producer = new RecordProducer(kafka, topicPrefix);
    onShutdown(() => producer.close());

    const migrations = await readMigrations();
    await keepTrying('start', () => assertMigrated(clickhouse, migrations), policy);
    const needed = [topics.usageEvents, topics.deadLetters, topics.usageStored];
    await keepTrying('start', () => assertTopics(kafka, needed, topicPrefix), policy);
    await keepTrying('start', () => producer.connect(), policy);

    const schemas = new RegistrySchemas(registryConnection(config));
    const ports = new IngestPorts(clickhouse, producer, schemas, policy, topicPrefix);
    const strategy = new KafkaBatchStrategy({
      kafka,
      groupId: `${topicPrefix}laurel-usage-ingest`,
      topicPrefix,
      maxBytes: config.maxFetchBytes,
      maxWaitMs: config.maxWaitMs,
      sessionTimeoutMs: config.sessionTimeoutMs,
      recordedOffset: (topic, partition) => keepTrying('ledger', () => ports.recordedOffset(topic, partition), policy),
      recordsBeforeCommit: true,
      onFatal: fatal,
    });
    consumerMetrics(strategy, metrics);

    @Module({
      controllers: [UsageIngestController],
      providers: [
        { provide: IngestPorts, useValue: ports },
        { provide: IngestMetrics, useValue: new IngestMetrics(metrics) },
        { provide: RETRY_POLICY, useValue: policy },
      ],
    })
    class UsageIngestModule {}

    return {
      module: { module: UsageIngestModule },
      strategy,
      readiness: () => consumerReadiness(strategy, Date.now()),
    };
  },
};
