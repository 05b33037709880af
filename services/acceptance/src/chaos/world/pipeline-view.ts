import type { ClickHouseClient } from '@laurel/clickhouse';
import type { Kafka } from '@laurel/kafka';

/** One pipeline's topics and tables, past all proxies. */
export interface PipelineView {
  readonly kafka: Kafka;
  readonly clickhouse: ClickHouseClient;
  /** Put before topics and groups. */
  readonly prefix: string;
  /** For what doesn't fit into memory. */
  readonly folder: string;
}
