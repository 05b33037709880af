import type { RetryPolicy } from '@laurel/stream';
import { Counter, type Registry } from 'prom-client';
import type { Log } from './logging.js';
import { classifyOutage } from './outage-kinds.js';

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
