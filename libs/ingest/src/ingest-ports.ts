import { Erasures, UsageRows, type ClickHouseClient } from '@laurel/clickhouse';
import { decodeUsage, identityOf, topics, type Checked, type UsageEvent } from '@laurel/events';
import { isTooLarge, type RecordProducer, type RegistrySchemas } from '@laurel/kafka';
import {
  keepTrying,
  type Accepted,
  type AcceptPorts,
  type LedgerEntry,
  type RecordBatch,
  type Rejected,
  type RetryPolicy,
  type StreamRecord,
} from '@laurel/stream';
import { announcementsOf, toStoredRecord } from './announcements.js';
import { toDeadLetter } from './dead-letters.js';

/** Of a value that the dead letters' topic doesn't take whole, in bytes. */
const KEPT_OF_TOO_LARGE_BYTES = 64 * 1024;

/** The batch loop's ports on the real Kafka and ClickHouse. */
export class IngestPorts implements AcceptPorts<UsageEvent> {
  private readonly erasures: Erasures;

  constructor(
    private readonly clickhouse: ClickHouseClient,
    private readonly producer: RecordProducer,
    private readonly schemas: RegistrySchemas,
    private readonly policy: RetryPolicy,
    private readonly topicPrefix: string,
  ) {
    this.erasures = new Erasures(clickhouse);
  }

  decode(record: StreamRecord, signal: AbortSignal): Checked<UsageEvent> | Promise<Checked<UsageEvent>> {
    const decoded = decodeUsage(record, this.schemas);
    return 'needsSchema' in decoded ? this.decodeAfterLookUp(record, decoded.needsSchema, signal) : decoded;
  }

  private async decodeAfterLookUp(record: StreamRecord, id: number, signal: AbortSignal): Promise<Checked<UsageEvent>> {
    const reader = await keepTrying('schema-registry', () => this.schemas.lookUp(id), this.policy, signal);
    const decoded = decodeUsage(record, { byRegistryId: () => reader });
    if ('needsSchema' in decoded) throw new Error(`schema ${id} was looked up and is still needed`);
    return decoded;
  }

  identityOf(event: UsageEvent): string {
    return identityOf(event);
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

  async store(batch: RecordBatch, accepted: readonly Accepted<UsageEvent>[]): Promise<readonly Accepted<UsageEvent>[]> {
    const { partition } = batch;
    const topic = this.topicPrefix + batch.topic;
    // Asked at every attempt, so that only an attempt that is under way can store what was erased meanwhile.
    await this.erasures.refresh();
    const rows = new UsageRows();
    const erased: Accepted<UsageEvent>[] = [];
    for (const one of accepted) {
      const { event, record } = one;
      if (this.erasures.has(event.user_id)) erased.push(one);
      else rows.push(event, { topic, partition, offset: record.offset, timestampMs: record.timestampMs });
    }
    if (rows.length > 0) await rows.insert(this.clickhouse);
    return erased;
  }

  async announce(_batch: RecordBatch, accepted: readonly Accepted<UsageEvent>[]): Promise<void> {
    await this.producer.send(topics.usageStored.name, announcementsOf(accepted, Date.now()).map(toStoredRecord));
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
