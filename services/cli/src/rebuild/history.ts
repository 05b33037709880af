import type { ClickHouseClient } from '@laurel/clickhouse';
import { topics } from '@laurel/events';
import { IngestPorts, type Touched } from '@laurel/ingest';
import { partitionOffsets, RangeReader, type Kafka } from '@laurel/kafka';
import { acceptBatch, type LedgerEntry, type RecordBatch, type RetryPolicy } from '@laurel/stream';
import { dayOfMinute } from '@laurel/usage';

/** Kafka has lost a part of what the tables rest on, so that they can't be made from it. */
export class HistoryGone extends Error {}

/** Offsets of one partition: `from` inclusive, `to` exclusive. */
export interface OffsetRange {
  readonly from: number;
  readonly to: number;
}

/**
 * Takes records as ingest does, with the same checks, into the tables that it is given; but tells nobody: the dead letters are
 * kept already, and what was touched and how it went is only remembered.
 */
export class SilentPorts extends IngestPorts {
  /** UTC days of what was stored, in seconds since the epoch. */
  readonly days = new Set<number>();
  readonly entries: LedgerEntry[] = [];

  override keepDeadLetters(): Promise<void> {
    return Promise.resolve();
  }

  override announce(_batch: RecordBatch, touched: readonly Touched[]): Promise<void> {
    for (const { minutes } of touched) for (const minute of minutes) this.days.add(dayOfMinute(minute) * 86_400);
    return Promise.resolve();
  }

  override record(entry: LedgerEntry): Promise<void> {
    this.entries.push(entry);
    return Promise.resolve();
  }
}

/** All that Kafka has of each partition of a topic, up to the last committed transaction. */
export async function presentRanges(kafka: Kafka, topic: string): Promise<ReadonlyMap<number, OffsetRange>> {
  const offsets = await partitionOffsets(kafka, 'laurel-rebuild', topic);
  return new Map([...offsets].map(([partition, { low, high }]) => [partition, { from: low, to: high }]));
}

/**
 * Rows without a place in Kafka are not ours; they are left behind.
 *
 * @throws HistoryGone when the tables tell of records that Kafka doesn't have any more.
 */
export async function assertCovered(
  clickhouse: ClickHouseClient,
  eventsTopic: string,
  ranges: ReadonlyMap<number, OffsetRange>,
): Promise<void> {
  const result = await clickhouse.query({
    query: `SELECT topic, partition, min(first) AS first FROM (
              SELECT topic, partition, min(from_offset) AS first FROM ingest_ledger GROUP BY topic, partition
              UNION ALL
              SELECT kafka_topic, kafka_partition, min(kafka_offset) FROM usage_events
              WHERE kafka_topic != '' GROUP BY kafka_topic, kafka_partition
            ) GROUP BY topic, partition ORDER BY topic, partition`,
    format: 'JSONEachRow',
  });
  const gone = 'What there is can be rolled again: laurel rebuild --from events';
  for (const { topic, partition, first } of await result.json<{ topic: string; partition: number; first: string }>()) {
    const range = topic === eventsTopic ? ranges.get(partition) : undefined;
    if (range === undefined) {
      throw new HistoryGone(`the tables hold records of ${topic}/${partition}, which Kafka does not have. ${gone}`);
    }
    if (Number(first) < range.from) {
      throw new HistoryGone(
        `${topic}/${partition} begins at ${range.from}, but the tables hold records from ${first} on: ` +
          `Kafka has deleted them by its retention. ${gone}`,
      );
    }
  }
}

export interface ReadOptions {
  readonly kafka: Kafka;
  readonly topicPrefix: string;
  readonly ports: SilentPorts;
  readonly policy: RetryPolicy;
  /** Told how many records were read since the last time. */
  readonly onProgress: (records: number) => void;
}

/** Of one partition at a time in memory, in bytes. */
const FETCH_BYTES = 4 * 1024 * 1024;

/** Reads these ranges of the events' topic again, one partition after the other. */
export async function readHistory(
  ranges: ReadonlyMap<number, OffsetRange>,
  { kafka, topicPrefix, ports, policy, onProgress }: ReadOptions,
): Promise<void> {
  const { signal } = new AbortController();
  const reader = await RangeReader.open(kafka, {
    topic: topicPrefix + topics.usageEvents.name,
    groupPrefix: `${topicPrefix}laurel-rebuild-`,
    maxBytesPerPartition: FETCH_BYTES,
  });
  try {
    for (const [partition, { from, to }] of ranges) {
      for await (const records of reader.read(partition, from, to)) {
        const batch = { topic: topics.usageEvents.name, partition, records, highWatermark: to };
        await acceptBatch(batch, ports, policy, { signal });
        onProgress(records.length);
      }
    }
  } finally {
    await reader.close();
  }
}
