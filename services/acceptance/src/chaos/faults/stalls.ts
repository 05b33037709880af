import { readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { topics } from '@laurel/events';
import type { ServiceName } from '../../pipeline/service-process.js';
import type { HttpExchange } from '../proxies/http-proxy.js';
import type { Instance } from '../world/instance.js';
import { BEYOND_SESSION_MS, SESSION_MS, type World } from '../world/world.js';
import { NotBitten, type Fault } from './fault.js';
import { asks, meetHttp, meetKafka } from './meet.js';

type Consumer = Exclude<ServiceName, 'api'>;

/** A group that was joining when a member fell silent waits for it this long (kafkajs' rebalanceTimeout, 60 s), and some more. */
const REBALANCE_PATIENCE_MS = 75_000;

/**
 * What tells that the group goes on without an instance: its twins have joined anew, or, where they were joining when it
 * stopped, have got their partitions without it. Begun before it stands still, asked for after its session.
 */
function takeover(world: World, standing: Instance): () => Promise<string> {
  const twins = world.of(standing.service).filter((twin) => twin !== standing);
  const count = (api: 'JoinGroup' | 'SyncGroup'): number => twins.reduce((sum, { kafka }) => sum + kafka.count(api), 0);
  const joinsBefore = count('JoinGroup');
  // A group that waits for it goes on no sooner than its session is over, which may have begun a heartbeat earlier.
  const syncsBefore = sleep(SESSION_MS / 2).then(() => count('SyncGroup'));
  return async () => {
    const deadline = Date.now() + REBALANCE_PATIENCE_MS;
    while (count('JoinGroup') <= joinsBefore && count('SyncGroup') <= (await syncsBefore)) {
      if (Date.now() > deadline) throw new NotBitten(`no twin of ${standing.name} has joined the group anew`);
      await sleep(250);
    }
    return `${twins.map(({ name }) => name).join()} joined anew`;
  };
}

/** What is published has to be projected first, behind whatever another fault keeps waiting. */
const AWARD_PATIENCE_MS = 60_000;

/** A process stands still in the middle of a request, a twin takes over, and then it goes on as if nothing had happened. */
function stopped(name: string, service: Consumer, request: string, isCrowned = false): Fault {
  return {
    name,
    simulates: `SIGSTOP in “${request}” beyond the session, a twin takes over, SIGCONT`,
    target: service,
    inject: async ({ world, publishers }) => {
      if (isCrowned) await publishers.crown();
      return meetHttp(world, service, {
        what: request,
        matches: asks(request),
        act: async (exchange: HttpExchange, instance: Instance) => {
          const began = Date.now();
          const takenOver = takeover(world, instance);
          instance.freeze();
          try {
            // The server does it while the process stands still; the answer is there when it goes on.
            exchange.answer(await exchange.forward());
            await sleep(BEYOND_SESSION_MS);
            const taken = await takenOver();
            await sleep(1500);
            return `${instance.name} stood still for ${Date.now() - began} ms; ${taken}`;
          } finally {
            instance.thaw();
          }
        },
      });
    },
  };
}

/** The awarder stands still within a transaction, its twin fences it, and then it wants to go on with the transaction. */
const stoppedInTransaction: Fault = {
  name: 'awarder-stopped-in-transaction',
  simulates: 'SIGSTOP within a transaction, a twin fences and awards, SIGCONT',
  target: 'title-awarder',
  inject: async ({ world, publishers }) => {
    const met = meetKafka(world, 'title-awarder', {
      what: 'Produce to titles.awards.v1',
      matches: (exchange) => exchange.api === 'Produce' && exchange.mentions(world.topic(topics.titleAwards.name)),
      act: async (exchange, instance) => {
        const began = Date.now();
        const takenOver = takeover(world, instance);
        instance.freeze();
        try {
          exchange.answer(await exchange.forward());
          await sleep(BEYOND_SESSION_MS);
          const taken = await takenOver();
          await publishers.crown();
          await sleep(2000);
          return `${instance.name} stood still for ${Date.now() - began} ms within a transaction; ${taken}`;
        } finally {
          instance.thaw();
        }
      },
    });
    await publishers.crown();
    return met;
  },
};

/**
 * An awarder stands still just before it fences the others; its twin fences, folds and awards; then it goes on. Whatever it
 * had folded before would be out of date.
 */
const stoppedAtClaim: Fault = {
  name: 'awarder-stopped-at-claim',
  simulates: 'SIGSTOP just before the awarder fences, a twin fences and awards, SIGCONT',
  target: 'title-awarder',
  inject: async ({ world, publishers }) => {
    const state = { isMet: false };
    const met = meetKafka(world, 'title-awarder', {
      what: 'InitProducerId',
      matches: (exchange) => exchange.api === 'InitProducerId',
      act: async (exchange, instance) => {
        state.isMet = true;
        const began = Date.now();
        const takenOver = takeover(world, instance);
        instance.freeze();
        try {
          await sleep(BEYOND_SESSION_MS);
          const taken = await takenOver();
          await publishers.crown();
          const before = await endOfAwards(world);
          const deadline = Date.now() + AWARD_PATIENCE_MS;
          while ((await endOfAwards(world)) <= before) {
            if (Date.now() > deadline) throw new NotBitten('the twin awarded nothing meanwhile');
            await sleep(250);
          }
          instance.thaw();
          exchange.answer(await exchange.forward());
          // Another change, which it would decide upon by what it knows.
          await sleep(1000);
          await publishers.crown();
          await sleep(2000);
          return `${instance.name} stood still for ${Date.now() - began} ms before it fenced; ${taken}`;
        } finally {
          instance.thaw();
        }
      },
    });
    const [first, second] = world.of('title-awarder');
    for (const instance of [first, second, first]) {
      if (state.isMet || instance === undefined) break;
      // One of the two is active; when it dies, the other one claims.
      await instance.kill();
      await Promise.race([met, sleep(10_000)]);
    }
    return met;
  },
};

async function endOfAwards(world: World): Promise<number> {
  const admin = world.kafka.admin();
  await admin.connect();
  try {
    const ends = await admin.fetchTopicOffsets(world.topic(topics.titleAwards.name));
    return ends.reduce((sum, { high }) => sum + Number(high), 0);
  } finally {
    await admin.disconnect();
  }
}

const STORM_MS = 15_000;

function storm(service: Consumer): Fault {
  return {
    name: `rebalance-storm-${service.split('-')[1] ?? service}`,
    simulates: `instances of ${service} leave and join every few seconds`,
    target: service,
    inject: async ({ world, random }) => {
      const instances = world.of(service);
      const joins = (): number => instances.reduce((sum, { kafka }) => sum + kafka.count('JoinGroup'), 0);
      const before = joins();
      const until = Date.now() + STORM_MS;
      let restarts = 0;
      while (Date.now() < until) {
        const instance = random.pick(instances);
        if (random.chance(0.5)) await instance.kill();
        else {
          await instance.stop();
          await instance.start();
        }
        await instance.ready();
        restarts += 1;
        await sleep(random.between(200, 1500));
      }
      const joined = joins() - before;
      if (joined < 2 * restarts) throw new NotBitten(`${restarts} restarts made only ${joined} requests to join`);
      return `${restarts} restarts, ${joined} requests to join the group`;
    },
  };
}

const SLOW_MS = 8000;

const clickHouseSlow: Fault = {
  name: 'clickhouse-slow',
  simulates: 'every answer of ClickHouse’s takes a second longer and comes in drips',
  target: 'clickhouse',
  inject: async ({ world }) => {
    let slowed = 0;
    const removers = world.instances.map(({ http }) =>
      http.on(
        () => true,
        async (exchange) => {
          slowed += 1;
          await sleep(700);
          await exchange.drip(await exchange.forward(), 300);
        },
      ),
    );
    await sleep(SLOW_MS);
    for (const remove of removers) remove();
    if (slowed === 0) throw new NotBitten('nobody asked ClickHouse');
    return `${slowed} answers were a second late`;
  },
};

const kafkaSlow: Fault = {
  name: 'kafka-slow',
  simulates: 'every answer of the broker’s to one service’s instances takes half a second longer',
  target: 'kafka',
  inject: async ({ world, random }) => {
    const service = random.pick(['usage-ingest', 'usage-projector'] as const);
    let slowed = 0;
    const removers = world.of(service).map(({ kafka }) =>
      kafka.on(
        () => true,
        async (exchange) => {
          slowed += 1;
          const answer = await exchange.forward();
          await sleep(500);
          exchange.answer(answer);
        },
      ),
    );
    await sleep(SLOW_MS);
    for (const remove of removers) remove();
    if (slowed === 0) throw new NotBitten('nobody asked the broker');
    return `${slowed} answers to ${service} were half a second late`;
  },
};

/** Connections that stand and never answer, until they are broken. */
function halfOpen(name: string, simulates: string, service: Consumer, to: 'http' | 'kafka', holdMs: number): Fault {
  return {
    name,
    simulates,
    target: service,
    ...(holdMs > 60_000 ? { isLong: true } : {}),
    inject: async ({ world, random }) => {
      const instance = random.pick(world.of(service));
      let held = 0;
      const hold = (): Promise<void> => {
        held += 1;
        return Promise.resolve();
      };
      const remove = to === 'http' ? instance.http.on(() => true, hold) : instance.kafka.on(() => true, hold);
      await sleep(holdMs);
      remove();
      instance[to].cutAll();
      if (held === 0) throw new NotBitten(`${instance.name} asked for nothing`);
      return `${held} requests of ${instance.name} were never answered for ${holdMs / 1000} s`;
    },
  };
}

const JUMPS_MS = [-7_200_000, -90_000, 90_000, 5_400_000];

/** Not for ingest's records: their time is the broker's. What it could harm are hour ends, roll ids, windows and waits. */
function clockJumps(service: Consumer): Fault {
  return {
    name: `clock-jumps-${service.split('-')[1] ?? service}`,
    simulates: `the clock of an instance of ${service} is wrong for a while, then right again`,
    target: service,
    inject: async ({ world, random }) => {
      const instance = random.pick(world.of(service));
      const offsetMs = random.pick(JUMPS_MS);
      const file = world.clockFile(instance.name);
      await writeFile(file, String(offsetMs));
      try {
        await sleep(4000);
        const shown = Number(await readFile(`${file}.seen`, 'utf8').catch(() => '0'));
        if (Math.abs(shown - Date.now() - offsetMs) > 60_000) throw new NotBitten(`${instance.name} shows ${shown}`);
        return `${instance.name} was ${offsetMs / 1000} s off: it took it to be ${new Date(shown).toISOString()}`;
      } finally {
        await rm(file, { force: true });
        await sleep(1000);
        await rm(`${file}.seen`, { force: true });
      }
    },
  };
}

export const stalls: readonly Fault[] = [
  stopped('ingest-stopped', 'usage-ingest', 'INSERT INTO usage_events'),
  stopped('projector-stopped-in-roll', 'usage-projector', 'INSERT INTO usage_by_minute'),
  stopped('projector-stopped-in-heads', 'usage-projector', 'INSERT INTO roll_heads'),
  stopped('awarder-stopped', 'title-awarder', 'AS day_key', true),
  stoppedInTransaction,
  stoppedAtClaim,
  storm('usage-ingest'),
  storm('usage-projector'),
  clickHouseSlow,
  kafkaSlow,
  halfOpen(
    'clickhouse-half-open',
    'a firewall forgets an instance’s connections to ClickHouse',
    'usage-ingest',
    'http',
    10_000,
  ),
  halfOpen(
    'clickhouse-silent',
    'ClickHouse doesn’t answer for longer than the client waits (120 s)',
    'usage-projector',
    'http',
    125_000,
  ),
  halfOpen(
    'kafka-half-open',
    'a firewall forgets an instance’s connections to the broker',
    'usage-ingest',
    'kafka',
    12_000,
  ),
  halfOpen('kafka-half-open-projector', 'the same, of the projector', 'usage-projector', 'kafka', 12_000),
  clockJumps('usage-ingest'),
  clockJumps('usage-projector'),
  clockJumps('title-awarder'),
];
