import { RangeReader } from './read-range.js';
import {
  createTopic,
  deleteRecordsBefore,
  newPrefix,
  numbers,
  produce,
  produceTransactions,
  testKafka,
} from './testing/cluster.js';

const kafka = testKafka();

describe('reading a part of a partition', () => {
  let topic: string;
  const open: RangeReader[] = [];

  async function reader(maxBytesPerPartition?: number): Promise<RangeReader> {
    const one = await RangeReader.open(kafka, {
      topic,
      groupPrefix: topic,
      ...(maxBytesPerPartition === undefined ? {} : { maxBytesPerPartition }),
    });
    open.push(one);
    return one;
  }

  async function values(of: RangeReader, partition: number, from: number, end: number): Promise<string[]> {
    const found: string[] = [];
    for await (const records of of.read(partition, from, end)) {
      found.push(...records.map(({ value }) => Buffer.from(value ?? []).toString()));
    }
    return found;
  }
  const valuesOf = (from: number, to: number): unknown[] => numbers(from, to).map(({ value }) => value);

  beforeEach(() => {
    topic = `${newPrefix()}events`;
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.close()));
  });

  it('hands over exactly the records from one offset to another, in any order of parts', async () => {
    await createTopic(kafka, topic, 2);
    await produce(kafka, topic, [...numbers(0, 100), ...numbers(200, 300, 1)]);
    const one = await reader();
    expect(await values(one, 0, 90, 100)).toEqual(valuesOf(90, 100));
    expect(await values(one, 0, 10, 13)).toEqual(valuesOf(10, 13));
    expect(await values(one, 0, 13, 13)).toEqual([]);
    const both = await Promise.all([values(one, 0, 0, 100), values(one, 1, 50, 60)]);
    expect(both).toEqual([valuesOf(0, 100), valuesOf(250, 260)]);
  });

  it('goes on over as many fetches as it takes', async () => {
    await createTopic(kafka, topic);
    for (let from = 0; from < 200; from += 20) await produce(kafka, topic, numbers(from, from + 20));
    const one = await reader(200);
    let lists = 0;
    const found: unknown[] = [];
    for await (const records of one.read(0, 5, 195)) {
      lists += 1;
      found.push(...records.map(({ value }) => Buffer.from(value ?? []).toString()));
    }
    expect(found).toEqual(valuesOf(5, 195));
    expect(lists).toBeGreaterThan(5);
  });

  it('may be left early and read elsewhere', async () => {
    await createTopic(kafka, topic);
    await produce(kafka, topic, numbers(0, 50));
    await produce(kafka, topic, numbers(50, 100));
    const one = await reader(100);
    for await (const records of one.read(0, 60, 100)) {
      expect(records[0]?.offset).toBe(60);
      break;
    }
    expect(await values(one, 0, 0, 5)).toEqual(valuesOf(0, 5));
  });

  it('ends where only markers and aborted records are left, and hands over none of those', async () => {
    await createTopic(kafka, topic);
    await produceTransactions(kafka, topic, [
      { messages: numbers(0, 3), end: 'commit' },
      { messages: numbers(3, 6), end: 'abort' },
      { messages: numbers(6, 8), end: 'abort' },
    ]);
    // 0–2, marker 3, 4–6 aborted, marker 7, 8–9 aborted, marker 10.
    const one = await reader();
    expect(await values(one, 0, 0, 11)).toEqual(['0', '1', '2']);
    expect(await values(one, 0, 3, 11)).toEqual([]);
    expect(await values(one, 0, 3, 4)).toEqual([]);
  });

  it('ends where retention has deleted the records', async () => {
    await createTopic(kafka, topic);
    await produce(kafka, topic, numbers(0, 10));
    await deleteRecordsBefore(kafka, topic, 7);
    const one = await reader();
    expect(await values(one, 0, 2, 9)).toEqual(['7', '8']);
    expect(await values(one, 0, 2, 5)).toEqual([]);
  });

  it('ends where retention has deleted everything', async () => {
    await createTopic(kafka, topic);
    await produce(kafka, topic, numbers(0, 10));
    await deleteRecordsBefore(kafka, topic, 10);
    expect(await values(await reader(), 0, 2, 9)).toEqual([]);
  }, 20_000);
});
