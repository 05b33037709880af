import { decodeUsage, identityOf, type Checked, type UsageEvent } from '@laurel/events';
import { announcementsOf, type Touched } from '@laurel/ingest';
import { dayOf, minuteOf } from '@laurel/usage';
import {
  acceptBatch,
  lastOffset,
  type AcceptPorts,
  type LedgerEntry,
  type RecordBatch,
  type Rejected,
  type RetryPolicy,
  type Stored,
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
class ModelPorts implements AcceptPorts<Touched> {
  constructor(
    private readonly world: World,
    private readonly process: Process,
  ) {}

  keepDeadLetters({ partition }: RecordBatch, rejected: readonly Rejected[]): Promise<void> {
    return this.process.ask(() => {
      for (const { record, fault } of rejected) this.world.deadLetters.set(`${partition}/${record.offset}`, fault.code);
    });
  }

  async store({ records }: RecordBatch): Promise<Stored<Touched>> {
    const rejected: Rejected[] = [];
    const events: UsageEvent[] = [];
    for (const record of records) {
      const decoded = decode(record);
      if (decoded.ok) events.push(decoded.value);
      else rejected.push({ record, fault: decoded.fault });
    }
    const touchedBy = (some: readonly UsageEvent[]): Touched => ({
      minutes: some.map((event) => minuteOf(event.occurred_at)),
      outcomeDays: some.map((event) => dayOf(event.occurred_at)),
      oldestRecordAtMs: this.world.nowMs,
    });
    if (this.world.mutation === 'announces before it stores' && events.length > 0) await this.tell([touchedBy(events)]);
    return this.process.attempt(async () => {
      const { tables } = this.world;
      const erased = await this.process.call(() => new Set(tables.erased));
      const rows = events.filter((event) => !erased.has(event.user_id));
      // The server makes one part of each day, and a crash may leave some of them.
      for (const day of new Set(rows.map((event) => dayOf(event.occurred_at)))) {
        const part = rows.filter((event) => dayOf(event.occurred_at) === day);
        await this.process.call(() => {
          if (part.some(({ source }) => source === REFUSED_SOURCE)) throw new RowsRefused();
          tables.store(part);
        });
      }
      return {
        rows: rows.length,
        duplicates: rows.length - new Set(rows.map(identityOf)).size,
        erased: events.length - rows.length,
        rejected,
        touched: touchedBy(rows),
      };
    });
  }

  async announce(touched: readonly Touched[]): Promise<void> {
    if (this.world.mutation !== 'announces before it stores') await this.tell(touched);
  }

  record(entries: readonly LedgerEntry[]): Promise<void> {
    return this.process.ask(() => void this.world.tables.ledger.push(...entries));
  }

  /** Days lie on several partitions, so that one of several announcements may be lost. */
  private tell(touched: readonly Touched[]): Promise<void> {
    const { world, process } = this;
    return process.attempt(async () => {
      for (const announcement of announcementsOf(touched, world.nowMs)) {
        await process.call(() => world.announce(announcement));
      }
    });
  }
}

/**
 * Takes the next batch of a partition, as usage-ingest does: steps 1 to 4 are `acceptBatch`'s, the commit is the last.
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
