import { classifyClickHouseFailure } from '@laurel/clickhouse';
import { classifyKafkaFailure, RegistryUnavailable } from '@laurel/kafka';
import type { FailureKind } from '@laurel/stream';

/** What becomes of a failure of Kafka, ClickHouse or the registry: see `FailureKind` in libs/stream. */
export function classifyOutage(error: unknown): FailureKind {
  if (error instanceof RegistryUnavailable || classifyKafkaFailure(error) === 'retriable') return 'retriable';
  return classifyClickHouseFailure(error);
}
