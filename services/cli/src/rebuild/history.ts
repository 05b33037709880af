import { placesWithRows, type ClickHouseClient, type EventTable } from '@laurel/clickhouse';
import { IngestPorts, type Touched } from '@laurel/ingest';
import { partitionOffsets, RangeReader, type Kafka } from '@laurel/kafka';
import { acceptBatch, type LedgerEntry, type RecordBatch, type Rejected, type RetryPolicy } from '@laurel/stream';
import { dayOfMinute } from '@laurel/usage';

/** Kafka has lost a part of what the tables rest on, so that they can't be made from it. */
export class HistoryGone extends Error {}

/** Offsets of one partition: `from` inclusive, `to` exclusive. */
export interface OffsetRange {
  readonly from: number;
  readonly to: number;
}

/** A record that a table has a row of is not valid any more, so that its event would vanish from every figure. */
export class WouldLose extends Error {}

/**
 * What becomes of a record that its table has a row of and that is refused now: `stop` rejects with WouldLose; `count` only
 * counts it; `keep` keeps it as a dead letter.
 */
export type OnRefused = 'stop' | 'count' | 'keep';

/** Records in one statement. */
const LOOKED_UP_AT_ONCE = 2000;

/**
 * Takes records as ingest does, with the same checks, into the tables that it is given; but tells nobody: of what was not valid
 * the dead letters are there already, and what was touched and how it went is only remembered.
 */
export class SilentPorts extends IngestPorts<unknown> {
  /** UTC days of the usage that was stored, in seconds since the epoch. */
  readonly days = new Set<number>();
  /** Likewise of outcomes. */
  readonly outcomeDays = new Set<number>();
  readonly entries: LedgerEntry[] = [];
  /** How many records were refused that the live log has. */
  refused = 0;

  /** @param live where the present log is; the rest is as for `IngestPorts`. */
  constructor(
    private readonly live: ClickHouseClient,
    private readonly table: EventTable,
    private readonly onRefused: OnRefused,
    ...rest: ConstructorParameters<typeof IngestPorts>
  ) {
    super(...rest);
  }

  override async keepDeadLetters(batch: RecordBatch, rejected: readonly Rejected[]): Promise<void> {
    const { partition } = batch;
    const topic = this.topicPrefix + batch.topic;
    const refused: Rejected[] = [];
    for (let at = 0; at < rejected.length; at += LOOKED_UP_AT_ONCE) {
      const some = rejected.slice(at, at + LOOKED_UP_AT_ONCE);
      const places = some.map(({ record: { offset } }) => ({ partition, offset }));
      const held = new Set((await placesWithRows(this.live, this.table, topic, places)).map(({ offset }) => offset));
      refused.push(...some.filter(({ record }) => held.has(record.offset)));
    }
    const [first] = refused;
    if (first === undefined) return;
    if (this.onRefused === 'stop') throw wouldLose(this.table, `${topic}/${partition}`, first);
    if (this.onRefused === 'keep') await super.keepDeadLetters(batch, refused);
    this.refused += refused.length;
  }

  override announce(touched: readonly Touched[]): Promise<void> {
    for (const { minutes, outcomeDays } of touched) {
      for (const minute of minutes) this.days.add(dayOfMinute(minute) * 86_400);
      for (const day of outcomeDays) this.outcomeDays.add(day * 86_400);
    }
    return Promise.resolve();
  }

  override record(entries: readonly LedgerEntry[]): Promise<void> {
    this.entries.push(...entries);
    return Promise.resolve();
  }
}

const wouldLose = (table: EventTable, place: string, { record: { offset }, fault: { code, message } }: Rejected) =>
  new WouldLose(
    `${table} has the record at ${place}/${offset}, and it is refused now: ${code}: ${message}. ` +
      (code === 'unknown_schema' ? 'Is LAUREL_SCHEMA_REGISTRY_URL set as for usage-ingest? ' : '') +
      'Nothing was changed. --dry-run counts such records; --accept-refused goes on and keeps them as dead letters',
  );

/** All that Kafka has of each partition of a topic, up to the last committed transaction. */
export async function presentRanges(kafka: Kafka, topic: string): Promise<ReadonlyMap<number, OffsetRange>> {
  const offsets = await partitionOffsets(kafka, 'laurel-rebuild', topic);
  return new Map([...offsets].map(([partition, { low, high }]) => [partition, { from: low, to: high }]));
}

/**
 * Rows without a place in Kafka are not ours; they are left behind.
 *
 * @param ranges by topic, then partition.
 * @throws HistoryGone when the tables tell of records that Kafka doesn't have any more.
 */
export async function assertCovered(
  clickhouse: ClickHouseClient,
  ranges: ReadonlyMap<string, ReadonlyMap<number, OffsetRange>>,
): Promise<void> {
  const result = await clickhouse.query({
    query: `SELECT topic, partition, min(first) AS first FROM (
              SELECT topic, partition, min(from_offset) AS first FROM ingest_ledger GROUP BY topic, partition
              UNION ALL
              SELECT kafka_topic, kafka_partition, min(kafka_offset) FROM usage_events
              WHERE kafka_topic != '' GROUP BY kafka_topic, kafka_partition
              UNION ALL
              SELECT kafka_topic, kafka_partition, min(kafka_offset) FROM outcome_events
              WHERE kafka_topic != '' GROUP BY kafka_topic, kafka_partition
            ) GROUP BY topic, partition ORDER BY topic, partition`,
    format: 'JSONEachRow',
  });
  const gone = 'What there is can be rolled again: laurel rebuild --from events';
  for (const { topic, partition, first } of await result.json<{ topic: string; partition: number; first: string }>()) {
    const range = ranges.get(topic)?.get(partition);
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
  /** Without the prefix. */
  readonly topic: string;
  readonly ports: SilentPorts;
  readonly policy: RetryPolicy;
  /** Told how many records were read since the last time. */
  readonly onProgress: (records: number) => void;
}

/** Of one partition at a time in memory, in bytes. */
const FETCH_BYTES = 4 * 1024 * 1024;

/**
 * Reads these ranges of a topic again, one partition after the other.
 *
 * @throws HistoryGone when Kafka deleted something of a partition while it was read.
 * @throws WouldLose
 */
export async function readHistory(
  ranges: ReadonlyMap<number, OffsetRange>,
  { kafka, topicPrefix, topic: name, ports, policy, onProgress }: ReadOptions,
): Promise<void> {
  const { signal } = new AbortController();
  const topic = topicPrefix + name;
  const reader = await RangeReader.open(kafka, {
    topic,
    groupPrefix: `${topicPrefix}laurel-rebuild-`,
    maxBytesPerPartition: FETCH_BYTES,
  });
  try {
    for (const [partition, { from, to }] of ranges) {
      for await (const records of reader.read(partition, from, to)) {
        const batch = { topic: name, partition, records, highWatermark: to };
        await acceptBatch(batch, ports, policy, { signal });
        onProgress(records.length);
      }
      const begins = (await presentRanges(kafka, topic)).get(partition)?.from ?? Infinity;
      if (from < to && begins > from) {
        throw new HistoryGone(
          `${topic}/${partition} began at ${from}, and begins at ${begins} since Kafka deleted records of it while it was read. ` +
            'Nothing was changed. What there is can be rolled again: laurel rebuild --from events',
        );
      }
    }
  } finally {
    await reader.close();
  }
}
