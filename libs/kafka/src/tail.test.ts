import { readToEnd, tail, type Tail } from './tail.js';
import {
  createTopic,
  deleteRecordsBefore,
  eventually,
  newPrefix,
  numbers,
  produce,
  produceTransactions,
  testKafka,
} from './testing/cluster.js';

const kafka = testKafka();

describe('reading a whole topic', () => {
  let groupPrefix: string;
  let topic: string;
  const open: Tail[] = [];

  beforeEach(() => {
    groupPrefix = newPrefix();
    topic = `${groupPrefix}events`;
  });

  afterEach(async () => {
    await Promise.all(open.splice(0).map((reader) => reader.stop()));
  });

  async function valuesToEnd(): Promise<string[]> {
    const values: string[] = [];
    await readToEnd(kafka, {
      topic,
      groupPrefix,
      onRecord: ({ value }) => void values.push(Buffer.from(value ?? []).toString()),
    });
    return values;
  }

  it('ends at once where there is nothing', async () => {
    await createTopic(kafka, topic, 3);
    expect(await valuesToEnd()).toEqual([]);
  });

  it('hands over every record of every partition once, in each partition’s order', async () => {
    await createTopic(kafka, topic, 3);
    await produce(kafka, topic, [...numbers(0, 50), ...numbers(100, 150, 1)]);
    const values = await valuesToEnd();
    expect(values.filter((value) => Number(value) < 100)).toEqual(numbers(0, 50).map(({ value }) => value));
    expect(values.filter((value) => Number(value) >= 100)).toEqual(numbers(100, 150).map(({ value }) => value));
  });

  it('ends behind the marker that ends a transaction', async () => {
    await createTopic(kafka, topic);
    await produceTransactions(kafka, topic, [{ messages: numbers(0, 3), end: 'commit' }]);
    expect(await valuesToEnd()).toEqual(['0', '1', '2']);
  });

  it('ends behind aborted transactions, of which it hands over nothing', async () => {
    await createTopic(kafka, topic);
    await produceTransactions(kafka, topic, [
      { messages: numbers(0, 3), end: 'commit' },
      { messages: numbers(3, 6), end: 'abort' },
    ]);
    expect(await valuesToEnd()).toEqual(['0', '1', '2']);
  });

  it('ends where a topic holds nothing but aborted transactions', async () => {
    await createTopic(kafka, topic, 2);
    await produceTransactions(kafka, topic, [
      { messages: numbers(3, 6), end: 'abort' },
      { messages: numbers(6, 9), end: 'abort' },
    ]);
    expect(await valuesToEnd()).toEqual([]);
  });

  it('begins where the log begins', async () => {
    await createTopic(kafka, topic);
    await produce(kafka, topic, numbers(0, 10));
    await deleteRecordsBefore(kafka, topic, 7);
    expect(await valuesToEnd()).toEqual(['7', '8', '9']);
    await deleteRecordsBefore(kafka, topic, 10);
    expect(await valuesToEnd()).toEqual([]);
  });

  it('goes on with what comes', async () => {
    await createTopic(kafka, topic);
    await produce(kafka, topic, numbers(0, 3));
    const values: number[] = [];
    const reader = await tail(kafka, {
      topic,
      groupPrefix,
      onRecord: ({ value }) => void values.push(Number(Buffer.from(value ?? []).toString())),
    });
    open.push(reader);
    await reader.caughtUp;
    expect(values).toEqual([0, 1, 2]);
    await produceTransactions(kafka, topic, [{ messages: numbers(3, 6), end: 'commit' }]);
    await eventually('the later records', () => values.length === 6);
    expect(values).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('fails when a record can’t be taken, and hands over no more', async () => {
    await createTopic(kafka, topic);
    await produce(kafka, topic, numbers(0, 3));
    const bug = new Error('not what was agreed');
    const failures: Error[] = [];
    let taken = 0;
    const reader = await tail(kafka, {
      topic,
      groupPrefix,
      onRecord: () => {
        taken += 1;
        throw bug;
      },
      onFailure: (error) => failures.push(error),
    });
    open.push(reader);
    await expect(reader.caughtUp).rejects.toBe(bug);
    await produce(kafka, topic, numbers(3, 6));
    expect(failures).toEqual([bug]);
    expect(taken).toBe(1);
  });

  it('fails where the topic is missing, and leaves nothing open', async () => {
    await expect(valuesToEnd()).rejects.toThrow(/does not host this topic-partition/);
  });
});
