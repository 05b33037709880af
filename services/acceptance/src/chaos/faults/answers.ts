import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceName } from '../../pipeline/service-process.js';
import { clickHouseError, type HttpAnswer } from '../proxies/http-proxy.js';
import { NotBitten, type Fault } from './fault.js';
import { asks, meetHttp, meetKafka } from './meet.js';
import { LONELY_MARK } from '../traffic/record-book.js';
import { refusedInserts } from './refused-rows.js';

type Consumer = Exclude<ServiceName, 'api'>;

/** The server has done it, and its answer is lost with the connection. */
function cutAfterDone(name: string, service: Consumer, request: string): Fault {
  return {
    name,
    simulates: `the connection breaks when “${request}” is done and not answered`,
    target: service,
    inject: ({ world }) =>
      meetHttp(world, service, {
        what: request,
        matches: asks(request),
        act: async (exchange, instance) => {
          const { status } = await exchange.forward();
          exchange.cut();
          return `${instance.name} lost the answer (status ${status}) to ${exchange.body.length} bytes`;
        },
      }),
  };
}

function cutKafka(
  name: string,
  service: Consumer,
  api: 'Produce' | 'OffsetCommit' | 'EndTxn',
  isCrowned = false,
): Fault {
  return {
    name,
    simulates: `the connection breaks when ${api} is done and not answered`,
    target: service,
    inject: async ({ world, publishers }) => {
      const met = meetKafka(world, service, {
        what: api,
        matches: (exchange) => exchange.api === api,
        act: async (exchange, instance) => {
          const answer = await exchange.forward();
          exchange.cut();
          return `${instance.name} lost the answer (${answer.length} bytes) to ${api} of ${exchange.frame.length} bytes`;
        },
      });
      if (isCrowned) await publishers.crown();
      return met;
    },
  };
}

const ANSWERS = 4;

/** ClickHouse says no, several times in a row. */
function answers(name: string, simulates: string, service: Consumer, request: string, answer: HttpAnswer): Fault {
  return {
    name,
    simulates,
    target: service,
    inject: async ({ world }) => {
      for (let time = 0; time < ANSWERS; time += 1) {
        await meetHttp(world, service, {
          what: request,
          matches: asks(request),
          act: (exchange) => {
            exchange.answer(answer);
            return Promise.resolve('');
          },
        });
      }
      const first = answer.body.toString().slice(0, 60).trim();
      return `${ANSWERS} requests “${request}” were answered with “${first}”`;
    },
  };
}

const badGateway: HttpAnswer = {
  status: 502,
  headers: { 'content-type': 'text/html' },
  body: Buffer.from('<html><h1>502 Bad Gateway</h1></html>'),
};

const REFUSED_ROWS = 3;

/** A type error that only some rows cause; see `refuseMarkedRows`. */
const refusedRows: Fault = {
  name: 'rows-refused',
  simulates: 'a few rows of an insert make the server refuse it, the others are sound',
  target: 'traffic',
  inject: async ({ world, publishers }) => {
    const before = refusedInserts();
    const ended = async (): Promise<number> => {
      const metrics = await Promise.all(
        world.of('usage-ingest').map(async ({ url }) => {
          const text = await fetch(`${url ?? ''}/metrics`).then(
            (answer) => answer.text(),
            () => '',
          );
          const line = text.split('\n').find((one) => one.includes('code="storage_rejected"'));
          return Number(line?.slice(line.lastIndexOf(' ')) ?? 0);
        }),
      );
      return metrics.reduce((sum, one) => sum + one, 0);
    };
    const rejected = await ended();
    await publishers.publishRefused(REFUSED_ROWS);
    const deadline = Date.now() + 30_000;
    while ((await ended()) < rejected + REFUSED_ROWS) {
      // A killed instance begins to count anew; that the refusals were isolated is compared at the end anyhow.
      if (Date.now() > deadline && refusedInserts() > before + REFUSED_ROWS) break;
      if (Date.now() > deadline + 15_000) throw new NotBitten('no insert was refused');
      await sleep(200);
    }
    return `${REFUSED_ROWS} rows were isolated by ${refusedInserts() - before} refused inserts`;
  },
};

