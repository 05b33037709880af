import { Erasures, OutcomeRows, type ClickHouseClient, type PartitionRows } from '@laurel/clickhouse';
import { decodeOutcome, type OutcomeEvent, type OutcomeRecorded } from '@laurel/events';
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
import type { Touched } from '../announcements.js';
import { RecordDecoder, type Decode } from './record-decoder.js';
import type { RecordStore } from './record-store.js';
import { storePieces } from './store-pieces.js';

/** Of what becomes one insert, in bytes; as objects and as JSON it takes a multiple of that. */
const MAX_INSERT_BYTES = 16 * 1024 * 1024;

/** Outcomes, into `outcome_events`. There are few beside usage events, so each may be an object. */
export class OutcomeStore implements RecordStore<OutcomeEvent> {
  private readonly erasures: Erasures;
  private readonly decoder: RecordDecoder<OutcomeRecorded, OutcomeEvent>;

  constructor(
    private readonly clickhouse: ClickHouseClient,
    schemas: RegistrySchemas<OutcomeRecorded>,
    policy: RetryPolicy,
  ) {
    this.erasures = new Erasures(clickhouse);
    this.decoder = new RecordDecoder(decodeOutcome, schemas, policy);
  }

  decode(record: StreamRecord, signal: AbortSignal): ReturnType<RecordStore<OutcomeEvent>['decode']> {
    return this.decoder.decode(record, signal);
  }

  store(topic: string, batch: RecordBatch, signal: AbortSignal): Promise<Stored<Touched>> {
    return storePieces(this.erasures, batch, MAX_INSERT_BYTES, async (piece) => {
      const rows = new OutcomeRows();
      const stored = await this.take(rows, piece, (record) => this.decode(record, signal));
      if (stored === undefined) throw new Error('what may wait was not stored');
      await rows.insert(this.clickhouse, topic, [{ partition: piece.partition, rows: stored.rows }]);
      return { ...stored, touched: touchedBy(rows) };
    });
  }

  async storeTogether(topic: string, batches: readonly RecordBatch[]): Promise<StoredTogether<Touched> | undefined> {
    await this.erasures.refresh();
    const rows = new OutcomeRows();
    const stored: StoredBatch[] = [];
    const partitions: PartitionRows[] = [];
    for (const batch of batches) {
      const one = await this.take(rows, batch, (record) => this.decoder.decodeAtOnce(record));
      if (one === undefined) return undefined;
      stored.push(one);
      partitions.push({ partition: batch.partition, rows: one.rows });
    }
    await rows.insert(this.clickhouse, topic, partitions);
    return { batches: stored, touched: touchedBy(rows) };
  }

  /** Undefined where a record is not decoded. */
  private async take(
    rows: OutcomeRows,
    batch: RecordBatch,
    decode: Decode<OutcomeEvent>,
  ): Promise<StoredBatch | undefined> {
    const { length, duplicates } = rows;
    const rejected: Rejected[] = [];
    let erased = 0;
    for (const record of batch.records) {
      const checked = await decode(record);
      if (checked === undefined) return undefined;
      if (!checked.ok) rejected.push({ record, fault: checked.fault });
      else if (this.erasures.has(checked.value.user_id)) erased += 1;
      else rows.push(checked.value, record);
    }
    return { rows: rows.length - length, duplicates: rows.duplicates - duplicates, erased, rejected };
  }
}

const touchedBy = (rows: OutcomeRows): Touched => ({
  minutes: [],
  outcomeDays: rows.days(),
  oldestRecordAtMs: rows.oldestRecordAtMs,
});
