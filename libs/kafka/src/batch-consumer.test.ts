import type { Batch, Consumer, ConsumerConfig } from 'kafkajs';
import fc from 'fast-check';
import kafkajs from 'kafkajs';
import type { StreamRecord } from '@laurel/stream';
import { batchConsumer, recordsOf } from './batch-consumer.js';
import { MAX_UNPACKED_BYTES } from './fetch-response.js';
import { FetchedRecord } from './fetched-record.js';
import { toRecord } from './records.js';
import {
  createTopic,
  eventually,
  newPrefix,
  numbers,
  produce,
  produceTransactions,
  testKafka,
} from './testing/cluster.js';
import { WireReader } from './wire-reader.js';

const kafka = testKafka();
const { None, GZIP, Snappy, LZ4 } = kafkajs.CompressionTypes;

/** All of a record, as one can compare it. */
const plain = ({ offset, key, value, headers, timestampMs }: StreamRecord): unknown => ({
  offset,
  timestampMs,
  key: key === null ? null : Buffer.from(key).toString('latin1'),
  value: value === null ? null : Buffer.from(value).toString('latin1'),
  headers: Object.fromEntries(
    Object.entries(headers).map(([name, bytes]) => [name, Buffer.from(bytes ?? []).toString('latin1')]),
  ),
});

/** The records of one partition from an offset to the end, as a consumer hands them over. */
async function read(
  newConsumer: (config: Pick<ConsumerConfig, 'groupId' | 'maxWaitTimeInMs'>) => Consumer,
  recordsIn: (batch: Batch) => readonly StreamRecord[],
  topic: string,
  from = 0,
): Promise<StreamRecord[]> {
  const admin = kafka.admin();
  await admin.connect();
  const [ends] = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  const consumer = newConsumer({ groupId: newPrefix(), maxWaitTimeInMs: 50 });
  const found: StreamRecord[] = [];
  let next = 0;
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
    next = Math.max(next, Number(payload.lastOffset) + 1);
  });
  const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: ({ batch }) => {
        found.push(...recordsIn(batch));
        return Promise.resolve();
      },
    });
    // A broker that has just begun keeps its first groups waiting.
    await joined;
    consumer.seek({ topic, partition: 0, offset: String(from) });
    await eventually('the end', () => next >= Number(ends?.high));
    // Some may have been read before the seek took effect, and again after it.
    return [...new Map(found.map((record) => [record.offset, record])).values()]
      .filter(({ offset }) => offset >= from)
      .sort((a, b) => a.offset - b.offset);
  } finally {
    await consumer.disconnect();
  }
}
const byUs = (topic: string, from?: number): Promise<StreamRecord[]> =>
  read(
    (config) =>
      batchConsumer(kafka, {
        ...config,
        onFailure: (error) => {
          throw error;
        },
      }),
    recordsOf,
    topic,
    from,
  );
const byKafkajs = (topic: string, from?: number): Promise<StreamRecord[]> =>
  read(
    (config) => kafka.consumer(config),
    ({ messages }) => messages.map(toRecord),
    topic,
    from,
  );

