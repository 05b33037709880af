import { jest } from '@jest/globals';
import { Kafka, logLevel } from 'kafkajs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive, startAndKillParent, until } from '../testing/processes.js';
import { startKafka, type LocalKafka } from './start.js';

jest.setTimeout(120_000);

let dataDir: string;
let kafka: LocalKafka;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'laurel-kafka-'));
  kafka = await startKafka({ dataDir });
});

afterAll(async () => {
  await kafka.stop();
  await rm(dataDir, { recursive: true });
});

const client = (): Kafka => new Kafka({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING });
const portOf = ({ brokers }: LocalKafka): number => Number(brokers[0]?.split(':')[1]);

async function createTopic(topic: string): Promise<void> {
  const admin = client().admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 2 }], waitForLeaders: false });
  // A broker may not know, or not lead, a topic yet that its controller has just made.
  const isLed = (): Promise<boolean> =>
    admin.fetchTopicOffsets(topic).then(
      () => true,
      () => false,
    );
  await until(isLed);
  await admin.disconnect();
}

async function send(topic: string, ...values: string[]): Promise<void> {
  const producer = client().producer();
  await producer.connect();
  await producer.send({ topic, acks: -1, messages: values.map((value) => ({ value })) });
  await producer.disconnect();
}

/** Reads a topic as a group of its own until it has `count` records. */
async function receive(topic: string, count: number): Promise<string[]> {
  const consumer = client().consumer({ groupId: `${topic}-${count}` });
  const values: string[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: ({ message }) => Promise.resolve(void values.push(message.value?.toString() ?? '')),
  });
  await until(() => values.length >= count);
  await consumer.disconnect();
  return values.sort();
}

it('takes and gives records, and keeps them over a stop and a kill -9', async () => {
  await createTopic('kept');
  await send('kept', 'a');
  expect(await receive('kept', 1)).toEqual(['a']);

  await kafka.stop();
  kafka = await startKafka({ dataDir, port: portOf(kafka) });
  await send('kept', 'b');
  expect(await receive('kept', 2)).toEqual(['a', 'b']);

  await send('kept', 'c');
  await kafka.kill('SIGKILL');
  kafka = await startKafka({ dataDir, port: portOf(kafka) });
  expect(await receive('kept', 3)).toEqual(['a', 'b', 'c']);
});

it('commits transactions', async () => {
  await createTopic('transacted');
  const producer = client().producer({ transactionalId: 'test', maxInFlightRequests: 1, idempotent: true });
  await producer.connect();
  const aborted = await producer.transaction();
  await aborted.send({ topic: 'transacted', messages: [{ value: 'aborted' }] });
  await aborted.abort();
  const committed = await producer.transaction();
  await committed.send({ topic: 'transacted', messages: [{ value: 'committed' }] });
  await committed.commit();
  await producer.disconnect();
  expect(await receive('transacted', 1)).toEqual(['committed']);
});

it('creates no topic that nobody asked for', async () => {
  const producer = client().producer({ allowAutoTopicCreation: true, retry: { retries: 0 } });
  await producer.connect();
  await expect(producer.send({ topic: 'unasked', messages: [{ value: 'x' }] })).rejects.toThrow();
  await producer.disconnect();
});

it('refuses a data directory that is in use, and names the process', async () => {
  await expect(startKafka({ dataDir })).rejects.toThrow(`in use by another process (pid ${kafka.pid})`);
});

it('refuses a port that is taken', async () => {
  const other = join(dataDir, 'other');
  await expect(startKafka({ dataDir: other, port: portOf(kafka) })).rejects.toThrow('is taken');
});

it('ends when the process that started it is killed', async () => {
  const pid = await startAndKillParent('startKafka', join(dataDir, 'orphan'));
  try {
    await until(() => !isAlive(pid));
  } finally {
    if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  }
});
