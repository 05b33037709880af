import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connectClickHouse, type ClickHouseClient } from '@laurel/clickhouse';
import {
  awardEvent,
  outcomeRecorded,
  topics,
  usageRecorded,
  type AwardEvent,
  type OutcomeRecorded,
  type UsageRecorded,
} from '@laurel/events';
import { kafkaClient, RangeReader, readToEnd, RecordProducer, type Kafka } from '@laurel/kafka';
import { eventually } from './eventually.js';
import { ServiceProcess, type AnyServiceName, type ServiceName } from './service-process.js';

const LAUREL = fileURLToPath(new URL('../../../cli/dist/main.js', import.meta.url));
const run = promisify(execFile);

function required(variable: string): string {
  const value = process.env[variable];
  if (value === undefined) {
    throw new Error(`${variable} is not set; run: node deploy/local/dist/with-stack.js -- <this command>`);
  }
  return value;
}

/** Short intervals, so that a test waits for work and not for a clock. */
const QUICK: NodeJS.ProcessEnv = {
  LAUREL_PROJECTOR_ROLL_INTERVAL_MS: '100',
  LAUREL_PROJECTOR_LATE_QUIET_MS: '200',
  LAUREL_PROJECTOR_LATE_MAX_WAIT_MS: '2000',
  LAUREL_PROJECTOR_SIGNALS_INTERVAL_MS: '2000',
  LAUREL_PROJECTOR_SIGNALS_PERCENT: '25',
  LAUREL_AWARDER_TICK_MS: '3000',
  LAUREL_AWARDER_MIN_INTERVAL_MS: '100',
  LAUREL_INGEST_MAX_WAIT_MS: '50',
  LAUREL_KAFKA_SESSION_TIMEOUT_MS: '6000',
};

/**
 * A whole Laurel of its own on the shared Kafka and ClickHouse: its topics have a prefix, its tables a database. Set up
 * by the `laurel` command, run as processes.
 */
export class Pipeline {
  private readonly started: ServiceProcess[] = [];

  private constructor(
    readonly prefix: string,
    readonly environment: NodeJS.ProcessEnv,
    readonly kafka: Kafka,
    readonly clickhouse: ClickHouseClient,
    private readonly producer: RecordProducer,
  ) {}

  /** @param prefix of the topics; its own unless given. */
  static async create(
    services: readonly ServiceName[],
    overrides: NodeJS.ProcessEnv = {},
    prefix?: string,
  ): Promise<Pipeline> {
    const name = `t${randomBytes(4).toString('hex')}`;
    return Pipeline.named(name, services, overrides, prefix ?? `${name}.`);
  }

  private static async named(
    name: string,
    services: readonly ServiceName[],
    overrides: NodeJS.ProcessEnv,
    prefix: string,
  ): Promise<Pipeline> {
    const brokers = required('LAUREL_TEST_KAFKA_BROKERS');
    const clickhouse = {
      url: required('LAUREL_TEST_CLICKHOUSE_URL'),
      username: process.env['LAUREL_TEST_CLICKHOUSE_USERNAME'] ?? 'default',
      password: process.env['LAUREL_TEST_CLICKHOUSE_PASSWORD'] ?? '',
      database: name,
      application: 'laurel-acceptance',
    };
    const environment: NodeJS.ProcessEnv = {
      ...QUICK,
      LAUREL_KAFKA_BROKERS: brokers,
      LAUREL_TOPIC_PREFIX: prefix,
      LAUREL_CLICKHOUSE_URL: clickhouse.url,
      LAUREL_CLICKHOUSE_USERNAME: clickhouse.username,
      LAUREL_CLICKHOUSE_PASSWORD: clickhouse.password,
      LAUREL_CLICKHOUSE_DATABASE: clickhouse.database,
      ...overrides,
    };
    const kafka = kafkaClient({ brokers: brokers.split(','), clientId: 'laurel-acceptance' });
    const pipeline = new Pipeline(
      prefix,
      environment,
      kafka,
      connectClickHouse(clickhouse),
      new RecordProducer(kafka, prefix),
    );
    await Promise.all([
      pipeline.laurel('topics', 'apply'),
      pipeline.laurel('migrate', 'apply'),
      pipeline.producer.connect(),
    ]);
    await Promise.all(services.map((service) => pipeline.start(service)));
    return pipeline;
  }

  /** Runs the `laurel` command to its end and returns what it printed. */
  async laurel(...args: readonly string[]): Promise<string> {
    const { stdout } = await run(process.execPath, [LAUREL, ...args], { env: { ...process.env, ...this.environment } });
    return stdout;
  }

  /** One more instance, beside those that run already. */
  async start(name: AnyServiceName, overrides: NodeJS.ProcessEnv = {}): Promise<ServiceProcess> {
    const service = await ServiceProcess.start(name, { ...this.environment, ...overrides });
    this.started.push(service);
    return service;
  }

  /** The instance that was started last. */
  service(name: AnyServiceName): ServiceProcess {
    const service = this.started.findLast((one) => one.name === name);
    if (service === undefined) throw new Error(`${name} was not started`);
    return service;
  }

