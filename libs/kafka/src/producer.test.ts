import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import kafkajs from 'kafkajs';
import { classifyKafkaFailure } from './failure.js';
import { batchesOf, RecordProducer, type OutgoingRecord } from './producer.js';
import { readToEnd } from './tail.js';
import type { StreamRecord } from '@laurel/stream';
import { createTopic, newPrefix, testKafka } from './testing/cluster.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const kafka = testKafka();

async function recordsOf(topic: string): Promise<StreamRecord[]> {
  const records: StreamRecord[] = [];
  await readToEnd(kafka, { topic, groupPrefix: topic, onRecord: (record) => void records.push(record) });
  return records;
}

describe('batchesOf', () => {
  it('keeps every record, in order, in batches of at most half a MiB unless one alone is larger', () => {
    const sizes = fc.array(fc.oneof(fc.nat(1000), fc.integer({ min: 100 * KIB, max: 700 * KIB })), { maxLength: 12 });
    fc.assert(
      fc.property(sizes, fc.boolean(), (list, inHeaders) => {
        const records = list.map((size, index): OutgoingRecord => {
          const bytes = new Uint8Array(size);
          return inHeaders
            ? { key: `k${index}`, value: null, headers: { big: bytes } }
            : { key: `k${index}`, value: bytes };
        });
        const batches = [...batchesOf(records)];
        expect(batches.flat()).toEqual(records);
        for (const batch of batches) {
          const bytes = batch.reduce(
            (sum, { value, headers }) => sum + (value?.length ?? 0) + (headers?.['big']?.length ?? 0),
            0,
          );
          expect(batch.length).toBeGreaterThan(0);
          expect(batch.length === 1 || bytes <= 512 * KIB).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('counts the bytes of keys, not their characters', () => {
    const records = [1, 2].map((): OutgoingRecord => ({ key: '日'.repeat(100 * KIB), value: null }));
    expect([...batchesOf(records)]).toHaveLength(2);
  });
});

describe('RecordProducer', () => {
  let prefix: string;
  const open: RecordProducer[] = [];

  beforeEach(() => {
    prefix = newPrefix();
  });

  afterEach(async () => {
    await Promise.all(open.splice(0).map((producer) => producer.close()));
  });

  async function producer(of = kafka): Promise<RecordProducer> {
    const made = new RecordProducer(of, prefix);
    open.push(made);
    await made.connect();
    return made;
  }

  it('writes keys, bytes, headers and tombstones as they are', async () => {
    await createTopic(kafka, `${prefix}t`);
    await (
      await producer()
    ).send('t', [
      { key: 'a', value: Buffer.from([0, 255, 128]), headers: { code: 'wrong_type', raw: Uint8Array.of(0, 254) } },
      { key: 'Zoë', value: null },
    ]);
    expect(await recordsOf(`${prefix}t`)).toMatchObject([
      {
        key: Buffer.from('a'),
        value: Buffer.from([0, 255, 128]),
        headers: { code: Buffer.from('wrong_type'), raw: Buffer.from([0, 254]) },
      },
      { key: Buffer.from('Zoë'), value: null },
    ]);
  });

  it('writes a record of 2 MiB with its envelope, incompressible, where the topic allows 4', async () => {
    await createTopic(kafka, `${prefix}dead`, 1, { 'max.message.bytes': String(4 * MIB) });
    const value = Buffer.alloc(2 * MIB + 64 * KIB, (Math.random() * 255) | 0);
    for (let index = 0; index < value.length; index += 4) value.writeUInt32LE((Math.random() * 2 ** 32) >>> 0, index);
    await (
      await producer()
    ).send('dead', [
      { key: 'k', value },
      { key: 'after', value: Buffer.from('it') },
    ]);
    const [large, after] = await recordsOf(`${prefix}dead`);
    expect(Buffer.compare(Buffer.from(large?.value ?? []), value)).toBe(0);
    expect(after).toMatchObject({ key: Buffer.from('after') });
  });

  it('writes many records at once whose bytes are all in their headers', async () => {
    await createTopic(kafka, `${prefix}t`);
    const noise = (): Uint8Array => Uint8Array.from({ length: 100 * KIB }, () => Math.random() * 256);
    const records = Array.from({ length: 30 }, (_, index) => ({
      key: `k${index}`,
      value: null,
      headers: { big: noise() },
    }));
    await (await producer()).send('t', records);
    expect(await recordsOf(`${prefix}t`)).toHaveLength(30);
  });

  async function failureOf(attempt: Promise<unknown>): Promise<unknown> {
    return attempt.then(
      () => {
        throw new Error('it did not fail');
      },
      (error: unknown) => error,
    );
  }

  describe('whose failures are', () => {
    it('outages while no broker answers', async () => {
      // A port that was free a moment ago.
      const server = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      const { port } = server.address() as AddressInfo;
      await new Promise((resolve) => server.close(resolve));
      const failure = await failureOf(new RecordProducer(testKafka([`127.0.0.1:${port}`]), prefix).connect());
      expect(classifyKafkaFailure(failure)).toBe('retriable');
    });

    it('outages while something else than a broker answers there', async () => {
      const server = createServer((socket) => socket.end('220 smtp.example.com\r\n')).listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      try {
        const { port } = server.address() as AddressInfo;
        const failure = await failureOf(new RecordProducer(testKafka([`127.0.0.1:${port}`]), prefix).connect());
        expect(classifyKafkaFailure(failure)).toBe('retriable');
      } finally {
        server.close();
      }
    });

    it('outages while the topic is not there (yet)', async () => {
      const failure = await failureOf((await producer()).send('missing', [{ key: 'k', value: null }]));
      expect(classifyKafkaFailure(failure)).toBe('retriable');
    });

    it('fatal where the broker refuses a record for its size', async () => {
      await createTopic(kafka, `${prefix}small`, 1, { 'max.message.bytes': '1000' });
      const value = Uint8Array.from({ length: 5000 }, () => Math.random() * 256);
      const failure = await failureOf((await producer()).send('small', [{ key: 'k', value }]));
      expect(classifyKafkaFailure(failure)).toBe('fatal');
    });

    it('fatal where they are not Kafka’s', () => {
      expect(classifyKafkaFailure(new TypeError('a bug'))).toBe('fatal');
      expect(classifyKafkaFailure('no error at all')).toBe('fatal');
      expect(classifyKafkaFailure(new kafkajs.KafkaJSNonRetriableError('refused'))).toBe('fatal');
    });
  });
});
