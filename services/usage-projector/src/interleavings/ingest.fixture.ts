import { decodeUsage, identityOf, type Checked, type UsageEvent } from '@laurel/events';
import { announcementsOf, byDay } from '@laurel/ingest';
import {
  acceptBatch,
  lastOffset,
  type Accepted,
  type AcceptPorts,
  type LedgerEntry,
  type RecordBatch,
  type Rejected,
  type RetryPolicy,
  type StreamRecord,
} from '@laurel/stream';
import { Process } from './process.fixture.js';
import type { World } from './world.fixture.js';

/** Events of this source are valid, and the table refuses them. */
export const REFUSED_SOURCE = 'refused';

class RowsRefused extends Error {}

const policy: RetryPolicy = { classify: (error) => (error instanceof RowsRefused ? 'rows' : 'fatal') };
const never = { signal: new AbortController().signal };

/** @throws Error when a schema registry would be needed: this model has none. */
export function decode(record: StreamRecord): Checked<UsageEvent> {
  const decoded = decodeUsage(record, { byRegistryId: () => 'unknown' });
  if ('needsSchema' in decoded) throw new Error(`a record of this test needs schema ${decoded.needsSchema}`);
  return decoded;
}

/** The ports of libs/ingest, with the topics and tables of the model behind them. */
class ModelPorts implements AcceptPorts<UsageEvent> {
  constructor(
    private readonly world: World,
    private readonly process: Process,
  ) {}

  decode(record: StreamRecord): Checked<UsageEvent> {
    return decode(record);
  }

  identityOf(event: UsageEvent): string {
    return identityOf(event);
  }

  keepDeadLetters({ partition }: RecordBatch, rejected: readonly Rejected[]): Promise<void> {
    return this.process.ask(() => {
      for (const { record, fault } of rejected) this.world.deadLetters.set(`${partition}/${record.offset}`, fault.code);
    });
  }

  async store(_: RecordBatch, accepted: readonly Accepted<UsageEvent>[]): Promise<readonly Accepted<UsageEvent>[]> {
    if (this.world.mutation === 'announces before it stores') await this.tell(accepted);
    return this.process.attempt(async () => {
      const { tables } = this.world;
      const erased = await this.process.call(() => new Set(tables.erased));
      const [left, rows]: [Accepted<UsageEvent>[], Accepted<UsageEvent>[]] = [[], []];
      for (const one of accepted) (erased.has(one.event.user_id) ? left : rows).push(one);
      // The server makes one part of each day, and a crash may leave some of them.
      for (const part of byDay(rows).values()) {
        await this.process.call(() => {
          if (part.some(({ event }) => event.source === REFUSED_SOURCE)) throw new RowsRefused();
          tables.store(part.map(({ event }) => event));
        });
      }
      return left;
    });
  }

  async announce(_: RecordBatch, accepted: readonly Accepted<UsageEvent>[]): Promise<void> {
    if (this.world.mutation !== 'announces before it stores') await this.tell(accepted);
  }

  record(entry: LedgerEntry): Promise<void> {
    return this.process.ask(() => void this.world.tables.ledger.push(entry));
  }

  /** Days lie on several partitions, so that one of several announcements may be lost. */
  private tell(accepted: readonly Accepted<UsageEvent>[]): Promise<void> {
    const { world, process } = this;
    return process.attempt(async () => {
      for (const announcement of announcementsOf(accepted, world.nowMs)) {
        await process.call(() => world.announce(announcement));
      }
    });
  }
}

/**
 * Takes the next batch of a partition, as usage-ingest does: steps 1 to 5 are `acceptBatch`'s, the commit is the last.
 *
 * @param most records in the batch.
 * @returns undefined when there is nothing to be read, or the owner has a batch in hand.
 */
export async function beginBatch(world: World, partition: number, most: number): Promise<Process | undefined> {
  const of = world.events[partition];
  if (of === undefined || of.owner !== undefined) return undefined;
  const from = of.records.findIndex(({ offset }) => offset >= of.committed);
  if (from < 0) return undefined;
  const records = of.records.slice(from, from + most);
  const batch: RecordBatch = { topic: 'usage.events.v1', partition, records, highWatermark: of.end };
  const disown = (process: Process | undefined): void => {
    if (of.owner === process) of.owner = undefined;
  };
  const work = async (process: Process): Promise<void> => {
    // Of an older generation a commit does nothing.
    const commit = (): Promise<void> =>
      process.ask(() => {
        if (of.owner === process) of.committed = lastOffset(batch) + 1;
      });
    of.owner = process;
    if (world.mutation === 'commits before it stores') await commit();
    await acceptBatch(batch, new ModelPorts(world, process), policy, never);
    if (world.mutation !== 'commits before it stores') await commit();
    disown(process);
  };
  const process: Process = await Process.start(`ingest of partition ${partition}`, work, () => disown(process));
  return process;
}
