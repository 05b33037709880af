import { execFile, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connectClickHouse, type ClickHouseClient } from '@laurel/clickhouse';
import { titleRules, topics } from '@laurel/events';
import { kafkaClient, RecordProducer, type Kafka } from '@laurel/kafka';
import {
  freePort,
  startClickHouse,
  startKafka,
  type ClickHouseOptions,
  type Detour,
  type LocalClickHouse,
  type LocalKafka,
} from '@laurel/local-stack';
import { keepTrying } from '@laurel/stream';
import { publishedRules } from '@laurel/titles';
import type { ServiceName } from '../../pipeline/service-process.js';
import { HttpProxy } from '../proxies/http-proxy.js';
import { KafkaProxy } from '../proxies/kafka-proxy.js';
import { Instance, type UnaskedEnd } from './instance.js';
import { Registry } from './registry.js';
import { CAMPAIGN_RULES } from './rules.js';

const LAUREL = fileURLToPath(new URL('../../../../cli/dist/main.js', import.meta.url));
const CLOCK = new URL('../../../dist/chaos/world/clock.js', import.meta.url).href;
const run = promisify(execFile);

/** Until a member that is silent counts as gone, in ms. */
export const SESSION_MS = 6000;

/** What is shortened against the defaults, so that a fault is over within a campaign. Reports state it. */
export const SETTINGS: NodeJS.ProcessEnv = {
  LAUREL_KAFKA_SESSION_TIMEOUT_MS: String(SESSION_MS),
  LAUREL_INGEST_MAX_WAIT_MS: '100',
  LAUREL_PROJECTOR_ROLL_INTERVAL_MS: '500',
  LAUREL_PROJECTOR_LATE_QUIET_MS: '500',
  LAUREL_PROJECTOR_LATE_MAX_WAIT_MS: '5000',
  LAUREL_AWARDER_TICK_MS: '2000',
  LAUREL_AWARDER_MIN_INTERVAL_MS: '200',
};

/** One start takes at most a minute. */
const SERVERS_WITHIN_MS = 300_000;

/** Beyond `SESSION_MS`: a member that was silent for this long has lost its partitions. */
export const BEYOND_SESSION_MS = 9_000;

export interface WorldOptions {
  /** Names of the instances, by service. */
  readonly instances: Readonly<Partial<Record<ServiceName, number>>>;
  /** Put before every topic, and the database's name. */
  readonly name: string;
  readonly settings?: NodeJS.ProcessEnv;
  /** Module hooks that every service is started with: how a mutation gets in. */
  readonly imports?: readonly string[];
  readonly clickhouse?: Partial<ClickHouseOptions>;
  readonly onProgress: (line: string) => void;
}

interface Place {
  readonly service: ServiceName;
  readonly name: string;
  readonly http: HttpProxy;
  readonly kafka: KafkaProxy;
}

/**
 * A Kafka, a ClickHouse and a Laurel of their own, as processes of this machine, with proxies before each instance.
 * All of it ends with this process, and its folder goes.
 */
export class World {
  readonly unaskedEnds: UnaskedEnd[] = [];
  private readonly all: Instance[] = [];
  private readonly starting = new Map<'kafka' | 'clickhouse', Promise<unknown>>();

  private constructor(
    readonly folder: string,
    readonly name: string,
    readonly kafka: Kafka,
    readonly clickhouse: ClickHouseClient,
    /** Of what publishers come by. */
    readonly publishersProxy: KafkaProxy,
    private readonly registry: Registry,
    private readonly stack: { kafka: LocalKafka; clickhouse: LocalClickHouse },
    private readonly startKafkaAgain: () => Promise<LocalKafka>,
    private readonly startClickHouseAgain: () => Promise<LocalClickHouse>,
    private readonly onProgress: (line: string) => void,
    private readonly close_: () => void,
  ) {}

