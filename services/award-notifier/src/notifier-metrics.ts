import { lagGauges, type Log } from '@laurel/service-host';
import type { KafkaBatchStrategy } from '@laurel/kafka';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { FollowerEvents } from './endpoint-follower.js';
import type { Receiver, ReceiverEvents } from './receiver.js';

/** One endpoint with what serves it. */
export interface Served {
  readonly name: string;
  readonly receiver: Receiver;
  readonly strategy: KafkaBatchStrategy;
}

/** What happens to deliveries, as metrics and in the log. Neither has a URL, a secret, or a body that was sent. */
export function deliveryEvents(registry: Registry, log: Log): ReceiverEvents & FollowerEvents {
  const registers = [registry];
  const attempts = new Counter({
    name: 'laurel_delivery_attempts_total',
    help: 'Requests to endpoints, by how they ended: acknowledged, refused, gone, failed',
    labelNames: ['endpoint', 'result'],
    registers,
  });
  const seconds = new Histogram({
    name: 'laurel_delivery_attempt_seconds',
    help: 'One request to an endpoint, until its answer or the time-out',
    labelNames: ['endpoint'],
    buckets: [0.03, 0.1, 0.3, 1, 3, 10, 30],
    registers,
  });
  const deliveries = new Counter({
    name: 'laurel_deliveries_total',
    help: 'Awards that an endpoint has acknowledged, or that were given up and are among the undelivered',
    labelNames: ['endpoint', 'outcome'],
    registers,
  });
  return {
    onAttempt: (endpoint, { kind }, took) => {
      attempts.inc({ endpoint, result: kind });
      seconds.observe({ endpoint }, took);
    },
    onFailed: (endpoint, award, message, attempt) =>
      log.warn({ endpoint, award, message, attempt }, 'an award was not delivered yet'),
    onHeld: (endpoint, award, message) =>
      log.error(
        { endpoint, award, message },
        'the endpoint is gone: nothing is sent to it until this service starts again',
      ),
    onEnd: (endpoint, { award: { award_id: award, title_id: title, type } }, end) => {
      deliveries.inc({ endpoint, outcome: end.kind });
      if (end.kind === 'acknowledged') log.info({ endpoint, award, title, type, attempts: end.attempts }, 'delivered');
      else log.error({ endpoint, award, title, type, ...end }, 'given up: see laurel awards undelivered');
    },
  };
}

/** How endpoints are doing now. */
export function endpointGauges(served: readonly Served[], registry: Registry): void {
  const labelNames = ['endpoint'];
  new Gauge({
    name: 'laurel_oldest_undelivered_award_seconds',
    help: 'Age of the oldest award that waits for its endpoint; 0 when none does, or another instance serves the endpoint',
    labelNames,
    registers: [registry],
    collect() {
      for (const { name, receiver } of served) this.set({ endpoint: name }, receiver.oldestSeconds(Date.now()));
    },
  });
  new Gauge({
    name: 'laurel_endpoint_held',
    help: '1 when the endpoint answered 410 Gone and nothing more is sent to it',
    labelNames,
    registers: [registry],
    collect() {
      for (const { name, receiver } of served) this.set({ endpoint: name }, receiver.isHeld ? 1 : 0);
    },
  });
  lagGauges(['endpoint'], registry, () =>
    served.flatMap(({ name, strategy }) => strategy.lags().map((lag) => ({ lag, labels: { endpoint: name } }))),
  );
}
