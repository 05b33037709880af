import { Erasures, OutcomeRows, type ClickHouseClient } from '@laurel/clickhouse';
import { decodeOutcome, type OutcomeEvent, type OutcomeRecorded } from '@laurel/events';
import type { RegistrySchemas } from '@laurel/kafka';
import type { RecordBatch, Rejected, RetryPolicy, Stored, StreamRecord } from '@laurel/stream';
import type { Touched } from '../announcements.js';
import { RecordDecoder } from './record-decoder.js';
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
    return storePieces(this.erasures, batch, MAX_INSERT_BYTES, (piece) => this.storePiece(topic, piece, signal));
  }

  private async storePiece(topic: string, batch: RecordBatch, signal: AbortSignal): Promise<Stored<Touched>> {
    const rows = new OutcomeRows();
    const rejected: Rejected[] = [];
    let erased = 0;
    for (const record of batch.records) {
      const checked = await this.decode(record, signal);
      if (!checked.ok) rejected.push({ record, fault: checked.fault });
      else if (this.erasures.has(checked.value.user_id)) erased += 1;
      else rows.push(checked.value, record);
    }
    await rows.insert(this.clickhouse, topic, batch.partition);
    return {
      rows: rows.length,
      duplicates: rows.duplicates,
      erased,
      rejected,
      touched: { minutes: [], outcomeDays: rows.days(), oldestRecordAtMs: rows.oldestRecordAtMs },
    };
  }
}