const DELAYED_MS = 3000;

/** Rows of hours that nothing else touches: only their own announcement, made when they can be seen, gets them counted. */
const insertDelayed: Fault = {
  name: 'insert-delayed',
  simulates: 'an insert takes long to reach the server, with events of hours that nothing else touches',
  target: 'usage-ingest',
  inject: async ({ world, publishers }) => {
    let delayed = 0;
    const removers = world.of('usage-ingest').map(({ http }) =>
      http.on(
        (exchange) => asks('INSERT INTO usage_events')(exchange) && exchange.body.includes(LONELY_MARK),
        async (exchange) => {
          delayed += 1;
          await sleep(DELAYED_MS);
          exchange.answer(await exchange.forward());
        },
      ),
    );
    try {
      await publishers.publishLonely();
      const deadline = Date.now() + 30_000;
      while (delayed === 0) {
        if (Date.now() > deadline) throw new NotBitten('no insert had such events');
        await sleep(100);
      }
      await sleep(DELAYED_MS + 500);
    } finally {
      for (const remove of removers) remove();
    }
    return `${delayed} inserts were ${DELAYED_MS} ms late`;
  },
};

export const answerFaults: readonly Fault[] = [
  cutAfterDone('insert-answer-lost', 'usage-ingest', 'INSERT INTO usage_events'),
  cutAfterDone('ledger-answer-lost', 'usage-ingest', 'INSERT INTO ingest_ledger'),
  cutAfterDone('roll-answer-lost', 'usage-projector', 'INSERT INTO usage_by_minute'),
  cutAfterDone('heads-answer-lost', 'usage-projector', 'INSERT INTO roll_heads'),
  cutKafka('announcement-answer-lost', 'usage-ingest', 'Produce'),
  cutKafka('commit-answer-lost', 'usage-ingest', 'OffsetCommit'),
  cutKafka('projection-answer-lost', 'usage-projector', 'Produce'),
  cutKafka('transaction-answer-lost', 'title-awarder', 'EndTxn', true),
  answers(
    'too-many-parts',
    'ClickHouse merges too slowly',
    'usage-ingest',
    'INSERT INTO usage_events',
    clickHouseError(252, 'TOO_MANY_PARTS', 'Too many parts (3000)'),
  ),
  answers(
    'out-of-memory',
    'ClickHouse is short of memory',
    'usage-projector',
    'INSERT INTO usage_by_minute',
    clickHouseError(241, 'MEMORY_LIMIT_EXCEEDED', 'Memory limit (total) exceeded'),
  ),
  answers(
    'read-only',
    'a table is read-only, as a replica’s without its keeper',
    'usage-ingest',
    'INSERT INTO usage_events',
    clickHouseError(242, 'TABLE_IS_READ_ONLY', 'Table is in readonly mode'),
  ),
  answers(
    'too-many-queries',
    'ClickHouse has too much to do',
    'usage-projector',
    'INSERT INTO roll_heads',
    clickHouseError(202, 'TOO_MANY_SIMULTANEOUS_QUERIES', 'Too many simultaneous queries'),
  ),
  answers(
    'titles-out-of-memory',
    'ClickHouse is short of memory when titles are evaluated',
    'title-awarder',
    'AS day_key',
    clickHouseError(241, 'MEMORY_LIMIT_EXCEEDED', 'Memory limit (total) exceeded'),
  ),
  answers(
    'bad-gateway',
    'a proxy before ClickHouse has no server',
    'usage-ingest',
    'INSERT INTO usage_events',
    badGateway,
  ),
  insertDelayed,
  refusedRows,
];
