import { Erasures, UsageBlock, type ClickHouseClient, type PriceKeeper } from '@laurel/clickhouse';
import { decodeUsage, type UsageEvent, type UsageRecorded } from '@laurel/events';
import type { RegistrySchemas } from '@laurel/kafka';
import type { RecordBatch, Rejected, RetryPolicy, Stored, StreamRecord } from '@laurel/stream';
import type { Minute } from '@laurel/usage';
import type { Touched } from '../announcements.js';
import { sizeOfPacked, sizeOfRecord } from '../pieces.js';
import { RecordDecoder } from './record-decoder.js';
import type { RecordStore } from './record-store.js';
import { storePieces } from './store-pieces.js';

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
    return storePieces(this.erasures, batch, MAX_BLOCK_BYTES, (piece) => this.storePiece(topic, piece, signal));
  }

  private async storePiece(topic: string, batch: RecordBatch, signal: AbortSignal): Promise<Stored<Touched>> {
    const block = this.idleBlocks.pop() ?? new UsageBlock();
    try {
      const { rejected, erased } = await this.fill(block, batch, signal);
      if (block.rows > 0) {
        // Before they are announced, so that no roll comes to their events before their prices are there.
        await this.prices.ensure(block.pairs());
        await block.insert(this.clickhouse, topic, batch.partition);
      }
      return {
        rows: block.rows,
        duplicates: block.duplicates,
        erased,
        rejected,
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
}