describe('a consumer with a decoder of its own', () => {
  it('reads every record as kafkajs does, whatever its time, key, value, headers and compression', async () => {
    const topic = `${newPrefix()}mixed`;
    await createTopic(kafka, topic, 1, { 'message.timestamp.type': 'CreateTime' });
    const bytes = fc.uint8Array({ maxLength: 300 }).map((one) => Buffer.from(one));
    const header = fc.oneof(bytes, fc.array(bytes, { minLength: 2, maxLength: 3 }));
    const message = fc.record({
      partition: fc.constant(0),
      key: fc.option(bytes),
      value: fc.option(bytes),
      headers: fc.dictionary(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), header, { maxKeys: 3 }),
      // The broker refuses what is more than a day ahead, and 0 stands for now.
      timestamp: fc.integer({ min: 1, max: Date.now() }).map(String),
    });
    const codecs = fc.constantFrom(None, GZIP, Snappy, LZ4);
    const sends = fc.sample(fc.tuple(fc.array(message, { minLength: 1, maxLength: 40 }), codecs), 12);
    for (const [messages, codec] of sends) await produce(kafka, topic, messages, codec);
    const records = await byUs(topic);
    expect(records).toHaveLength(sends.reduce((sum, [messages]) => sum + messages.length, 0));
    expect(records.map(plain)).toEqual((await byKafkajs(topic)).map(plain));
  });

  it('takes the time at which the log has got a record, where the topic says so', async () => {
    const topic = `${newPrefix()}appended`;
    await createTopic(kafka, topic, 1, { 'message.timestamp.type': 'LogAppendTime' });
    await produce(kafka, topic, [{ value: '1', timestamp: '1000' }]);
    const [record] = await byUs(topic);
    expect(record?.timestampMs).toBeGreaterThan(Date.now() - 60_000);
    expect((await byKafkajs(topic)).map(plain)).toEqual([record].map((one) => one && plain(one)));
  });

  it('begins within a batch exactly where it was told to', async () => {
    const topic = `${newPrefix()}within`;
    await createTopic(kafka, topic);
    await produce(kafka, topic, numbers(0, 100), GZIP);
    expect((await byUs(topic, 40)).map(({ offset }) => offset)).toEqual(
      Array.from({ length: 60 }, (_, index) => 40 + index),
    );
  });

  it('hands out no aborted record, also when it begins within two transactions that are aborted', async () => {
    const topic = `${newPrefix()}aborted`;
    await createTopic(kafka, topic);
    const producers = ['a', 'b'].map((name) =>
      kafka.producer({ transactionalId: `${topic}${name}`, idempotent: true, maxInFlightRequests: 1 }),
    );
    await Promise.all(producers.map((one) => one.connect()));
    const transactions = [];
    for (const one of producers) transactions.push(await one.transaction());
    for (let round = 0; round < 4; round += 1) {
      for (const one of transactions) await one.send({ topic, messages: [{ value: 'aborted', partition: 0 }] });
    }
    for (const one of transactions) await one.abort();
    await Promise.all(producers.map((one) => one.disconnect()));
    await produceTransactions(kafka, topic, [{ messages: numbers(0, 2), end: 'commit' }]);
    for (const from of [0, 2, 3, 5, 7]) {
      expect((await byUs(topic, from)).map(({ value }) => Buffer.from(value ?? []).toString())).toEqual(['0', '1']);
    }
  });

  it('leaves other consumers of the same client as they are', async () => {
    const topic = `${newPrefix()}beside`;
    await createTopic(kafka, topic);
    await produce(kafka, topic, numbers(0, 3));
    const [ours, theirs] = await Promise.all([byUs(topic), byKafkajs(topic)]);
    expect(ours.map(plain)).toEqual(theirs.map(plain));
    expect(ours).toHaveLength(3);
  });
});

it('a header without a value has no bytes, and does not hide what comes after it', () => {
  // Two headers, of which the first is "a" without a value (−1) and the second "b" with "1".
  const source = Buffer.from([4, 2, 0x61, 1, 2, 0x62, 2, 0x31]);
  const record = new FetchedRecord(source, 0, 0, 0, -1, 0, -1, 0);
  expect(plain(record)).toMatchObject({ key: null, value: null, headers: { a: '', b: '1' } });
});

describe('WireReader', () => {
  /** As Kafka's Java client writes it (ByteUtils.writeVarlong). */
  function varlong(value: bigint): Buffer {
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
    const bytes: number[] = [];
    for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    return Buffer.from([...bytes, Number(rest)]);
  }

  it('reads every varint that is exact as a number', () => {
    const edges = [0, 1, 63, 64, 8191, 8192, 2 ** 27 - 1, 2 ** 27, 2 ** 31, 2 ** 40, 2 ** 52 - 1];
    const any = fc
      .oneof(
        fc.constantFrom(...edges),
        fc.maxSafeNat().map((one) => one % 2 ** 52),
      )
      .chain((one) => fc.constantFrom(one, 0 - one));
    fc.assert(
      fc.property(fc.array(any, { minLength: 1 }), (values) => {
        const wire = new WireReader(Buffer.concat(values.map((value) => varlong(BigInt(value)))));
        for (const value of values) expect(wire.varint()).toBe(value);
      }),
    );
  });

  it('reads whole numbers of 64 bits', () => {
    fc.assert(
      fc.property(fc.oneof(fc.maxSafeNat(), fc.constant(-1)), (value) => {
        const bytes = Buffer.alloc(8);
        bytes.writeBigInt64BE(BigInt(value));
        expect(new WireReader(bytes).int64()).toBe(value);
      }),
    );
  });

  it('reads a batch that comes to more than there is room for as one record that says so, and goes on', async () => {
    const topic = `${newPrefix()}bomb`;
    await createTopic(kafka, topic, 1);
    await produce(kafka, topic, [{ value: 'before' }]);
    await produce(kafka, topic, [{ value: 'small' }, { value: Buffer.alloc(MAX_UNPACKED_BYTES) }], GZIP);
    await produce(kafka, topic, [{ value: 'after' }]);
    const [before, bomb, after, ...more] = await byUs(topic);
    expect([before?.offset, bomb?.offset, after?.offset, more]).toEqual([0, 2, 3, []]);
    expect(bomb?.unreadable?.firstOffset).toBe(1);
    expect(bomb?.unreadable?.why).toMatch(/^the batch of offsets 1 to 2 can't be read: .*67108864/);
    expect(bomb?.value?.length).toBeLessThan(1024 * 1024);
    expect(Buffer.from(after?.value ?? []).toString()).toBe('after');
  });
});
