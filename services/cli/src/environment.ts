import { assertMigrated, connectClickHouse, readMigrations, type ClickHouseClient } from '@laurel/clickhouse';
import { kafkaClient, type Kafka, type KafkaLog } from '@laurel/kafka';
import {
  clickHouseConnection,
  clickHouseSettings,
  kafkaConnection,
  type kafkaSettings,
  readConfig,
  type ConfigOf,
  type Settings,
} from '@laurel/service-host/settings';

/** The environment is not what a command needs; every fault is in the message. */
export class EnvironmentFault extends Error {}

/** Reads settings from the environment, or says everything that is wrong with it. */
export function fromEnvironment<S extends Settings>(settings: S): ConfigOf<S> {
  const read = readConfig(settings, process.env);
  if ('faults' in read) {
    throw new EnvironmentFault(read.faults.map(({ variable, message }) => `${variable} ${message}`).join('\n'));
  }
  return read.config;
}

/** Only what a person at a terminal can act on; set LAUREL_LOG_LEVEL=debug for the rest. */
const log: KafkaLog = (level, message, fields) => {
  if (process.env['LAUREL_LOG_LEVEL'] === 'debug')
    console.error(`kafka ${level}: ${message} ${JSON.stringify(fields)}`);
};

/** For commands that need nothing but the tables. @param application names the command in ClickHouse's query log. */
export async function withClickHouse<T>(
  application: string,
  work: (clickhouse: ClickHouseClient) => Promise<T>,
): Promise<T> {
  const clickhouse = connectClickHouse(clickHouseConnection(fromEnvironment(clickHouseSettings), application));
  try {
    await assertMigrated(clickhouse, await readMigrations());
    return await work(clickhouse);
  } finally {
    await clickhouse.close();
  }
}

export function kafkaFrom(config: ConfigOf<typeof kafkaSettings>): Kafka {
  return kafkaClient(kafkaConnection(config, 'laurel-cli'), log);
}
