import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectClickHouse, type ClickHouseClient } from '@laurel/clickhouse';
import { kafkaClient, type Kafka } from '@laurel/kafka';
import { startClickHouse, startKafka, type LocalClickHouse, type LocalKafka } from '@laurel/local-stack';

/** A Kafka and a ClickHouse of their own, empty, in a temporary folder that goes with them. */
export class BenchStack {
  private constructor(
    private readonly folder: string,
    private readonly broker: LocalKafka,
    private readonly engine: LocalClickHouse,
    readonly kafka: Kafka,
  ) {}

  static async start(onProgress: (line: string) => void): Promise<BenchStack> {
    const folder = mkdtempSync(join(tmpdir(), 'laurel-bench-'));
    const [broker, engine] = await Promise.all([
      startKafka({ dataDir: join(folder, 'kafka'), heapMiB: 1536, onProgress }),
      startClickHouse({ dataDir: join(folder, 'clickhouse'), onProgress }),
    ]);
    return new BenchStack(folder, broker, engine, kafkaClient({ brokers: broker.brokers, clientId: 'laurel-bench' }));
  }

  get brokers(): readonly string[] {
    return this.broker.brokers;
  }

  get clickhouseUrl(): string {
    return this.engine.url;
  }

  /** What is metered besides clients. */
  get pids(): { readonly clickhouse: number; readonly kafka: number } {
    return { clickhouse: this.engine.pid, kafka: this.broker.pid };
  }

  async clickhouseVersion(): Promise<string> {
    const client = this.connect('default');
    const version = await (await client.query({ query: 'SELECT version()', format: 'TabSeparated' })).text();
    await client.close();
    return version.trim();
  }

  /** Returns when the topic can be written to. */
  async createTopic(topic: string, partitions: number, config: Readonly<Record<string, string>> = {}): Promise<void> {
    const admin = this.kafka.admin();
    await admin.connect();
    try {
      const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
      await admin.createTopics({
        waitForLeaders: false,
        topics: [{ topic, numPartitions: partitions, configEntries }],
      });
      const isLed = () =>
        admin.fetchTopicOffsets(topic).then(
          () => true,
          () => false,
        );
      while (!(await isLed())) await sleep(20);
    } finally {
      await admin.disconnect();
    }
  }

  /** A client of a database. Its queries may take as long as they do. */
  connect(database: string): ClickHouseClient {
    return connectClickHouse({
      url: this.engine.url,
      username: this.engine.username,
      password: this.engine.password,
      database,
      application: 'laurel-bench',
    });
  }

  /** What services and the `laurel` command are told. */
  environment(prefix: string, database: string): NodeJS.ProcessEnv {
    return {
      LAUREL_KAFKA_BROKERS: this.brokers.join(','),
      LAUREL_TOPIC_PREFIX: prefix,
      LAUREL_CLICKHOUSE_URL: this.engine.url,
      LAUREL_CLICKHOUSE_USERNAME: this.engine.username,
      LAUREL_CLICKHOUSE_PASSWORD: this.engine.password,
      LAUREL_CLICKHOUSE_DATABASE: database,
    };
  }

  /** Runs work in an empty database that is dropped afterwards. */
  async inDatabase<T>(name: string, work: (client: ClickHouseClient) => Promise<T>): Promise<T> {
    const admin = this.connect('default');
    await admin.command({ query: `DROP DATABASE IF EXISTS ${name}` });
    await admin.command({ query: `CREATE DATABASE ${name}` });
    const client = this.connect(name);
    try {
      return await work(client);
    } finally {
      await client.close();
      await admin.command({ query: `DROP DATABASE ${name}` });
      await admin.close();
    }
  }

  async stop(): Promise<void> {
    await Promise.all([this.broker.stop(), this.engine.stop()]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
