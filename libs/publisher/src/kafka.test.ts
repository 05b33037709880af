import { createRequire } from 'node:module';
import { outcomeRecorded, usageRecorded } from '@laurel/events';
import { kafkaClient } from '@laurel/kafka/client';
import type { PublisherError } from './errors.js';
import { createPublisher, type Compression, type PublisherOptions } from './index.js';
import { newTopic, readTopic, testBrokers, watchDecompression } from './testing/topics.js';
import { usage } from './testing/usage.js';

const decoded = (records: readonly { value: Buffer }[]) => records.map(({ value }) => usageRecorded.decode(value));

const publisherOn = (topic: string, options: Partial<PublisherOptions> = {}) =>
  createPublisher({ kafka: { brokers: testBrokers() }, source: 'kafka-test', topic, ...options });

it.each<Compression>(['lz4', 'gzip', 'snappy', 'none'])(
  "publishes with compression %s, every user's events on one partition and in their order",
  async (compression) => {
    const topic = await newTopic(testBrokers());
    const publisher = publisherOn(topic, { compression, maxBatchBytes: 16 * 1024 });
    const count = 1_000;
    for (let at = 0; at < count; at += 1) {
      publisher.record(usage({ user_id: `u-${at % 7}`, event_id: `e-${at}`, tokens: { input: at } }));
    }
    expect(await publisher.close()).toEqual({ undelivered: [] });
    expect(publisher.stats()).toMatchObject({ acknowledged: count, retries: 0 });
    expect(publisher.stats().batches).toBeGreaterThan(1);

    const kafka = kafkaClient({ brokers: testBrokers(), clientId: 'compression-test' });
    const codecs = watchDecompression();
    const records = await readTopic(testBrokers(), topic, ({ length }) => length >= count, kafka);
    expect(records).toHaveLength(count);
    for (let user = 0; user < 7; user += 1) {
      const own = records.filter(({ key }) => key === `u-${user}`);
      expect(new Set(own.map(({ partition }) => partition)).size).toBe(1);
      const inputs = decoded(own).map(({ tokens }) => tokens.input);
      expect(inputs).toEqual([...inputs].sort((a, b) => a - b));
      expect(inputs).toHaveLength(Math.ceil((count - user) / 7));
    }
    expect([...codecs]).toEqual(compression === 'none' ? [] : [compression]);
  },
);

it('publishes outcomes on a topic of their own', async () => {
  const [topic, outcomesTopic] = [await newTopic(testBrokers()), await newTopic(testBrokers())];
  const publisher = publisherOn(topic, { outcomesTopic });
  for (let at = 0; at < 100; at += 1) {
    publisher.record(usage({ event_id: `e-${at}` }));
    publisher.recordOutcome({ user_id: 'u-1', kind: 'commit', event_id: `o-${at}` });
  }
  expect(await publisher.close()).toEqual({ undelivered: [] });
  const events = await readTopic(testBrokers(), topic, ({ length }) => length >= 100);
  expect(decoded(events).map(({ event_id }) => event_id)).toEqual(Array.from({ length: 100 }, (_, at) => `e-${at}`));
  const outcomes = await readTopic(testBrokers(), outcomesTopic, ({ length }) => length >= 100);
  expect(outcomes.map(({ key, value }) => [key, outcomeRecorded.decode(value).event_id])).toEqual(
    Array.from({ length: 100 }, (_, at) => ['u-1', `o-${at}`]),
  );
});

it('puts a user on the partition that the Java client chooses', async () => {
  const topic = await newTopic(testBrokers(), { partitions: 6 });
  const publisher = publisherOn(topic);
  const users = Array.from({ length: 20 }, (_, at) => `u-${at}`);
  for (const user_id of users) publisher.record(usage({ user_id }));
  await publisher.close();
  const records = await readTopic(testBrokers(), topic, ({ length }) => length >= users.length);
  const murmur2 = createRequire(import.meta.url)('kafkajs/src/producer/partitioners/default/murmur2') as (
    key: string,
  ) => number;
  for (const { key, partition } of records) expect(partition).toBe((murmur2(key) & 0x7fffffff) % 6);
});

it('hands back what is too large for the topic, and everything behind it arrives', async () => {
  const topic = await newTopic(testBrokers(), { config: { 'max.message.bytes': '2000' } });
  const errors: PublisherError[] = [];
  const publisher = publisherOn(topic, { compression: 'none', onError: (error) => errors.push(error) });
  for (let at = 0; at < 100; at += 1) {
    const attributes = at === 40 ? { long: 'x'.repeat(4_000) } : {};
    publisher.record(usage({ event_id: `e-${at}`, attributes }));
  }
  await expect(publisher.flush()).rejects.toMatchObject({
    code: 'undeliverable',
    undelivered: [{ code: 'record_too_large', usage: { event_id: 'e-40' } }],
  });
  // A slow broker may have been told of besides.
  expect(errors.map(({ code }) => code).filter((code) => code !== 'delivery_delayed')).toEqual(['record_too_large']);
  await publisher.close();
  const records = await readTopic(testBrokers(), topic, ({ length }) => length >= 99);
  expect(decoded(records).map(({ event_id }) => event_id)).toEqual(
    Array.from({ length: 100 }, (_, at) => `e-${at}`).filter((id) => id !== 'e-40'),
  );
});

it('waits for a topic that does not exist yet, and says so', async () => {
  const topic = `absent-${Date.now()}`;
  const errors: PublisherError[] = [];
  const publisher = publisherOn(topic, { onError: (error) => errors.push(error) });
  publisher.record(usage());
  await expect(publisher.flush({ timeoutMs: 2_000 })).rejects.toMatchObject({ code: 'timeout' });
  expect(errors.map(({ code }) => code)).toEqual(['delivery_delayed']);
  expect(publisher.stats()).toMatchObject({ buffered: 1, acknowledged: 0 });
  const { undelivered } = await publisher.close({ timeoutMs: 0 });
  expect(undelivered).toHaveLength(1);
});

it('connects again after it was idle', async () => {
  const topic = await newTopic(testBrokers());
  const publisher = publisherOn(topic, { idleDisconnectMs: 100 });
  for (const event_id of ['first', 'second']) {
    publisher.record(usage({ event_id }));
    await publisher.flush();
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  await publisher.close();
  expect(publisher.stats().retries).toBe(0);
  expect(await readTopic(testBrokers(), topic, ({ length }) => length >= 2)).toHaveLength(2);
});

it.each([
  [{ kafka: { brokers: [] } }, 'kafka.brokers names no broker'],
  [{ kafka: undefined as never }, 'kafka.brokers names no broker'],
  [{ outcomesTopic: 'usage.events.v1' }, 'outcomesTopic is the topic of usage events'],
  [{ compression: 'zstd' as never }, 'compression is not one of lz4, gzip, snappy, none'],
])('refuses options that cannot work: %j', (given, message) => {
  expect(() => createPublisher({ kafka: { brokers: ['localhost:1'] }, source: 's', ...given })).toThrow(message);
});