  static async create(options: WorldOptions): Promise<World> {
    const { name, onProgress, instances } = options;
    const folder = mkdtempSync(join(tmpdir(), 'laurel-chaos-'));
    const removal = removeWithThisProcess(folder);
    const places: Place[] = [];
    const detours: Detour[] = [];
    const detour = async (): Promise<KafkaProxy> => {
      const port = await freePort();
      const proxy = await KafkaProxy.open(port);
      detours.push({ port, advertisedPort: proxy.port });
      return proxy;
    };
    const clickhouseUrl = `http://127.0.0.1:${await freePort()}`;
    for (const [service, count] of Object.entries(instances) as [ServiceName, number][]) {
      for (let index = 1; index <= count; index += 1) {
        const http = await HttpProxy.open(() => clickhouseUrl);
        places.push({ service, name: `${service}-${index}`, http, kafka: await detour() });
      }
    }
    const publishersProxy = await detour();
    const kafkaPort = await freePort();
    const startBroker = (): Promise<LocalKafka> =>
      startKafka({
        dataDir: join(folder, 'kafka'),
        port: kafkaPort,
        detours,
        settings: BROKER_SETTINGS,
      });
    const startEngine = (): Promise<LocalClickHouse> =>
      startClickHouse({
        ...options.clickhouse,
        dataDir: join(folder, 'clickhouse'),
        port: Number(new URL(clickhouseUrl).port),
      });
    onProgress(`Starting Kafka and ClickHouse in ${folder} …`);
    const [kafka, clickhouse] = await Promise.all([startBroker(), startEngine()]);
    const registry = await Registry.open();
    const connection = { url: clickhouse.url, username: clickhouse.username, password: clickhouse.password };
    const world = new World(
      folder,
      name,
      kafkaClient({ brokers: kafka.brokers, clientId: 'laurel-chaos', requestTimeoutMs: 10_000 }),
      connectClickHouse({ ...connection, database: name, application: 'laurel-chaos' }),
      publishersProxy,
      registry,
      { kafka, clickhouse },
      startBroker,
      startEngine,
      onProgress,
      () => {
        for (const place of places) {
          place.http.close();
          place.kafka.close();
        }
        publishersProxy.close();
        removal();
      },
    );
    const environment = (place: Place): NodeJS.ProcessEnv => ({
      ...world.environment,
      ...SETTINGS,
      ...options.settings,
      LAUREL_KAFKA_BROKERS: `127.0.0.1:${place.kafka.port}`,
      LAUREL_CLICKHOUSE_URL: place.http.url,
      LAUREL_SCHEMA_REGISTRY_URL: registry.url,
      NODE_OPTIONS: [CLOCK, ...(options.imports ?? [])].map((module) => `--import=${module}`).join(' '),
      CHAOS_CLOCK_FILE: world.clockFile(place.name),
    });
    const logDir = join(folder, 'logs');
    mkdirSync(logDir);
    for (const place of places) {
      const onUnaskedEnd = (end: UnaskedEnd): void => void world.unaskedEnds.push(end);
      world.all.push(new Instance({ ...place, environment: environment(place), logDir, onUnaskedEnd }));
    }
    await world.laurel(world.environment, 'topics', 'apply');
    await world.laurel(world.environment, 'migrate', 'apply');
    await world.publishRules();
    return world;
  }

  private async publishRules(): Promise<void> {
    const producer = new RecordProducer(this.kafka, this.prefix);
    await producer.connect();
    const value = titleRules.encode(publishedRules(CAMPAIGN_RULES, Date.now()));
    await producer.send(topics.titleRules.name, [{ key: 'titles', value }]);
    await producer.close();
  }

  /** For the `laurel` command, without proxies. */
  get environment(): NodeJS.ProcessEnv {
    const { kafka, clickhouse } = this.stack;
    return {
      LAUREL_KAFKA_BROKERS: kafka.brokers.join(','),
      LAUREL_TOPIC_PREFIX: this.prefix,
      LAUREL_CLICKHOUSE_URL: clickhouse.url,
      LAUREL_CLICKHOUSE_USERNAME: clickhouse.username,
      LAUREL_CLICKHOUSE_PASSWORD: clickhouse.password,
      LAUREL_CLICKHOUSE_DATABASE: this.name,
    };
  }

