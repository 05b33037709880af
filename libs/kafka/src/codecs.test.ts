import kafkajs from 'kafkajs';
import { readToEnd } from './tail.js';
import { createTopic, newPrefix, produce, testKafka } from './testing/cluster.js';

const kafka = testKafka();

/** Some that compress well and some that don't, in all more than a codec's block. */
const VALUES = Array.from({ length: 400 }, (_, index) =>
  index % 2 === 0
    ? `${index} ${'tokens '.repeat(100)}`
    : `${index} ${Array.from({ length: 400 }, () => Math.random().toString(36).slice(2)).join('')}`,
);

async function valuesOf(topic: string): Promise<string[]> {
  const values: string[] = [];
  await readToEnd(kafka, {
    topic,
    groupPrefix: topic,
    onRecord: ({ value }) => void values.push(Buffer.from(value ?? []).toString()),
  });
  return values;
}

describe('records are read that', () => {
  // The broker compresses anew what it stores for such a topic, by the same code as Kafka's Java producer.
  it.each(['gzip', 'snappy', 'lz4', 'zstd'])('Kafka itself has compressed with %s', async (codec) => {
    const topic = `${newPrefix()}${codec}`;
    await createTopic(kafka, topic, 1, { 'compression.type': codec, 'max.message.bytes': String(4 * 1024 * 1024) });
    await produce(
      kafka,
      topic,
      VALUES.map((value) => ({ value })),
    );
    expect(await valuesOf(topic)).toEqual(VALUES);
  });

  // Snappy is then in raw blocks, as librdkafka writes it; Kafka's own are in the framing of Java's library.
  it.each(['GZIP', 'Snappy', 'LZ4'] as const)('our own client has compressed with %s', async (codec) => {
    const topic = `${newPrefix()}${codec}`;
    await createTopic(kafka, topic, 1, { 'max.message.bytes': String(4 * 1024 * 1024) });
    const messages = VALUES.map((value) => ({ value }));
    await produce(kafka, topic, messages, kafkajs.CompressionTypes[codec]);
    expect(await valuesOf(topic)).toEqual(VALUES);
  });
});
