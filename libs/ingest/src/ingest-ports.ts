import { Erasures, UsageBlock, type ClickHouseClient, type PriceKeeper } from '@laurel/clickhouse';
import { decodeUsage, reject, topics, type Checked, type UsageEvent } from '@laurel/events';
import { isTooLarge, type RecordProducer, type RegistrySchemas } from '@laurel/kafka';
import {
  keepTrying,
  type AcceptPorts,
  type LedgerEntry,
  type RecordBatch,
  type Rejected,
  type RetryPolicy,
  type Stored,
  type StreamRecord,
} from '@laurel/stream';
import type { Minute } from '@laurel/usage';
import { announcementsOf, toStoredRecord, type Touched } from './announcements.js';
import { toDeadLetter } from './dead-letters.js';
import { piecesOf, sizeOfPacked, sizeOfRecord } from './pieces.js';

/** Of a value that the dead letters' topic doesn't take whole, in bytes. */
const KEPT_OF_TOO_LARGE_BYTES = 64 * 1024;

interface Filled {
  readonly rejected: readonly Rejected[];
  readonly erased: number;
}

/** @param sizes of what is taken at once, in bytes. */
function begin(block: UsageBlock, rows: number, sizes: readonly number[]): void {
  let [all, most] = [0, 0];
  for (const size of sizes) [all, most] = [all + size, Math.max(most, size)];
  block.begin(rows, all, most);
}

/** Of what becomes one insert, in bytes; its block takes a multiple of it. */
const MAX_BLOCK_BYTES = 64 * 1024 * 1024;

/** The batch loop's ports on the real Kafka and ClickHouse. */
export class IngestPorts implements AcceptPorts<Touched> {
  private readonly erasures: Erasures;
  /** Their memory is large, and wanted again. */
  private readonly idleBlocks: UsageBlock[] = [];

  constructor(
    private readonly clickhouse: ClickHouseClient,
    private readonly producer: RecordProducer,
    private readonly schemas: RegistrySchemas,
    private readonly prices: PriceKeeper,
    private readonly policy: RetryPolicy,
    protected readonly topicPrefix: string,
  ) {
    this.erasures = new Erasures(clickhouse);
  }

  /** One record, by itself. Waits for its schema where the registry has to be asked. */
  decode(record: StreamRecord, signal: AbortSignal): Checked<UsageEvent> | Promise<Checked<UsageEvent>> {
    const { unreadable } = record;
    if (unreadable !== undefined) return reject('unknown_framing', unreadable.why);
    const decoded = decodeUsage(record, this.schemas);
    return 'needsSchema' in decoded ? this.decodeAfterLookUp(record, decoded.needsSchema, signal) : decoded;
  }

  private async decodeAfterLookUp(record: StreamRecord, id: number, signal: AbortSignal): Promise<Checked<UsageEvent>> {
    const reader = await keepTrying('schema-registry', () => this.schemas.lookUp(id), this.policy, signal);
    const decoded = decodeUsage(record, { byRegistryId: () => reader });
    if ('needsSchema' in decoded) throw new Error(`schema ${id} was looked up and is still needed`);
    return decoded;
  }

  async keepDeadLetters(batch: RecordBatch, rejected: readonly Rejected[]): Promise<void> {
    const nowMs = Date.now();
    const topic = this.topicPrefix + batch.topic;
    const send = (some: readonly Rejected[], maxValueBytes?: number): Promise<void> =>
      this.producer.send(
        topics.deadLetters.name,
        some.map((one) => toDeadLetter(topic, batch, one, nowMs, maxValueBytes)),
      );
    try {
      await send(rejected);
    } catch (error) {
      if (!isTooLarge(error)) throw error;
      // A publisher can compress a record better than we do, to far less than the topic's bound.
      for (const one of rejected) {
        await send([one]).catch((failure: unknown) => {
          if (!isTooLarge(failure)) throw failure;
          return send([one], KEPT_OF_TOO_LARGE_BYTES);
        });
      }
    }
  }

