import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  classifyClickHouseFailure,
  connectClickHouse,
  deleteRolls,
  headlessRolls,
  OutcomeRows,
  type ClickHouseClient,
} from '@laurel/clickhouse';
import { TestDatabase, UsageRows } from '@laurel/clickhouse/fixture';
import { topics, usageStored } from '@laurel/events';
import { applyTopics, kafkaClient, RecordProducer, type Delivery } from '@laurel/kafka';
import { dayOf, minuteOf, minuteOfDay } from '@laurel/usage';
import { outcomeEvent, usageEvent } from '@laurel/usage/fixture';
import { Projector } from './projector.js';

const brokers = process.env['LAUREL_TEST_KAFKA_BROKERS'];
if (brokers === undefined) throw new Error('run: node deploy/local/dist/with-stack.js -- <this command>');
const kafka = kafkaClient({ brokers: brokers.split(','), clientId: 'laurel-test' });
const MEMORY_LIMIT = 'Code: 241. DB::Exception: Memory limit (total) exceeded. (MEMORY_LIMIT_EXCEEDED) (version 26.7)';

/** A way to ClickHouse that can refuse a request, as a server that is short of memory does. */
class RefusingWay {
  /** Called with the head of each request's body; resolves to true to refuse it. */
  refuses: (query: string) => Promise<boolean> = () => Promise.resolve(false);
  private readonly server = createServer((incoming, outgoing) => void this.pass(incoming, outgoing));

  constructor(private readonly target: string) {}

  async open(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private async pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body: Buffer[] = [];
    for await (const chunk of incoming) body.push(chunk as Buffer);
    const query = decodeURIComponent((incoming.url ?? '').replaceAll('+', ' ')) + Buffer.concat(body).toString();
    if (await this.refuses(query)) {
      outgoing.writeHead(500, { 'x-clickhouse-exception-code': '241' }).end(MEMORY_LIMIT);
      return;
    }
    const { hostname, port } = new URL(this.target);
    const onward = request(
      { hostname, port, path: incoming.url, method: incoming.method, headers: incoming.headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    onward.on('error', () => outgoing.destroy());
    onward.end(Buffer.concat(body));
  }
}

describe('the projector', () => {
  const prefix = `t${randomBytes(4).toString('hex')}.`;
  let database: TestDatabase;
  let way: RefusingWay;
  let client: ClickHouseClient;
  let producer: RecordProducer;
  let projector: Projector;
  const fatal: unknown[] = [];

  beforeAll(async () => {
    database = await TestDatabase.create();
    way = new RefusingWay(database.connection.url);
    client = connectClickHouse({ ...database.connection, url: await way.open() });
    await applyTopics(kafka, [topics.usageProjected, topics.usageStored], { prefix, replicationFactor: -1 });
    producer = new RecordProducer(kafka, prefix);
    await producer.connect();
    projector = new Projector(
      client,
      producer,
      { classify: classifyClickHouseFailure, maxDelayMs: 200 },
      { rollIntervalMs: 50, late: { quietMs: 0, maxWaitMs: 0 }, hourCloseDelayMs: 0, sweepEveryMs: 100 },
      { onRolled: () => undefined },
      (error) => fatal.push(error),
    );
    await projector.start();
    projector.onAssigned([0]);
  });

  afterAll(async () => {
    await projector.stop();
    await producer.close();
    await client.close();
    way.close();
    await database.drop();
    expect(fatal).toEqual([]);
  });

  it('rolls again when a head could not be written, as the roll may have been swept meanwhile', async () => {
    const event = usageEvent({ occurred_at: Date.now(), tokens: { input: 5 } });
    const rows = new UsageRows();
    rows.push(event, { topic: 't', partition: 0, offset: 0, timestampMs: event.occurred_at });
    await rows.insert(database.client);

    let refused = 0;
    way.refuses = async (query) => {
      if (!query.includes('INSERT INTO roll_heads') || refused === 2) return false;
      refused += 1;
      // What another instance's sweep does when the outage lasted longer than it waits before it deletes.
      await deleteRolls(database.client, await headlessRolls(database.client));
      return true;
    };
    const committed: number[] = [];
    projector.onBatch(deliveryOf(event.occurred_at, committed));
    while (committed.length === 0 && fatal.length === 0) await sleep(20);
    expect({ committed, refused }).toEqual({ committed: [1], refused: 2 });
    expect(
      await database.rows('SELECT toUInt32(events) AS events, toUInt32(input_tokens) AS input FROM usage'),
    ).toEqual([{ events: 1, input: 5 }]);
  });

  it('rolls on while a sweep gets no answer, and sweeps again after one that failed', async () => {
    let answer: (isRefused: boolean) => void = () => undefined;
    let asked = 0;
    way.refuses = (query) => {
      if (!query.includes('SELECT DISTINCT minute AS bucket, roll_id')) return Promise.resolve(false);
      asked += 1;
      return asked > 1 ? Promise.resolve(false) : new Promise((resolve) => (answer = resolve));
    };
    while (asked === 0) await sleep(20);
    projector.onAssigned([0]);
    const committed: number[] = [];
    projector.onBatch(deliveryOf(Date.now(), committed));
    while (committed.length === 0 && fatal.length === 0) await sleep(20);
    expect(asked).toBe(1);
    answer(true);
    while (asked < 2 && fatal.length === 0) await sleep(20);
    expect({ committed, fatal }).toEqual({ committed: [1], fatal: [] });
    way.refuses = () => Promise.resolve(false);
  }, 60_000);

  it('rolls the outcomes of a day anew, also of an open one, and commits when their head is there', async () => {
    const rows = new OutcomeRows();
    const occurred_at = Date.now();
    for (const [index, quantity] of [1, 4].entries())
      rows.push(outcomeEvent({ event_id: `o-${index}`, occurred_at, quantity }), { offset: index, timestampMs: 0 });
    await rows.insert(database.client, 't', [{ partition: 0, rows: rows.length }]);
    const rolled = (): Promise<unknown[]> =>
      database.rows('SELECT user_id, kind, toUInt32(events) AS events, toUInt32(quantity) AS quantity FROM outcomes');
    expect(await rolled()).toEqual([]);
    const committed: number[] = [];
    projector.onAssigned([0]);
    projector.onBatch(deliveryOf(occurred_at, committed, true));
    while (committed.length === 0 && fatal.length === 0) await sleep(20);
    expect(await rolled()).toEqual([{ user_id: 'u-1', kind: 'commit', events: 2, quantity: 5 }]);
  });

  it('lets go of what was under way when the partitions were assigned anew', () => {
    const gone = AbortSignal.abort();
    projector.onBatch({ ...deliveryOf(Date.now(), []), assignment: gone });
    expect(projector.waitingMs()).toBe(0);
  });

  const deliveryOf = (occurredAtMs: number, committed: number[], outcomes = false): Delivery => ({
    signal: new AbortController().signal,
    assignment: new AbortController().signal,
    commit: (next) => {
      committed.push(next);
      return Promise.resolve();
    },
    batch: {
      topic: topics.usageStored.name,
      partition: 0,
      highWatermark: 1,
      records: [
        {
          offset: 0,
          key: null,
          headers: {},
          timestampMs: Date.now(),
          value: usageStored.encode({
            day: dayOf(occurredAtMs),
            minutes: outcomes ? [] : [minuteOfDay(minuteOf(occurredAtMs))],
            close_hour: null,
            cause: 'recorded',
            announced_at: Date.now(),
            oldest_record_at: null,
            outcomes,
          }),
        },
      ],
    },
  });
});
