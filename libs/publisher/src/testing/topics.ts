import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs, { type Kafka } from 'kafkajs';
import { kafkaClient } from '@laurel/kafka/client';

/** One record as it stands in a topic. */
export interface StoredRecord {
  readonly partition: number;
  readonly key: string;
  readonly value: Buffer;
}

export function testBrokers(): string[] {
  const brokers = process.env['LAUREL_TEST_KAFKA_BROKERS'];
  if (brokers === undefined) {
    throw new Error(
      'LAUREL_TEST_KAFKA_BROKERS is not set; run with: node deploy/local/dist/with-stack.js -- <command>',
    );
  }
  return brokers.split(',');
}

/** A topic of the test's own. */
export async function newTopic(
  brokers: readonly string[],
  { partitions = 3, config = {} }: { partitions?: number; config?: Record<string, string> } = {},
): Promise<string> {
  const topic = `publisher-test-${randomUUID()}`;
  const admin = client(brokers).admin();
  await admin.connect();
  try {
    const configEntries = Object.entries({ 'message.timestamp.type': 'LogAppendTime', ...config });
    await admin.createTopics({
      waitForLeaders: false,
      topics: [
        { topic, numPartitions: partitions, configEntries: configEntries.map(([name, value]) => ({ name, value })) },
      ],
    });
    // A broker may not know, or not lead, a topic yet that its controller has just made.
    const isLed = () =>
      admin.fetchTopicOffsets(topic).then(
        () => true,
        () => false,
      );
    while (!(await isLed())) await sleep(20);
  } finally {
    await admin.disconnect();
  }
  return topic;
}

/** Reads a topic from its beginning until `isEnough` of what has come, in each partition's order. */
export async function readTopic(
  brokers: readonly string[],
  topic: string,
  isEnough: (records: readonly StoredRecord[]) => boolean,
  kafka = client(brokers),
): Promise<StoredRecord[]> {
  const records: StoredRecord[] = [];
  const consumer = kafka.consumer({ groupId: `read-${randomUUID()}` });
  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      // After other crashes, as while a coordinator is loading, kafkajs begins again by itself.
      consumer.on(consumer.events.CRASH, ({ payload }) => {
        if (!payload.restart) reject(payload.error);
      });
      void consumer.run({
        eachBatch: ({ batch }) => {
          for (const { key, value } of batch.messages) {
            if (key === null || value === null) throw new Error('a record without key or value');
            records.push({ partition: batch.partition, key: key.toString(), value });
          }
          if (isEnough(records)) resolve();
          return Promise.resolve();
        },
      });
    });
  } finally {
    await consumer.disconnect();
  }
  return records;
}

/** From now on, the names of the codecs with which records that are read were compressed. */
export function watchDecompression(): Set<string> {
  const seen = new Set<string>();
  // Registers the codecs, which are then wrapped.
  client([]);
  const codecs = kafkajs.CompressionCodecs as Record<number, () => { decompress: (bytes: Buffer) => Promise<Buffer> }>;
  for (const [name, type] of Object.entries({ gzip: 1, snappy: 2, lz4: 3 })) {
    const codec = codecs[type]?.();
    if (codec === undefined) throw new Error(`no codec for ${name}`);
    codecs[type] = () => ({
      ...codec,
      decompress: (bytes) => {
        seen.add(name);
        return codec.decompress(bytes);
      },
    });
  }
  return seen;
}

function client(brokers: readonly string[]): Kafka {
  return kafkaClient({ brokers, clientId: 'publisher-test' });
}
