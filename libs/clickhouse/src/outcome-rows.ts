import type { ClickHouseClient } from '@clickhouse/client';
import { identityOf, outcomeVersionOf, type OutcomeEvent } from '@laurel/events';
import { dayOf, type Day } from '@laurel/usage';
import { partitionOfEach, type PartitionRows } from './partition-rows.js';
import type { RecordPosition } from './usage-block.js';

/** Rows of `outcome_events`. */
export class OutcomeRows {
  private readonly rows: { readonly event: OutcomeEvent; readonly position: RecordPosition }[] = [];
  private readonly identities = new Set<string>();

  push(event: OutcomeEvent, position: RecordPosition): void {
    this.rows.push({ event, position });
    this.identities.add(identityOf(event));
  }

  get length(): number {
    return this.rows.length;
  }

  /** Rows of an identity that an earlier row has already. */
  get duplicates(): number {
    return this.rows.length - this.identities.size;
  }

  /** The least Kafka timestamp of all rows, in ms; Infinity when there is none. */
  get oldestRecordAtMs(): number {
    return this.rows.reduce((oldest, { position }) => Math.min(oldest, position.timestampMs), Infinity);
  }

  /** The UTC days that rows lie in, each once. */
  days(): readonly Day[] {
    return [...new Set(this.rows.map(({ event }) => dayOf(event.occurred_at)))];
  }

  /**
   * Inserts all rows in one request; resolves when they are visible to every reader. A crash may leave some of the days; the batch
   * is repeated and the key collapses them.
   *
   * @param topic with its prefix.
   * @param partitions of all rows, in their order.
   */
  async insert(client: ClickHouseClient, topic: string, partitions: readonly PartitionRows[]): Promise<void> {
    if (this.rows.length === 0) return;
    const partitionOfRow = partitionOfEach(partitions);
    await client.insert({
      table: 'outcome_events',
      format: 'JSONEachRow',
      values: this.rows.map(({ event, position }, index) => ({
        ...event,
        // A DateTime64(3) is read from a whole number as its milliseconds.
        occurred_at: event.occurred_at,
        version: String(outcomeVersionOf(event)),
        team: event.team ?? '',
        session_id: event.session_id ?? '',
        kafka_topic: topic,
        kafka_partition: partitionOfRow[index],
        kafka_offset: position.offset,
        recorded_at: position.timestampMs,
      })),
      clickhouse_settings: { max_partitions_per_insert_block: '0' },
    });
  }
}
