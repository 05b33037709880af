import { Erasures, UsageBlock, type ClickHouseClient, type PriceKeeper } from '@laurel/clickhouse';
import { decodeUsage, type UsageEvent, type UsageRecorded } from '@laurel/events';
import type { RegistrySchemas } from '@laurel/kafka';
import type {
  RecordBatch,
  Rejected,
  RetryPolicy,
  Stored,
  StoredBatch,
  StoredTogether,
  StreamRecord,
} from '@laurel/stream';
import type { Minute } from '@laurel/usage';
import type { Touched } from '../announcements.js';
import { sizeOfPacked, sizeOfRecord } from '../pieces.js';
import { RecordDecoder, type Decode } from './record-decoder.js';
import type { RecordStore } from './record-store.js';
import { storePieces } from './store-pieces.js';

/** Of what becomes one insert, in bytes; its block takes a multiple of it. */
const MAX_BLOCK_BYTES = 64 * 1024 * 1024;

/** Usage events, into `usage_events`. */
export class UsageStore implements RecordStore<UsageEvent> {
  private readonly erasures: Erasures;
  private readonly decoder: RecordDecoder<UsageRecorded, UsageEvent>;
  /** Their memory is large, and wanted again. */
  private readonly idleBlocks: UsageBlock[] = [];

  constructor(
    private readonly clickhouse: ClickHouseClient,
    schemas: RegistrySchemas<UsageRecorded>,
    private readonly prices: PriceKeeper,
    policy: RetryPolicy,
  ) {
    this.erasures = new Erasures(clickhouse);
    this.decoder = new RecordDecoder(decodeUsage, schemas, policy);
  }

  decode(record: StreamRecord, signal: AbortSignal): ReturnType<RecordStore<UsageEvent>['decode']> {
    return this.decoder.decode(record, signal);
  }

  store(topic: string, batch: RecordBatch, signal: AbortSignal): Promise<Stored<Touched>> {
    return storePieces(this.erasures, batch, MAX_BLOCK_BYTES, async (piece) => {
      const stored = await this.storeBlock(topic, [piece], (record) => this.decode(record, signal));
      const [only] = stored?.batches ?? [];
      if (stored === undefined || only === undefined) throw new Error('what may wait was not stored');
      return { ...only, touched: stored.touched };
    });
  }

  async storeTogether(topic: string, batches: readonly RecordBatch[]): Promise<StoredTogether<Touched> | undefined> {
    await this.erasures.refresh();
    return this.storeBlock(topic, batches, (record) => this.decoder.decodeAtOnce(record));
  }

  /** In one insert; undefined, with nothing stored, where a record is not decoded. */
  private async storeBlock(
    topic: string,
    batches: readonly RecordBatch[],
    decode: Decode<UsageEvent>,
  ): Promise<StoredTogether<Touched> | undefined> {
    const block = this.idleBlocks.pop() ?? new UsageBlock();
    try {
      const stored = await this.fill(block, batches, decode);
      if (stored === undefined) return undefined;
      if (block.rows > 0) {
        // Before they are announced, so that no roll comes to their events before their prices are there.
        await this.prices.ensure(block.pairs());
        const partitions = stored.map(({ rows }, index) => ({ partition: batches[index]?.partition ?? 0, rows }));
        await block.insert(this.clickhouse, topic, partitions);
      }
      return {
        batches: stored,
        touched: {
          minutes: block.minutes() as readonly Minute[],
          outcomeDays: [],
          oldestRecordAtMs: block.oldestRecordAtMs,
        },
      };
    } finally {
      this.idleBlocks.push(block);
    }
  }

  /** What the block does not take by itself is decoded record by record; all of it is, where somebody in it was erased, or it is broken. */
  private async fill(
    block: UsageBlock,
    batches: readonly RecordBatch[],
    decode: Decode<UsageEvent>,
  ): Promise<readonly StoredBatch[] | undefined> {
    begin(block, batches);
    const broken: RecordBatch[] = [];
    const stored = await this.fillEach(block, batches, decode, (batch) => {
      const left = takePacked(block, batch);
      if (left === undefined) broken.push(batch);
      return left ?? [];
    });
    const isErased = (user: string): boolean => this.erasures.has(user);
    if (broken.length === 0 && (this.erasures.isEmpty || !block.users().some(isErased))) return stored;
    begin(block, batches);
    return this.fillEach(block, batches, decode, ({ records }) => records);
  }

  /** @param recordsOf a batch that are to be decoded one by one. */
  private async fillEach(
    block: UsageBlock,
    batches: readonly RecordBatch[],
    decode: Decode<UsageEvent>,
    recordsOf: (batch: RecordBatch) => readonly StreamRecord[],
  ): Promise<readonly StoredBatch[] | undefined> {
    const stored: StoredBatch[] = [];
    for (const batch of batches) {
      const { rows, duplicates } = block;
      const singly = await this.fillSingly(block, recordsOf(batch), decode);
      if (singly === undefined) return undefined;
      stored.push({ rows: block.rows - rows, duplicates: block.duplicates - duplicates, ...singly });
    }
    return stored;
  }

  private async fillSingly(
    block: UsageBlock,
    records: readonly StreamRecord[],
    decode: Decode<UsageEvent>,
  ): Promise<Pick<StoredBatch, 'rejected' | 'erased'> | undefined> {
    const rejected: Rejected[] = [];
    let erased = 0;
    for (const record of records) {
      const pending = decode(record);
      // Awaiting only what is pending spares a turn of the event loop for nearly every record.
      const checked = pending instanceof Promise ? await pending : pending;
      if (checked === undefined) return undefined;
      if (!checked.ok) rejected.push({ record, fault: checked.fault });
      else if (this.erasures.has(checked.value.user_id)) erased += 1;
      else block.takeEvent(checked.value, record);
    }
    return { rejected, erased };
  }
}

/** Begins a block that has room for all records of these batches. */
function begin(block: UsageBlock, batches: readonly RecordBatch[]): void {
  let [rows, all, most] = [0, 0, 0];
  const add = (count: number, size: number): void => {
    [rows, all, most] = [rows + count, all + size, Math.max(most, size)];
  };
  for (const batch of batches) {
    if (batch.packed === undefined) for (const record of batch.records) add(1, sizeOfRecord(record));
    else for (const one of batch.packed) add(one.count, sizeOfPacked(one));
  }
  block.begin(rows, all, most);
}

/** Takes what is plainly valid. Returns the other records; undefined where the batch is broken. */
function takePacked(block: UsageBlock, batch: RecordBatch): readonly StreamRecord[] | undefined {
  if (batch.packed === undefined) return batch.records;
  const left: StreamRecord[] = [];
  for (const one of batch.packed) {
    const places = block.takeRecords(one);
    if (places === undefined) return undefined;
    for (const place of places) left.push(one.recordAt(place));
  }
  return left;
}
