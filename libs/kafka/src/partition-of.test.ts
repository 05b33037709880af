import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import { partitionOf } from './partition-of.js';
import { createTopic, eventually, newPrefix, testKafka } from './testing/cluster.js';

describe('partitionOf', () => {
  /** murmur2 of Kafka's own org.apache.kafka.common.utils.UtilsTest.testMurmur2. */
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('puts %s where Kafka’s Java client does', (key, hash) => {
    for (const partitions of [1, 3, 4, 6, 997]) {
      // BuiltInPartitioner.partitionForKey: Utils.toPositive(Utils.murmur2(key)) % partitions.
      expect(partitionOf(key, partitions)).toBe((hash & 0x7fffffff) % partitions);
    }
  });

  it('puts each key where our producer does', async () => {
    const kafka = testKafka();
    const topic = `${newPrefix()}events`;
    await createTopic(kafka, topic, 5);
    const keys = Array.from({ length: 200 }, (_, index) => (index % 2 === 0 ? randomUUID() : `Zoë–${index}-日`));
    const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
    const consumer = kafka.consumer({ groupId: `${topic}-group` });
    const found = new Map<string, number>();
    await Promise.all([producer.connect(), consumer.connect()]);
    try {
      await producer.send({ topic, messages: keys.map((key) => ({ key, value: '' })) });
      await consumer.subscribe({ topic, fromBeginning: true });
      await consumer.run({
        eachMessage: ({ partition, message }) => {
          found.set(String(message.key), partition);
          return Promise.resolve();
        },
      });
      await eventually('all keys', () => found.size === keys.length);
    } finally {
      await Promise.all([producer.disconnect(), consumer.disconnect()]);
    }
    expect(found).toEqual(new Map(keys.map((key) => [key, partitionOf(key, 5)])));
    expect(new Set(found.values()).size).toBe(5);
  });
});
