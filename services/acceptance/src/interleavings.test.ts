import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { writeClosure } from '@laurel/clickhouse';
import { decodeUsage, noTokens, topics, type UsageEvent, type UsageRecorded } from '@laurel/events';
import { readToEnd } from '@laurel/kafka';
import { deduplicate } from '@laurel/usage';
import { compareDeadLetters } from './chaos/model/dead-letters.js';
import { Comparison } from './chaos/model/differences.js';
import { Ledger } from './chaos/model/ledger.js';
import { compareProjections } from './chaos/model/tables.js';
import { Totals } from './chaos/model/totals.js';
import { Pipeline } from './pipeline/pipeline.js';
import type { ServiceName, ServiceProcess } from './pipeline/service-process.js';
import { usage } from './pipeline/usage.js';

/*
 * The actions of services/usage-projector/src/interleavings.property.test.ts, in smaller numbers, on the real services.
 * A script follows from its seed; when its actions happen doesn't.
 */

/** Of these scripts, each kills and stops instances of both groups, some of them beyond their session. */
const SEEDS = [2, 4, 12];
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NOW = Date.now();
/** How long ago events happened: in open minutes, in hours that are being closed, in closed hours and closed days. */
const AGES_MS = [0, 600_000, 3 * HOUR_MS, 9 * HOUR_MS, 26 * HOUR_MS, 5 * DAY_MS];
/** Beyond this a member that stands still has lost its partitions. */
const SESSION_MS = 6000;

interface Version {
  /** Time, person and session follow from it. */
  readonly identity: number;
  readonly revision: number;
  readonly retracted: boolean;
  readonly input: number;
}

type Action =
  | { readonly kind: 'publish'; readonly versions: readonly Version[] }
  | { readonly kind: 'duplicate'; readonly which: readonly number[] }
  | { readonly kind: 'publish invalid' }
  | { readonly kind: 'kill'; readonly instance: number }
  | { readonly kind: 'stop'; readonly instance: number; readonly forMs: number }
  | { readonly kind: 'wait'; readonly ms: number };

const version = fc.record({
  identity: fc.nat(149),
  revision: fc.nat(2),
  retracted: fc.constantFrom(false, false, false, true),
  input: fc.nat(99),
});
const instance = fc.nat(3);

const script: fc.Arbitrary<readonly Action[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('publish' as const),
        versions: fc.array(version, { minLength: 20, maxLength: 60, size: 'max' }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('duplicate' as const),
        which: fc.array(fc.nat(9999), { minLength: 10, maxLength: 30, size: 'max' }),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: 'publish invalid' as const }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('kill' as const), instance }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('stop' as const),
        instance,
        forMs: fc.constantFrom(500, 500, SESSION_MS + 2000),
      }),
    },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(50, 300, 1500) }) },
  ),
  { minLength: 18, maxLength: 24, size: 'max' },
);

const eventOf = ({ identity, revision, retracted, input }: Version): UsageRecorded =>
  usage({
    event_id: `e-${identity}`,
    revision,
    retracted,
    occurred_at: NOW - (AGES_MS[identity % AGES_MS.length] ?? 0) - identity * 1000,
    user_id: `u-${identity % 7}`,
    session_id: `s-${identity % 5}`,
    model: `m-${input % 3}`,
    tokens: { input, output: identity },
  });

/** A place in a group, in which one process follows another. */
class Instance {
  private process: ServiceProcess | undefined;
  private starts = 0;
  /** What happens to it, one after the other, while the script goes on. */
  private fate: Promise<void> = Promise.resolve();

  constructor(
    private readonly pipeline: Pipeline,
    private readonly service: ServiceName,
  ) {}

  async start(): Promise<void> {
    // The later it starts, the sooner it closes hours, so that some are closed in every script.
    const closeDelayMs = Math.max(0, 27 - 5 * this.starts) * HOUR_MS;
    this.starts += 1;
    this.process = await this.pipeline.start(this.service, {
      LAUREL_PROJECTOR_HOUR_CLOSE_DELAY_MS: String(Math.min(closeDelayMs, DAY_MS)),
      LAUREL_KAFKA_SESSION_TIMEOUT_MS: String(SESSION_MS),
    });
  }

  kill(): void {
    this.then(async (process) => {
      await process.end('SIGKILL');
      await this.start();
    });
  }

  stop(forMs: number): void {
    this.then(async (process) => {
      process.signal('SIGSTOP');
      await sleep(forMs);
      process.signal('SIGCONT');
    });
  }

