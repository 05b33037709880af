import { setTimeout as sleep } from 'node:timers/promises';
import { topics } from '@laurel/events';
import { NotBitten, type Fault, type Scene } from './fault.js';
import { asks, meetHttp } from './meet.js';
import { eventually } from '../../pipeline/eventually.js';
import type { ServiceName } from '../../pipeline/service-process.js';

/** Longer than kafkajs, the clients or the session wait for a server that refuses connections. */
const AWAY_MS = 15_000;

/** `kill -9` of the engine with a request under way. */
function clickHouseKilled(
  name: string,
  simulates: string,
  service: ServiceName,
  request: string,
  awayMs: number,
): Fault {
  return {
    name,
    simulates,
    target: 'clickhouse',
    ...(awayMs > 0 ? { isLong: true } : {}),
    inject: async ({ world, random }) => {
      // Anywhere within the request, which takes some ten ms: before it is done, or just after.
      const delayMs = random.below(12);
      return meetHttp(world, service, {
        what: request,
        matches: asks(request),
        act: async (exchange) => {
          const pid = world.clickhousePid;
          const answer = exchange.forward().then(
            ({ status }) => `answered ${status}`,
            () => 'not answered',
          );
          await sleep(delayMs);
          const restarted = world.killClickHouse(awayMs);
          const outcome = await answer;
          exchange.cut();
          await restarted;
          return `pid ${pid} was killed ${delayMs} ms into “${request}” (${exchange.body.length} bytes), which was ${outcome}`;
        },
      });
    },
  };
}

async function brokerKilled({ world, publishers }: Scene, awayMs: number): Promise<string> {
  const pid = world.kafkaPid;
  const count = (): number => world.instances.reduce((sum, { kafka }) => sum + kafka.connections, 0);
  const connections = await eventually('a service to be connected', () => Promise.resolve(count() || undefined));
  const { resent } = publishers;
  await world.killKafka(awayMs);
  return `pid ${pid} was killed with ${connections} connections of services; ${publishers.resent - resent} records were sent again`;
}

const coordinatorAway: Fault = {
  name: 'coordinator-away',
  simulates: 'the broker answers, but who coordinates the group of usage-ingest can not be found for a while',
  target: 'usage-ingest',
  inject: async ({ world }) => {
    let cut = 0;
    const removers = world.of('usage-ingest').map(({ kafka }) =>
      kafka.on(
        ({ api }) => api === 'FindCoordinator',
        (exchange) => {
          cut += 1;
          exchange.cut();
          return Promise.resolve();
        },
      ),
    );
    try {
      const deadline = Date.now() + 30_000;
      while (cut === 0) {
        if (Date.now() > deadline) throw new NotBitten('nobody looked for the coordinator');
        await sleep(100);
      }
      await sleep(AWAY_MS);
    } finally {
      for (const remove of removers) remove();
    }
    await Promise.all(world.of('usage-ingest').map((instance) => instance.ready()));
    return `${cut} requests for the coordinator were cut`;
  },
};

const partitionsAdded: Fault = {
  name: 'partitions-added',
  simulates: 'usage.events.v1 gets another partition while everything runs',
  target: 'kafka',
  // A consumer hears of it when it asks for the topic's metadata the next time, which may take five minutes.
  isLong: true,
  inject: async ({ world, publishers }) => {
    const topic = world.topic(topics.usageEvents.name);
    const count = publishers.partitionCount + 1;
    const admin = world.kafka.admin();
    await admin.connect();
    try {
      await admin.createPartitions({ topicPartitions: [{ topic, count }] });
      await sleep(500);
      publishers.usePartitions(count);
      const deadline = Date.now() + 30_000;
      while (Date.now() < deadline) {
        const ends = await admin.fetchTopicOffsets(topic);
        const added = ends.find(({ partition }) => partition === count - 1);
        if (Number(added?.high ?? 0) > 0) return `partition ${count - 1} has ${added?.high ?? ''} records`;
        await sleep(200);
      }
    } finally {
      await admin.disconnect();
    }
    throw new NotBitten('nothing was written to the new partition');
  },
};

const transactionAborted: Fault = {
  name: 'transaction-aborted',
  simulates: 'a publisher with transactions aborts one that has records already',
  target: 'traffic',
  inject: async ({ publishers }) => {
    const before = publishers.book.count(2);
    await publishers.abortOne();
    return `${publishers.book.count(2) - before} records were aborted, in ${publishers.abortedTransactions} transactions so far`;
  },
};

export const serverFaults: readonly Fault[] = [
  clickHouseKilled(
    'clickhouse-killed-in-insert',
    'kill -9 of ClickHouse in an insert of events',
    'usage-ingest',
    'INSERT INTO usage_events',
    0,
  ),
  clickHouseKilled(
    'clickhouse-killed-in-roll',
    'kill -9 of ClickHouse in a re-roll',
    'usage-projector',
    'INSERT INTO usage_by_minute',
    0,
  ),
  clickHouseKilled(
    'clickhouse-killed-in-heads',
    'kill -9 of ClickHouse while heads are written',
    'usage-projector',
    'INSERT INTO roll_heads',
    0,
  ),
  clickHouseKilled(
    'clickhouse-away',
    'ClickHouse is away for longer than a session of Kafka’s',
    'usage-ingest',
    'INSERT INTO usage_events',
    AWAY_MS,
  ),
  {
    name: 'broker-killed',
    simulates: 'kill -9 of the broker, which comes back at once',
    target: 'kafka',
    inject: (scene) => brokerKilled(scene, 0),
  },
  {
    name: 'broker-away',
    simulates: 'the broker is away for longer than a session',
    target: 'kafka',
    isLong: true,
    inject: (scene) => brokerKilled(scene, AWAY_MS),
  },
  coordinatorAway,
  partitionsAdded,
  transactionAborted,
];
