import type { ClickHouseClient } from '@clickhouse/client';
import type { UsageEvent } from '@laurel/events';
import { canonicalBody } from '@laurel/events';
import { UsageBlock } from './usage-block.js';

interface Place {
  /** With its prefix. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
}

/** For tests: rows of `usage_events`, from events that are valid. */
export class UsageRows {
  private readonly rows: { readonly event: UsageEvent; readonly place: Place }[] = [];

  get length(): number {
    return this.rows.length;
  }

  push(event: UsageEvent, place: Place): void {
    this.rows.push({ event, place });
  }

  /** Those of one partition in one block; resolves when all are visible. */
  async insert(client: ClickHouseClient): Promise<void> {
    const places = new Map(this.rows.map(({ place }) => [`${place.topic}/${place.partition}`, place]));
    for (const { topic, partition } of places.values()) {
      const own = this.rows.filter(({ place }) => place.topic === topic && place.partition === partition);
      const sizes = own.map(({ event }) => canonicalBody(event).length);
      const block = new UsageBlock();
      block.begin(
        own.length,
        sizes.reduce((sum, size) => sum + size, 0),
        Math.max(...sizes),
      );
      for (const { event, place } of own) block.takeEvent(event, place);
      await block.insert(client, topic, [{ partition, rows: block.rows }]);
    }
  }
}
