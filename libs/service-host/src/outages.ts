import { classifyClickHouseFailure } from '@laurel/clickhouse';
import { classifyKafkaFailure, RegistryUnavailable } from '@laurel/kafka';
import type { FailureKind, RetryPolicy } from '@laurel/stream';
import { Counter, type Registry } from 'prom-client';
import type { Log } from './logging.js';

/** What becomes of a failure of Kafka, ClickHouse or the registry: see `FailureKind` in libs/stream. */
export function classifyOutage(error: unknown): FailureKind {
  if (error instanceof RegistryUnavailable || classifyKafkaFailure(error) === 'retriable') return 'retriable';
  return classifyClickHouseFailure(error);
}

/** The one policy of every service: outages of Kafka, ClickHouse and the registry are waited out, and told of. */
export function outagePolicy(log: Log, registry: Registry): RetryPolicy {
  const outages = new Counter({
    name: 'laurel_retries_total',
    help: 'Attempts that failed for an outage and were repeated',
    labelNames: ['step'],
    registers: [registry],
  });
  return {
    classify: classifyOutage,
    onOutage: (step, error, attempt) => {
      outages.inc({ step });
      log.warn({ step, attempt, err: error }, 'waiting for an outage to end');
    },
  };
}
