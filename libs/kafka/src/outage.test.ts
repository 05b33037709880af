import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startKafka, type LocalKafka } from '@laurel/local-stack';
import type { Kafka } from 'kafkajs';
import { classifyKafkaFailure } from './failure.js';
import { FencedWriter } from './fenced-writer.js';
import { RecordProducer } from './producer.js';
import { readToEnd, tail } from './tail.js';
import { createTopic, eventually, newPrefix, numbers, produce, testKafka } from './testing/cluster.js';
import { commitAll, Member, valuesOf } from './testing/member.js';

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);

describe('a broker that is killed and comes back', () => {
  let dataDir: string;
  let broker: LocalKafka;
  let kafka: Kafka;
  let prefix: string;

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'laurel-kafka-'));
    broker = await startKafka({ dataDir, heapMiB: 384 });
    kafka = testKafka(broker.brokers);
  });

  afterAll(async () => {
    await broker.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  beforeEach(async () => {
    prefix = newPrefix();
    await createTopic(kafka, `${prefix}events`, 2);
  });

  const port = (): number => Number(broker.brokers[0]?.split(':')[1]);

  async function killAndRestart(): Promise<void> {
    const at = port();
    await broker.kill('SIGKILL');
    broker = await startKafka({ dataDir, port: at, heapMiB: 384 });
  }

  it('is gone on from by itself, with nothing lost, by the strategy', async () => {
    const values = new Set<number>();
    const member = await Member.start(
      'events',
      (delivery) => {
        for (const value of valuesOf(delivery)) values.add(value);
        return commitAll(delivery);
      },
      { kafka, groupId: `${prefix}group`, topicPrefix: prefix, recordedOffset: () => Promise.resolve(undefined) },
    );
    try {
      await produce(kafka, `${prefix}events`, [...numbers(0, 10), ...numbers(10, 20, 1)]);
      await eventually('what came before', () => values.size === 20);
      await killAndRestart();
      await produce(kafka, `${prefix}events`, [...numbers(20, 30), ...numbers(30, 40, 1)]);
      await eventually('what came after', () => values.size === 40);
      expect(member.fatal).toEqual([]);
      await eventually('membership', () => member.strategy.isMember);
    } finally {
      await member.stop();
    }
  });

  it('is waited for by a strategy that starts meanwhile', async () => {
    await produce(kafka, `${prefix}events`, numbers(0, 3));
    const at = port();
    await broker.kill('SIGKILL');
    const values: number[] = [];
    let attempts = 0;
    const starting = Member.start(
      'events',
      (delivery) => {
        values.push(...valuesOf(delivery));
        return commitAll(delivery);
      },
      {
        kafka: testKafka([`127.0.0.1:${at}`]),
        groupId: `${prefix}group`,
        topicPrefix: prefix,
        policy: { classify: classifyKafkaFailure, maxDelayMs: 300, onOutage: () => (attempts += 1) },
      },
    );
    await eventually('attempts', () => attempts > 0);
    broker = await startKafka({ dataDir, port: at, heapMiB: 384 });
    const member = await starting;
    try {
      await eventually('the records', () => values.length === 3);
      expect(member.fatal).toEqual([]);
    } finally {
      await member.stop();
    }
  });

  it('does not end a handler that waits through it, nor lose its batch', async () => {
    await produce(kafka, `${prefix}events`, numbers(0, 3));
    let begun = 0;
    let isBack = false;
    const done: number[] = [];
    const member = await Member.start(
      'events',
      async (delivery) => {
        begun += 1;
        while (!isBack && !delivery.signal.aborted) await new Promise((resolve) => setTimeout(resolve, 20));
        if (delivery.signal.aborted) return;
        done.push(...valuesOf(delivery));
        await commitAll(delivery);
      },
      { kafka, groupId: `${prefix}group`, topicPrefix: prefix },
    );
    try {
      await eventually('the handler', () => begun > 0);
      await killAndRestart();
      isBack = true;
      await eventually('the batch', () => new Set(done).size === 3);
      expect(member.fatal).toEqual([]);
    } finally {
      await member.stop();
    }
  });

  it('is gone on from by a reader of the whole topic, which repeats no record', async () => {
    const values: number[] = [];
    const failures: Error[] = [];
    await produce(kafka, `${prefix}events`, [...numbers(0, 10), ...numbers(10, 20, 1)]);
    const reader = await tail(kafka, {
      topic: `${prefix}events`,
      groupPrefix: prefix,
      onRecord: ({ value }) => void values.push(Number(Buffer.from(value ?? []).toString())),
      onFailure: (error) => failures.push(error),
    });
    try {
      await reader.caughtUp;
      await killAndRestart();
      await produce(kafka, `${prefix}events`, numbers(20, 30));
      await eventually('what came after', () => values.length >= 30);
      expect([...values].sort((a, b) => a - b)).toEqual(range(0, 30));
      expect(failures).toEqual([]);
    } finally {
      await reader.stop();
    }
  });

  it('is an outage to a producer, which sends through it once it is back', async () => {
    const producer = new RecordProducer(kafka, prefix);
    await producer.connect();
    try {
      const at = port();
      await broker.kill('SIGKILL');
      const failure: unknown = await producer
        .send('events', [{ key: 'k', value: Buffer.from('1') }])
        .catch((error: unknown) => error);
      expect(classifyKafkaFailure(failure)).toBe('retriable');
      broker = await startKafka({ dataDir, port: at, heapMiB: 384 });
      await eventually('a send', () =>
        producer.send('events', [{ key: 'k', value: Buffer.from('2') }]).then(
          () => true,
          (error: unknown) => {
            expect(classifyKafkaFailure(error)).toBe('retriable');
            return false;
          },
        ),
      );
    } finally {
      await producer.close();
    }
  });

  it('ends a fenced writer, whose successor finds all or nothing of its transaction', async () => {
    await createTopic(kafka, `${prefix}other`);
    const writer = await FencedWriter.claim(kafka, `${prefix}id`, prefix);
    await writer.write({
      events: [{ key: 'k', value: Buffer.from('1') }],
      other: [{ key: 'k', value: Buffer.from('1') }],
    });
    await killAndRestart();
    const written = await writer
      .write({ events: [{ key: 'k', value: Buffer.from('2') }], other: [{ key: 'k', value: Buffer.from('2') }] })
      .then(
        () => true,
        () => false,
      );
    await writer.close();
    let next: FencedWriter | undefined;
    await eventually('the successor', async () => {
      next = await FencedWriter.claim(kafka, `${prefix}id`, prefix).catch(() => undefined);
      return next !== undefined;
    });
    const read = async (topic: string): Promise<string[]> => {
      const values: string[] = [];
      await readToEnd(kafka, {
        topic: prefix + topic,
        groupPrefix: prefix,
        onRecord: ({ value }) => void values.push(Buffer.from(value ?? []).toString()),
      });
      return values;
    };
    expect(await read('events')).toEqual(await read('other'));
    if (written) expect(await read('other')).toEqual(['1', '2']);
    await next?.close();
  });
});
