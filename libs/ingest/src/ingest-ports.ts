import type { ClickHouseClient } from '@laurel/clickhouse';
import { topics } from '@laurel/events';
import { isTooLarge, type RecordProducer } from '@laurel/kafka';
import type { LedgerEntry, RecordBatch, Rejected, Stored, StoredTogether, TogetherPorts } from '@laurel/stream';
import { announcementsOf, toStoredRecord, type Touched } from './announcements.js';
import { toDeadLetter } from './dead-letters.js';
import type { RecordStore } from './stores/record-store.js';

/** Of a value that the dead letters' topic doesn't take whole, in bytes. */
const KEPT_OF_TOO_LARGE_BYTES = 64 * 1024;

/** The batch loop's ports on the real Kafka and ClickHouse, the same for every topic that publishers write to. */
export class IngestPorts<Event> implements TogetherPorts<Touched> {
  /** @param records of the topic. */
  constructor(
    private readonly clickhouse: ClickHouseClient,
    private readonly producer: RecordProducer,
    readonly records: RecordStore<Event>,
    protected readonly topicPrefix: string,
  ) {}

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

  store(batch: RecordBatch, signal: AbortSignal): Promise<Stored<Touched>> {
    return this.records.store(this.topicPrefix + batch.topic, batch, signal);
  }

  /** @param batches of one topic. */
  storeTogether(batches: readonly RecordBatch[], signal: AbortSignal): Promise<StoredTogether<Touched> | undefined> {
    return this.records.storeTogether(this.topicPrefix + (batches[0]?.topic ?? ''), batches, signal);
  }

  async announce(touched: readonly Touched[]): Promise<void> {
    await this.producer.send(topics.usageStored.name, announcementsOf(touched, Date.now()).map(toStoredRecord));
  }

  async record(entries: readonly LedgerEntry[]): Promise<void> {
    await this.clickhouse.insert({
      table: 'ingest_ledger',
      format: 'JSONEachRow',
      values: entries.map(({ topic, from, to, ...counts }) => ({
        topic: this.topicPrefix + topic,
        from_offset: from,
        to_offset: to,
        ...counts,
      })),
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
