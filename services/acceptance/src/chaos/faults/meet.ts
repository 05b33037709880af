import type { ServiceName } from '../../pipeline/service-process.js';
import type { HttpExchange } from '../proxies/http-proxy.js';
import type { KafkaExchange } from '../proxies/kafka-proxy.js';
import type { Instance } from '../world/instance.js';
import type { World } from '../world/world.js';
import { NotBitten } from './fault.js';

/** A fault beside this one may keep a service from asking for as long as its longest time-out, 120 s: three tries last longer. */
const PATIENCE_MS = 90_000;

interface Meeting<E> {
  /** For messages. */
  readonly what: string;
  readonly matches: (exchange: E) => boolean;
  /** Does the harm; what it returns is what shows the bite. */
  readonly act: (exchange: E, instance: Instance) => Promise<string>;
}

/** Waits for the next matching request to ClickHouse of any instance of a service, and acts on that one. */
export const meetHttp = (world: World, service: ServiceName, meeting: Meeting<HttpExchange>): Promise<string> =>
  meet(world.of(service), meeting, (instance, matches, intervene) => instance.http.on(matches, intervene));

/** The same before Kafka. */
export const meetKafka = (world: World, service: ServiceName, meeting: Meeting<KafkaExchange>): Promise<string> =>
  meet(world.of(service), meeting, (instance, matches, intervene) => instance.kafka.on(matches, intervene));

function meet<E>(
  instances: readonly Instance[],
  { what, matches, act }: Meeting<E>,
  install: (
    instance: Instance,
    matches: (exchange: E) => boolean,
    intervene: (exchange: E) => Promise<void>,
  ) => () => void,
): Promise<string> {
  return new Promise((resolve, reject) => {
    let met = false;
    const removers = instances.map((instance) =>
      install(
        instance,
        (exchange) => !met && instance.isUp && matches(exchange),
        async (exchange) => {
          met = true;
          end();
          try {
            resolve(await act(exchange, instance));
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        },
      ),
    );
    const timer = setTimeout(() => {
      end();
      if (!met) reject(new NotBitten(`no ${what} within ${PATIENCE_MS} ms`));
    }, PATIENCE_MS);
    function end(): void {
      clearTimeout(timer);
      for (const remove of removers) remove();
    }
  });
}

export const asks =
  (...parts: readonly string[]) =>
  (exchange: HttpExchange): boolean =>
    parts.every((part) => exchange.query.includes(part));