  get prefix(): string {
    return `${this.name}.`;
  }

  topic(name: string): string {
    return this.prefix + name;
  }

  group(service: ServiceName): string {
    return `${this.prefix}laurel-${service}`;
  }

  /** Holds the offset in ms by which an instance's clock is wrong. */
  clockFile(instance: string): string {
    return join(this.folder, `${instance}.clock`);
  }

  /** Runs the `laurel` command to its end. */
  async laurel(environment: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<void> {
    await run(process.execPath, [LAUREL, ...args], { env: { ...process.env, ...environment } });
  }

  get instances(): readonly Instance[] {
    return this.all;
  }

  of(service: ServiceName): readonly Instance[] {
    return this.all.filter((instance) => instance.service === service);
  }

  /** `kill -9` of the engine; it stays away for so long. Resolves when it answers again. */
  async killClickHouse(awayMs = 0): Promise<void> {
    await this.once('clickhouse', async () => {
      await this.stack.clickhouse.kill('SIGKILL');
      await new Promise((resolve) => setTimeout(resolve, awayMs));
      this.stack.clickhouse = await this.untilStarted('ClickHouse', this.startClickHouseAgain);
    });
  }

  async killKafka(awayMs = 0): Promise<void> {
    await this.once('kafka', async () => {
      await this.stack.kafka.kill('SIGKILL');
      await new Promise((resolve) => setTimeout(resolve, awayMs));
      this.stack.kafka = await this.untilStarted('Kafka', this.startKafkaAgain);
    });
  }

  get clickhousePid(): number {
    return this.stack.clickhouse.pid;
  }

  get kafkaPid(): number {
    return this.stack.kafka.pid;
  }

  async rows<T>(query: string, query_params: Record<string, unknown> = {}): Promise<T[]> {
    const result = await this.clickhouse.query({ query, query_params, format: 'JSONEachRow' });
    return result.json<T>();
  }

  /** Copies the logs of every run of every service. */
  keepLogs(folder: string): void {
    cpSync(join(this.folder, 'logs'), folder, { recursive: true });
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((instance) => instance.stop()));
    await this.clickhouse.close();
    await Promise.allSettled(this.starting.values());
    await Promise.all([this.stack.kafka.kill('SIGKILL'), this.stack.clickhouse.kill('SIGKILL')]);
    await this.registry.close();
    this.close_();
  }

  /** Without its servers a campaign can't end: a start that fails is said, and tried again for a while. */
  private async untilStarted<T>(name: string, start: () => Promise<T>): Promise<T> {
    return keepTrying(`start ${name} again`, start, {
      classify: () => 'retriable',
      withinMs: SERVERS_WITHIN_MS,
      onOutage: (step, error, attempt) => this.onProgress(`${step}: attempt ${attempt} failed: ${error.message}`),
    });
  }

  /** One kill after the other. */
  private async once(what: 'kafka' | 'clickhouse', work: () => Promise<void>): Promise<void> {
    const before = this.starting.get(what) ?? Promise.resolve();
    const now = before.catch(() => undefined).then(work);
    this.starting.set(what, now);
    await now;
  }
}

/** A quick cleaner, so that a compacted topic has its gaps soon. */
const BROKER_SETTINGS = { 'log.cleaner.backoff.ms': 500, 'group.min.session.timeout.ms': 1000 };

/** @returns removes the folder now. */
function removeWithThisProcess(folder: string): () => void {
  // It waits for a pipe that this process alone holds open, and a while for the processes that end with us.
  const script = 'cat >/dev/null; sleep 12; rm -rf "$0"';
  const guard = spawn('sh', ['-c', script, folder], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  return () => {
    guard.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
}