  /** Ends every service in order and removes the database. */
  async close(): Promise<void> {
    const ends = await Promise.allSettled(this.started.map((service) => service.end('SIGTERM')));
    await this.producer.close();
    await this.clickhouse.command({
      query: `DROP DATABASE IF EXISTS ${String(this.environment['LAUREL_CLICKHOUSE_DATABASE'])}`,
    });
    await this.clickhouse.close();
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  topic(name: string): string {
    return this.prefix + name;
  }

  /** Publishes events as a tool would, in Avro. */
  async publish(events: readonly UsageRecorded[]): Promise<void> {
    await this.producer.send(
      topics.usageEvents.name,
      events.map((event) => ({ key: event.user_id, value: usageRecorded.encode(event) })),
    );
  }

  /** The same of outcomes. */
  async publishOutcomes(events: readonly OutcomeRecorded[]): Promise<void> {
    await this.producer.send(
      topics.usageOutcomes.name,
      events.map((event) => ({ key: event.user_id, value: outcomeRecorded.encode(event) })),
    );
  }

  async rows<T>(query: string, query_params: Record<string, unknown> = {}): Promise<T[]> {
    const result = await this.clickhouse.query({ query, query_params, format: 'JSONEachRow' });
    return result.json<T>();
  }

  async get<T>(path: string): Promise<T> {
    const answer = await fetch(`${this.service('api').url}${path}`);
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  /** Every committed award, in order. */
  async awards(): Promise<AwardEvent[]> {
    const found: AwardEvent[] = [];
    await readToEnd(this.kafka, {
      topic: this.topic(topics.titleAwards.name),
      groupPrefix: this.prefix,
      onRecord: ({ value }) => {
        if (value !== null) found.push(awardEvent.decode(value));
      },
    });
    return found;
  }

  /** Waits until every record published so far has an outcome and every stored event is in the projections. */
  async settled(): Promise<void> {
    await this.ingested();
    let seen: unknown;
    await eventually(
      'the projections to hold the log',
      async () => {
        const figures = (source: string): string =>
          `(SELECT (sum(events), sum(input_tokens + output_tokens + cache_read_tokens)) FROM ${source})`;
        const [row] = await this.rows<Record<string, unknown>>(`
          SELECT (count(), sum(input_tokens + output_tokens + cache_read_tokens)) AS log,
            ${figures('usage')} AS hours, ${figures('usage_by_day')} AS days, ${figures('model_usage_by_day')} AS models
          FROM usage_events FINAL WHERE NOT retracted`);
        const [outcomes] = await this.rows<Record<string, unknown>>(`
          SELECT (SELECT (count(), sum(quantity)) FROM outcome_events FINAL WHERE NOT retracted) AS log,
            (SELECT (sum(events), sum(quantity)) FROM outcomes) AS days`);
        seen = { ...row, outcomes };
        return [row, outcomes].every(
          (one) => new Set(Object.values(one ?? {}).map((n) => JSON.stringify(n))).size === 1,
        );
      },
      { describe: () => seen },
    );
  }

  /** Waits until the ledger has an entry for every record that publishers wrote. */
  async ingested(): Promise<void> {
    for (const { name } of [topics.usageEvents, topics.usageOutcomes]) await this.ingestedOf(name);
  }

  private async ingestedOf(topic: string): Promise<void> {
    let missing: readonly (readonly [partition: number, next: number, end: number])[] = [];
    await eventually(
      'every record to have an outcome',
      async () => {
        const ends = await this.endOffsets(topic);
        const ledger = await this.rows<{ partition: number; next: string }>(
          'SELECT partition, max(to_offset) + 1 AS next FROM ingest_ledger WHERE topic = {topic:String} GROUP BY partition',
          { topic: this.topic(topic) },
        );
        const next = new Map(ledger.map((row) => [row.partition, Number(row.next)]));
        const before = JSON.stringify(missing);
        missing = [...ends].flatMap(([partition, end]) => {
          const from = next.get(partition) ?? 0;
          return end > from ? [[partition, from, end] as const] : [];
        });
        if (missing.length === 0) return true;
        // The end of a transaction has an offset too, which is no record and gets no outcome.
        return JSON.stringify(missing) === before && !(await this.hasRecords(topic, missing));
      },
      { describe: () => missing },
    );
  }

  private async hasRecords(topic: string, ranges: readonly (readonly [number, number, number])[]): Promise<boolean> {
    const reader = await RangeReader.open(this.kafka, { topic: this.topic(topic), groupPrefix: this.prefix });
    try {
      for (const range of ranges) {
        for await (const records of reader.read(...range)) if (records.length > 0) return true;
      }
      return false;
    } finally {
      await reader.close();
    }
  }

  async endOffsets(topic: string): Promise<ReadonlyMap<number, number>> {
    const admin = this.kafka.admin();
    await admin.connect();
    try {
      const offsets = await admin.fetchTopicOffsets(this.topic(topic));
      return new Map(offsets.map(({ partition, high }) => [partition, Number(high)]));
    } finally {
      await admin.disconnect();
    }
  }
}