  async store(batch: RecordBatch, signal: AbortSignal): Promise<Stored<Touched>> {
    // Asked at every attempt, so that only an attempt that is under way can store what was erased meanwhile.
    await this.erasures.refresh();
    const stored: Stored<Touched>[] = [];
    for (const piece of piecesOf(batch, MAX_BLOCK_BYTES)) stored.push(await this.storePiece(piece, signal));
    const sum = (of: 'rows' | 'duplicates' | 'erased'): number => stored.reduce((all, one) => all + one[of], 0);
    return {
      rows: sum('rows'),
      duplicates: sum('duplicates'),
      erased: sum('erased'),
      rejected: stored.flatMap(({ rejected }) => rejected),
      touched: {
        minutes: stored.flatMap(({ touched }) => touched.minutes),
        oldestRecordAtMs: Math.min(...stored.map(({ touched }) => touched.oldestRecordAtMs)),
      },
    };
  }

  private async storePiece(batch: RecordBatch, signal: AbortSignal): Promise<Stored<Touched>> {
    const block = this.idleBlocks.pop() ?? new UsageBlock();
    try {
      const { rejected, erased } = await this.fill(block, batch, signal);
      if (block.rows > 0) {
        // Before they are announced, so that no roll comes to their events before their prices are there.
        await this.prices.ensure(block.pairs());
        await block.insert(this.clickhouse, this.topicPrefix + batch.topic, batch.partition);
      }
      return {
        rows: block.rows,
        duplicates: block.duplicates,
        erased,
        rejected,
        touched: { minutes: block.minutes() as readonly Minute[], oldestRecordAtMs: block.oldestRecordAtMs },
      };
    } finally {
      this.idleBlocks.push(block);
    }
  }

  /** What the block does not take by itself is decoded record by record; all of it is, where somebody in it was erased, or it is broken. */
  private async fill(block: UsageBlock, batch: RecordBatch, signal: AbortSignal): Promise<Filled> {
    const { packed } = batch;
    if (packed === undefined) {
      begin(block, batch.records.length, batch.records.map(sizeOfRecord));
      return this.fillSingly(block, batch.records, signal);
    }
    const sizes = packed.map(sizeOfPacked);
    const rows = packed.reduce((sum, { count }) => sum + count, 0);
    begin(block, rows, sizes);
    const left: StreamRecord[] = [];
    let isWhole = true;
    for (const one of packed) {
      const places = block.takeRecords(one);
      if (places === undefined) isWhole = false;
      else for (const place of places) left.push(one.recordAt(place));
    }
    if (isWhole && (this.erasures.isEmpty || !block.users().some((user) => this.erasures.has(user)))) {
      return this.fillSingly(block, left, signal);
    }
    begin(block, rows, sizes);
    return this.fillSingly(block, batch.records, signal);
  }

  private async fillSingly(block: UsageBlock, records: readonly StreamRecord[], signal: AbortSignal): Promise<Filled> {
    const rejected: Rejected[] = [];
    let erased = 0;
    for (const record of records) {
      const pending = this.decode(record, signal);
      // Awaiting only what is pending spares a turn of the event loop for nearly every record.
      const checked = pending instanceof Promise ? await pending : pending;
      if (!checked.ok) rejected.push({ record, fault: checked.fault });
      else if (this.erasures.has(checked.value.user_id)) erased += 1;
      else block.takeEvent(checked.value, record);
    }
    return { rejected, erased };
  }

  async announce(_batch: RecordBatch, touched: readonly Touched[]): Promise<void> {
    await this.producer.send(topics.usageStored.name, announcementsOf(touched, Date.now()).map(toStoredRecord));
  }

  async record({ topic, partition, from, to, rows, duplicates, dead, erased }: LedgerEntry): Promise<void> {
    await this.clickhouse.insert({
      table: 'ingest_ledger',
      format: 'JSONEachRow',
      values: [
        {
          topic: this.topicPrefix + topic,
          partition,
          from_offset: from,
          to_offset: to,
          rows,
          duplicates,
          dead,
          erased,
        },
      ],
    });
  }

  /** The next offset after the last that the ledger has; undefined when it has none of this partition. */
  async recordedOffset(topic: string, partition: number): Promise<number | undefined> {
    const result = await this.clickhouse.query({
      query: `SELECT max(to_offset) + 1 AS next FROM ingest_ledger
              WHERE topic = {topic:String} AND partition = {partition:UInt32} HAVING count() > 0`,
      query_params: { topic: this.topicPrefix + topic, partition },
      format: 'JSONEachRow',
    });
    const [row] = await result.json<{ next: string }>();
    return row === undefined ? undefined : Number(row.next);
  }
}