  /** Resolves when all of that is over. */
  async recovered(): Promise<void> {
    await this.fate;
    expect({ service: this.service, isRunning: this.process?.isRunning }).toEqual({
      service: this.service,
      isRunning: true,
    });
  }

  /** Also where it stands still. */
  async end(): Promise<void> {
    await this.process?.end('SIGKILL');
  }

  private then(happens: (process: ServiceProcess) => Promise<void>): void {
    this.fate = this.fate.then(() => (this.process === undefined ? undefined : happens(this.process)));
    // Whoever waits for it to recover is told.
    this.fate.catch(() => undefined);
  }
}

describe('publish, duplicate, late, revise, retract, kill, stop and rebalance, in random order', () => {
  let pipeline: Pipeline;
  let instances: readonly Instance[] = [];
  const published: UsageRecorded[] = [];

  beforeAll(async () => {
    pipeline = await Pipeline.create([]);
    // Hours and days are closed while the scripts run.
    const startOf = (ms: number, widthMs: number): number => (Math.floor(ms / widthMs) * widthMs) / 1000;
    await writeClosure(pipeline.clickhouse, 'day', startOf(NOW - 30 * HOUR_MS, DAY_MS));
    await writeClosure(pipeline.clickhouse, 'hour', startOf(NOW - 30 * HOUR_MS, HOUR_MS));
    const services = ['usage-ingest', 'usage-ingest', 'usage-projector', 'usage-projector'] as const;
    instances = services.map((service) => new Instance(pipeline, service));
    await Promise.all(instances.map((one) => one.start()));
  });
  afterAll(async () => {
    await Promise.all(instances.map((one) => one.end()));
    await pipeline.close();
  });

  const publish = async (events: readonly UsageRecorded[]): Promise<void> => {
    published.push(...events);
    await pipeline.publish(events);
  };

  const carryOut = async (action: Action): Promise<void> => {
    switch (action.kind) {
      case 'publish':
        return publish(action.versions.map(eventOf));
      case 'duplicate':
        return publish(action.which.flatMap((one) => published[one % published.length] ?? []));
      case 'publish invalid':
        return publish([usage({ tokens: { ...noTokens, input: 2 ** 41 } })]);
      case 'kill':
        return instances[action.instance]?.kill();
      case 'stop':
        return instances[action.instance]?.stop(action.forMs);
      case 'wait':
        return sleep(action.ms);
      default:
        return action satisfies never;
    }
  };

  /** Every difference between the tables and the model of what is in Kafka, as text. */
  const differences = async (): Promise<readonly string[]> => {
    const view = {
      kafka: pipeline.kafka,
      clickhouse: pipeline.clickhouse,
      prefix: pipeline.prefix,
      folder: tmpdir(),
    };
    const ledger = await Ledger.read(view);
    const coverage = new Comparison('the ledger covers every record of the log');
    const valid: UsageEvent[] = [];
    const dead = new Map<string, string>();
    let records = 0;
    await readToEnd(pipeline.kafka, {
      topic: pipeline.topic(topics.usageEvents.name),
      groupPrefix: pipeline.prefix,
      onRecord: (record, partition) => {
        records += 1;
        const place = `${partition}/${record.offset}`;
        coverage.add(!ledger.covers(partition, record.offset) && place);
        const decoded = decodeUsage(record, { byRegistryId: () => 'unknown' });
        if ('needsSchema' in decoded) throw new Error(`${place} needs schema ${decoded.needsSchema}`);
        if (decoded.ok) valid.push(decoded.value);
        else dead.set(place, decoded.fault.code);
      },
    });
    expect(records).toBe(published.length);
    const totals = new Totals();
    for (const event of deduplicate(valid)) totals.add(event);
    const letters = await compareDeadLetters(view, dead);
    const checks = [coverage.result, ...letters.checks, ...(await compareProjections(view, totals))];
    return checks.flatMap(({ name, examples }) => examples.map((example) => `${name}: ${example}`));
  };

  it.each(SEEDS)('leave every figure equal to the reference model (seed %i)', async (seed) => {
    const [actions = []] = fc.sample(script, { seed, numRuns: 1 });
    try {
      for (const action of actions) await carryOut(action);
      for (const one of instances) await one.recovered();
      await pipeline.settled();
      expect(await differences()).toEqual([]);
    } catch (cause) {
      const told = actions.map((action) => (action.kind === 'publish' ? 'publish' : JSON.stringify(action))).join('\n');
      throw new Error(`seed ${seed}:\n${told}\n${String(cause)}`, { cause });
    }
  });
});
