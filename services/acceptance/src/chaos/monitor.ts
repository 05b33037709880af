import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { topics } from '@laurel/events';
import type { ServiceName } from '../pipeline/service-process.js';
import type { World } from './world/world.js';

export type Consumer = Exclude<ServiceName, 'api'>;

const CONSUMED: Readonly<Record<Consumer, string>> = {
  'usage-ingest': topics.usageEvents.name,
  'usage-projector': topics.usageStored.name,
  'title-awarder': topics.usageProjected.name,
};
const SERVICES = Object.keys(CONSUMED) as Consumer[];

/** Records between what each group has committed and the ends of its topic. */
export type Lags = Readonly<Record<Consumer, number>>;

/** Memory of one process at one time. */
export interface MemorySample {
  readonly atMs: number;
  readonly mib: number;
}

const LAG_EVERY_MS = 500;
const MEMORY_EVERY_MS = 2000;

/** Watches the lags of all groups, and the memory of all processes, from outside. */
export class Monitor {
  lags: Lags | undefined;
  readonly memory = new Map<string, MemorySample[]>();
  private readonly stopped = new AbortController();
  private readonly running: Promise<void>[] = [];

  constructor(private readonly world: World) {}

  start(): void {
    this.running.push(this.watchLags(), this.watchMemory());
  }

  async stop(): Promise<void> {
    this.stopped.abort();
    await Promise.all(this.running);
  }

  /** The most that waits in normal running, watched for so long. */
  async usual(ms: number): Promise<Lags> {
    const most: Record<Consumer, number> = { 'usage-ingest': 0, 'usage-projector': 0, 'title-awarder': 0 };
    const until = Date.now() + ms;
    while (Date.now() < until) {
      for (const service of SERVICES) most[service] = Math.max(most[service], this.lags?.[service] ?? 0);
      await sleep(LAG_EVERY_MS);
    }
    return most;
  }

  /** Asks now. @throws when the broker is away. */
  async readLags(): Promise<Lags> {
    const { world } = this;
    const admin = world.kafka.admin({ retry: { retries: 1 } });
    await admin.connect();
    try {
      const entries = await Promise.all(
        SERVICES.map(async (service) => {
          const topic = world.topic(CONSUMED[service]);
          const [ends, [group]] = await Promise.all([
            admin.fetchTopicOffsets(topic),
            admin.fetchOffsets({ groupId: world.group(service), topics: [topic] }),
          ]);
          const committed = new Map(group?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
          const lag = ends.reduce(
            (sum, { partition, high, low }) =>
              sum + Math.max(0, Number(high) - Math.max(Number(low), committed.get(partition) ?? 0)),
            0,
          );
          return [service, lag] as const;
        }),
      );
      return Object.fromEntries(entries) as Lags;
    } finally {
      await admin.disconnect();
    }
  }

  private async watchLags(): Promise<void> {
    while (!this.stopped.signal.aborted) {
      this.lags = await this.readLags().catch(() => undefined);
      await sleep(LAG_EVERY_MS);
    }
  }

  private async watchMemory(): Promise<void> {
    while (!this.stopped.signal.aborted) {
      const atMs = Date.now();
      for (const [name, pid] of this.processes()) {
        const mib = residentMib(pid);
        if (mib === undefined) continue;
        const samples = this.memory.get(name) ?? [];
        this.memory.set(name, samples);
        samples.push({ atMs, mib });
      }
      await sleep(MEMORY_EVERY_MS);
    }
  }

  private processes(): readonly (readonly [string, number])[] {
    const { world } = this;
    const services = world.instances.flatMap(({ name, pid }) => (pid === undefined ? [] : [[name, pid] as const]));
    return [
      ...services,
      ['Kafka', world.kafkaPid],
      ['ClickHouse', world.clickhousePid],
      ['this campaign', process.pid],
    ];
  }
}

/** From /proc (proc(5), VmRSS); undefined where there is none, or no such process any more. */
function residentMib(pid: number): number | undefined {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? undefined : Number(kib) / 1024;
  } catch {
    return undefined;
  }
}
