import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import { usageOriginValues, usageStatusValues, versionOf, type UsageEvent } from '@laurel/events';
import { nativeBlock } from './native/block.js';
import { dateTime64, enum8, map, nullable, string, uint128, uint32, uint64, uint8 } from './native/columns.js';

/** Where an event stands in Kafka, kept so that every figure can be traced to the log. */
export interface RecordPosition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** The record's Kafka timestamp in ms. */
  readonly timestampMs: number;
}

const usageColumns = () => ({
  occurred_at: dateTime64(),
  user_id: string(),
  source: string(),
  event_id: string(),
  version: uint128(),
  revision: uint32(),
  retracted: uint8('Bool'),
  team: string(),
  session_id: string(),
  provider: string(),
  model: string(),
  status: enum8(usageStatusValues),
  origin: enum8(usageOriginValues),
  input_tokens: uint64(),
  cache_read_tokens: uint64(),
  cache_write_5m_tokens: uint64(),
  cache_write_1h_tokens: uint64(),
  cache_write_tokens: uint64(),
  output_tokens: uint64(),
  reasoning_tokens: uint64(),
  cost_micro_usd: nullable(uint64()),
  attributes: map(),
  kafka_topic: string(),
  kafka_partition: uint32(),
  kafka_offset: uint64(),
  recorded_at: dateTime64(),
});

/** Rows of `usage_events`, gathered in columns. */
export class UsageRows {
  private readonly columns = usageColumns();
  private count = 0;

  get length(): number {
    return this.count;
  }

  push(event: UsageEvent, position: RecordPosition): void {
    const { columns: c } = this;
    const { tokens } = event;
    c.occurred_at.push(event.occurred_at);
    c.user_id.push(event.user_id);
    c.source.push(event.source);
    c.event_id.push(event.event_id);
    c.version.push(versionOf(event));
    c.revision.push(event.revision);
    c.retracted.push(event.retracted ? 1 : 0);
    c.team.push(event.team ?? '');
    c.session_id.push(event.session_id ?? '');
    c.provider.push(event.provider);
    c.model.push(event.model);
    c.status.push(event.status);
    c.origin.push(event.origin);
    c.input_tokens.push(tokens.input);
    c.cache_read_tokens.push(tokens.cache_read);
    c.cache_write_5m_tokens.push(tokens.cache_write_5m);
    c.cache_write_1h_tokens.push(tokens.cache_write_1h);
    c.cache_write_tokens.push(tokens.cache_write);
    c.output_tokens.push(tokens.output);
    c.reasoning_tokens.push(tokens.reasoning);
    c.cost_micro_usd.push(event.cost_micro_usd);
    c.attributes.push(event.attributes);
    c.kafka_topic.push(position.topic);
    c.kafka_partition.push(position.partition);
    c.kafka_offset.push(position.offset);
    c.recorded_at.push(position.timestampMs);
    this.count += 1;
  }

  /**
   * Inserts all rows in one request and one block; resolves when they are visible to every reader.
   * The server makes one part of each day: a request for each day of a backfill took ten times as long. A crash may leave
   * some of the parts; the batch is repeated and the key collapses them.
   */
  async insert(client: ClickHouseClient): Promise<void> {
    const names = Object.keys(this.columns).join(', ');
    const { stream } = await client.exec({
      query: `INSERT INTO usage_events (${names}) FORMAT Native`,
      clickhouse_settings: { max_partitions_per_insert_block: '0' },
      values: Readable.from(nativeBlock(this.columns, this.count), { objectMode: false }),
    });
    // The answer is empty; reading it to its end gives the connection back.
    await finished(stream.resume());
  }
}
