import {
  assertMigrated,
  connectClickHouse,
  readMigrations,
  type ClickHouseClient,
  type ClickHouseConnection,
} from '@laurel/clickhouse';
import type { TopicDeclaration } from '@laurel/events';
import { assertTopics, kafkaClient, RecordProducer, type Kafka } from '@laurel/kafka';
import { keepTrying, type RetryPolicy } from '@laurel/stream';
import type { ConfigOf } from './config.js';
import { clickHouseConnection, kafkaConnection, type clickHouseSettings, type kafkaSettings } from './connections.js';
import { kafkaLogger } from './logging.js';
import { outagePolicy } from './outages.js';
import type { Host } from './run-service.js';

/** What every service between Kafka and ClickHouse works with. */
export interface ConsumerClients {
  readonly kafka: Kafka;
  readonly clickhouse: ClickHouseClient;
  /** Of `clickhouse`. */
  readonly connection: ClickHouseConnection;
  readonly policy: RetryPolicy;
  /** A producer that is connected, and closed at the end. */
  connectProducer(): Promise<RecordProducer>;
}

/**
 * Connects to both, and waits until they are there and as this version needs them.
 *
 * @param application names the service to both of them.
 * @throws MigrationError or TopicError when tables or topics are not as they are to be: nothing that waiting would mend.
 */
export async function connectConsumer(
  application: string,
  config: ConfigOf<typeof kafkaSettings & typeof clickHouseSettings>,
  needed: readonly TopicDeclaration[],
  { log, metrics, onShutdown }: Host,
): Promise<ConsumerClients> {
  const policy = outagePolicy(log, metrics);
  const kafka = kafkaClient(kafkaConnection(config, application), kafkaLogger(log));
  const connection = clickHouseConnection(config, application);
  const clickhouse = connectClickHouse(connection);
  onShutdown(() => clickhouse.close());
  const migrations = await readMigrations();
  await keepTrying('start', () => assertMigrated(clickhouse, migrations), policy);
  await keepTrying('start', () => assertTopics(kafka, needed, config.topicPrefix), policy);
  return {
    kafka,
    clickhouse,
    connection,
    policy,
    connectProducer: async () => {
      const producer = new RecordProducer(kafka, config.topicPrefix);
      onShutdown(() => producer.close());
      await keepTrying('start', () => producer.connect(), policy);
      return producer;
    },
  };
}
