import { join } from 'node:path';
import { connectClickHouse, type ClickHouseClient } from '@laurel/clickhouse';
import { decodeUsage, topics, usageRecorded, type UsageRecorded } from '@laurel/events';
import { readToEnd, RecordProducer, type Kafka } from '@laurel/kafka';
import { eventually } from '../../pipeline/eventually.js';
import type { ServiceName } from '../../pipeline/service-process.js';
import type { CheckResult } from '../model/differences.js';
import { Spool } from '../model/spool.js';
import { compareEvents, compareProjections } from '../model/tables.js';
import type { PipelineView } from '../world/pipeline-view.js';
import { Program, type End } from '../world/program.js';
import { SETTINGS, type World } from '../world/world.js';

export interface PartitionPlace {
  readonly low: number;
  readonly high: number;
  readonly committed: number;
}

/** A Laurel with topics and a database of its own, one instance of each service, without proxies. */
export class SmallPipeline implements PipelineView {
  private readonly programs: Program[] = [];
  private runs = 0;

  private constructor(
    private readonly world: World,
    private readonly name: string,
    private readonly environment: NodeJS.ProcessEnv,
    readonly clickhouse: ClickHouseClient,
    private readonly producer: RecordProducer,
  ) {}

  /** @param clickhouse where its tables are; default the world's. @param clickhouseOfServices the way there for services. */
  static async create(
    world: World,
    name: string,
    clickhouse = world.environment['LAUREL_CLICKHOUSE_URL'] ?? '',
    clickhouseOfServices = clickhouse,
  ): Promise<SmallPipeline> {
    const prefix = `${name}.`;
    const environment = {
      ...world.environment,
      ...SETTINGS,
      LAUREL_TOPIC_PREFIX: prefix,
      LAUREL_CLICKHOUSE_URL: clickhouseOfServices,
      LAUREL_CLICKHOUSE_DATABASE: name,
    };
    const client = connectClickHouse({
      url: clickhouse,
      username: 'default',
      password: '',
      database: name,
      application: 'laurel-chaos',
    });
    const producer = new RecordProducer(world.kafka, prefix);
    const pipeline = new SmallPipeline(world, name, environment, client, producer);
    await world.laurel({ ...environment, LAUREL_CLICKHOUSE_URL: clickhouse }, 'topics', 'apply');
    await world.laurel({ ...environment, LAUREL_CLICKHOUSE_URL: clickhouse }, 'migrate', 'apply');
    await producer.connect();
    return pipeline;
  }

  get kafka(): Kafka {
    return this.world.kafka;
  }
  get prefix(): string {
    return `${this.name}.`;
  }
  get folder(): string {
    return this.world.folder;
  }

  /** Resolves when it is ready, or has ended. */
  async start(service: ServiceName): Promise<Program> {
    this.runs += 1;
    const program = Program.start(
      service,
      this.environment,
      join(this.folder, 'logs', `${this.name}-${service}.${this.runs}.log`),
    );
    this.programs.push(program);
    await program.ready();
    return program;
  }

  async end(program: Program): Promise<End> {
    program.send('SIGCONT');
    program.send('SIGTERM');
    return program.ended;
  }

  async publish(events: readonly UsageRecorded[]): Promise<void> {
    await this.producer.send(
      topics.usageEvents.name,
      events.map((event) => ({ key: event.user_id, value: usageRecorded.encode(event) })),
    );
  }

  async places(topic: string, service: ServiceName): Promise<ReadonlyMap<number, PartitionPlace>> {
    const admin = this.kafka.admin();
    await admin.connect();
    try {
      const name = this.prefix + topic;
      const ends = await admin.fetchTopicOffsets(name);
      const [group] = await admin.fetchOffsets({ groupId: `${this.prefix}laurel-${service}`, topics: [name] });
      const committed = new Map(group?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
      return new Map(
        ends.map(({ partition, low, high }) => [
          partition,
          { low: Number(low), high: Number(high), committed: committed.get(partition) ?? -1 },
        ]),
      );
    } finally {
      await admin.disconnect();
    }
  }

  /** Waits until the service has committed all there is on the topic. */
  async committed(topic: string, service: ServiceName): Promise<void> {
    await eventually(
      `${service} to commit all of ${topic}`,
      async () =>
        [...(await this.places(topic, service)).values()].every(
          ({ high, committed }) => high <= Math.max(0, committed),
        ),
      { timeoutMs: 120_000 },
    );
  }

  async rows<T>(query: string): Promise<T[]> {
    const result = await this.clickhouse.query({ query, format: 'JSONEachRow' });
    return result.json<T>();
  }

  /** Tables and views against the model of the log as it is now. */
  async compare(): Promise<readonly CheckResult[]> {
    const spool = new Spool(join(this.folder, this.name), 1);
    await readToEnd(this.kafka, {
      topic: this.prefix + topics.usageEvents.name,
      groupPrefix: `${this.prefix}chaos-`,
      onRecord: (record) => {
        const decoded = decodeUsage(record, { byRegistryId: () => 'unknown' });
        if (decoded.ok) spool.add(decoded.value);
      },
    });
    const { totals, checks } = await compareEvents(this, spool);
    return [...checks, ...(await compareProjections(this, totals))];
  }

  async close(): Promise<void> {
    for (const program of this.programs) {
      program.send('SIGKILL');
      await program.ended;
    }
    await this.producer.close();
    await this.clickhouse.close();
  }
}
