import { topics } from '@laurel/events';
import type { ServiceName } from '../../pipeline/service-process.js';
import type { HttpExchange } from '../proxies/http-proxy.js';
import type { KafkaExchange } from '../proxies/kafka-proxy.js';
import type { Instance } from '../world/instance.js';
import type { Fault, Scene } from './fault.js';
import { asks, meetHttp, meetKafka } from './meet.js';

/** When the process dies: before the server has the request, in the middle of it, or when it is done and nobody knows. */
type Moment = 'before' | 'within' | 'after';

const moments: Readonly<
  Record<Moment, { readonly words: string; readonly reach: (exchange: HttpExchange) => Promise<unknown> }>
> = {
  before: { words: 'before it was sent', reach: () => Promise.resolve() },
  within: { words: 'after half of it', reach: (exchange) => exchange.forwardHalf() },
  after: { words: 'done and not yet known', reach: (exchange) => exchange.forward() },
};

async function killed(instance: Instance, what: string): Promise<string> {
  const { pid } = instance;
  await instance.kill();
  await instance.ready();
  return `${instance.name} (pid ${pid ?? '–'}) was killed with ${what}`;
}

function atRequest(
  name: string,
  simulates: string,
  service: Exclude<ServiceName, 'api'>,
  request: string,
  moment: Moment,
  prepare: (scene: Scene) => Promise<void> = () => Promise.resolve(),
): Fault {
  return {
    name,
    simulates,
    target: service,
    inject: async (scene) => {
      const { words, reach } = moments[moment];
      const met = meetHttp(scene.world, service, {
        what: request,
        matches: asks(request),
        act: async (exchange, instance) => {
          await reach(exchange);
          const bite = killed(instance, `“${request}” of ${exchange.body.length} bytes ${words}`);
          exchange.cut();
          return bite;
        },
      });
      await prepare(scene);
      return met;
    },
  };
}

function atBroker(
  name: string,
  simulates: string,
  service: Exclude<ServiceName, 'api'>,
  what: string,
  matches: (scene: Scene, exchange: KafkaExchange) => boolean,
  isForwarded: boolean,
  prepare: (scene: Scene) => Promise<void> = () => Promise.resolve(),
): Fault {
  return {
    name,
    simulates,
    target: service,
    inject: async (scene) => {
      const met = meetKafka(scene.world, service, {
        what,
        matches: (exchange) => matches(scene, exchange),
        act: async (exchange, instance) => {
          if (isForwarded) await exchange.forward();
          const bite = killed(instance, `${what} ${isForwarded ? 'done and not yet known' : 'not sent'}`);
          exchange.cut();
          return bite;
        },
      });
      await prepare(scene);
      return met;
    },
  };
}

const crown = (scene: Scene): Promise<void> => scene.publishers.crown();

export const kills: readonly Fault[] = [
  atRequest(
    'ingest-killed-before-insert',
    'kill -9 with a batch decoded',
    'usage-ingest',
    'INSERT INTO usage_events',
    'before',
  ),
  atRequest(
    'ingest-killed-in-insert',
    'kill -9 in the body of an insert',
    'usage-ingest',
    'INSERT INTO usage_events',
    'within',
  ),
  atRequest(
    'ingest-killed-after-insert',
    'kill -9 with rows stored that nobody was told of',
    'usage-ingest',
    'INSERT INTO usage_events',
    'after',
  ),
  atBroker(
    'ingest-killed-before-announcement',
    'kill -9 between the insert and its announcement',
    'usage-ingest',
    'Produce to usage.stored.v1',
    ({ world }, exchange) => exchange.api === 'Produce' && exchange.mentions(world.topic(topics.usageStored.name)),
    false,
  ),
  atRequest(
    'ingest-killed-before-ledger',
    'kill -9 between the announcement and the ledger',
    'usage-ingest',
    'INSERT INTO ingest_ledger',
    'before',
  ),
  atBroker(
    'ingest-killed-before-commit',
    'kill -9 with everything written but the offset',
    'usage-ingest',
    'OffsetCommit',
    (_, exchange) => exchange.api === 'OffsetCommit',
    false,
  ),
  atRequest(
    'projector-killed-in-roll',
    'kill -9 while a roll is computed',
    'usage-projector',
    'INSERT INTO usage_by_minute',
    'before',
  ),
  atRequest(
    'projector-killed-after-rolls',
    'kill -9 with rolls written that no head names',
    'usage-projector',
    'INSERT INTO roll_heads',
    'before',
  ),
  atRequest(
    'projector-killed-after-heads',
    'kill -9 with heads written and nothing committed',
    'usage-projector',
    'INSERT INTO roll_heads',
    'after',
  ),
  atRequest(
    'projector-killed-in-late-roll',
    'kill -9 while a closed hour is computed again',
    'usage-projector',
    'INSERT INTO usage_by_hour',
    'before',
  ),
  atRequest(
    'projector-killed-in-day',
    'kill -9 between a late hour’s head and its day’s',
    'usage-projector',
    'INSERT INTO usage_by_day_user',
    'before',
  ),
  atBroker(
    'awarder-killed-in-transaction',
    'kill -9 with awards sent and their transaction open',
    'title-awarder',
    'Produce to titles.holders.v1',
    ({ world }, exchange) => exchange.api === 'Produce' && exchange.mentions(world.topic(topics.titleHolders.name)),
    true,
    crown,
  ),
  atBroker(
    'awarder-killed-before-commit',
    'kill -9 just before a transaction’s end',
    'title-awarder',
    'EndTxn',
    (_, exchange) => exchange.api === 'EndTxn',
    false,
    crown,
  ),
  atBroker(
    'awarder-killed-after-commit',
    'kill -9 with a transaction committed that the awarder doesn’t know of',
    'title-awarder',
    'EndTxn',
    (_, exchange) => exchange.api === 'EndTxn',
    true,
    crown,
  ),
];
