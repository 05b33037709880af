import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs, { type Kafka, type Message } from 'kafkajs';
import { withAdmin } from '../ask-admin.js';
import { kafkaClient } from '../client/index.js';

/** The broker that the tests share. */
export function testBrokers(): string[] {
  const brokers = process.env['LAUREL_TEST_KAFKA_BROKERS'];
  if (brokers === undefined) {
    throw new Error(
      'LAUREL_TEST_KAFKA_BROKERS is not set; run with: node deploy/local/dist/with-stack.js -- <command>',
    );
  }
  return brokers.split(',');
}

export const testKafka = (brokers: readonly string[] = testBrokers()): Kafka =>
  kafkaClient({ brokers, clientId: 'laurel-kafka-test' });

/** A prefix of the test's own, for topics, groups and transactional ids. */
export const newPrefix = (): string => `kafka-test-${randomUUID()}.`;

export { withAdmin };

export async function createTopic(
  kafka: Kafka,
  topic: string,
  numPartitions = 1,
  config: Readonly<Record<string, string>> = {},
): Promise<void> {
  await withAdmin(kafka, async (admin) => {
    await admin.createTopics({
      topics: [
        { topic, numPartitions, configEntries: Object.entries(config).map(([name, value]) => ({ name, value })) },
      ],
      waitForLeaders: false,
    });
    // A broker may not know, or not lead, a topic yet that its controller has just made.
    await eventually(`the topic ${topic}`, () =>
      admin.fetchTopicOffsets(topic).then(
        (partitions) => partitions.length === numPartitions,
        () => false,
      ),
    );
  });
}

/** Values `from` … `to - 1` as records of one partition. */
export const numbers = (from: number, to: number, partition = 0): Message[] =>
  Array.from({ length: to - from }, (_, index) => ({
    partition,
    key: `k${from + index}`,
    value: String(from + index),
  }));

export async function produce(
  kafka: Kafka,
  topic: string,
  messages: Message[],
  compression = kafkajs.CompressionTypes.None,
): Promise<void> {
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  try {
    await producer.send({ topic, messages, compression, acks: -1 });
  } finally {
    await producer.disconnect();
  }
}

/** One transaction a list, each committed or aborted. Resolves when they have ended for readers too. */
export async function produceTransactions(
  kafka: Kafka,
  topic: string,
  transactions: readonly { readonly messages: Message[]; readonly end: 'commit' | 'abort' }[],
): Promise<void> {
  const transactionalId = randomUUID();
  const newProducer = () =>
    kafka.producer({
      transactionalId,
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      // kafkajs has few retries in tests, and the broker may still be ending the former transaction.
      retry: { retries: 20 },
    });
  const producer = newProducer();
  // The broker answers a commit before it has marked the partitions, but a new claim only afterwards.
  const successor = newProducer();
  await Promise.all([producer.connect(), successor.connect()]);
  try {
    for (const { messages, end } of transactions) {
      const transaction = await producer.transaction();
      await eventually('the former transaction to end', () =>
        transaction.send({ topic, messages, acks: -1 }).then(
          () => true,
          (error: unknown) => {
            if (String(error).includes('concurrent operation')) return false;
            throw error;
          },
        ),
      );
      await transaction[end]();
    }
    await successor.transaction();
  } finally {
    await Promise.all([producer.disconnect(), successor.disconnect()]);
  }
}

export async function deleteRecordsBefore(kafka: Kafka, topic: string, offset: number, partition = 0): Promise<void> {
  await withAdmin(kafka, async (admin) => {
    // kafkajs deletes only from topics that this client has asked for already.
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] });
  });
}

/** The group's committed offset; undefined when it has none. */
export async function committedOffset(
  kafka: Kafka,
  groupId: string,
  topic: string,
  partition = 0,
): Promise<number | undefined> {
  return withAdmin(kafka, async (admin) => {
    const [group] = await admin.fetchOffsets({ groupId, topics: [topic] });
    const offset = Number(group?.partitions.find((one) => one.partition === partition)?.offset ?? -1);
    return offset < 0 ? undefined : offset;
  });
}

/** Sets a group's offset from outside; the group must have no members. */
export async function setCommitted(kafka: Kafka, groupId: string, topic: string, offset: number): Promise<void> {
  await withAdmin(kafka, (admin) =>
    admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: String(offset) }] }),
  );
}

/** Asks until it is so. @throws Error that says what was waited for, after three minutes. */
export async function eventually(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 180_000;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`waited three minutes for ${what}`);
    await sleep(20);
  }
}
