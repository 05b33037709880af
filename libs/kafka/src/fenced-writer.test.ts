import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { FencedWriter, isFenced, isTooLarge } from './fenced-writer.js';
import { readToEnd } from './tail.js';
import { createTopic, eventually, newPrefix, testKafka } from './testing/cluster.js';

const kafka = testKafka();

describe('FencedWriter', () => {
  let prefix: string;
  let id: string;
  const open: FencedWriter[] = [];

  beforeEach(async () => {
    prefix = newPrefix();
    id = randomUUID();
    await createTopic(kafka, `${prefix}awards`);
    await createTopic(kafka, `${prefix}holders`);
  });

  afterEach(async () => {
    await Promise.all(open.splice(0).map((writer) => writer.close()));
  });

  /** As anybody who may write does: after any failure, anew. */
  async function claim(): Promise<FencedWriter> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const writer = await FencedWriter.claim(kafka, id, prefix);
        open.push(writer);
        return writer;
      } catch (error) {
        if (attempt === 50) throw error;
        await sleep(100);
      }
    }
  }

  async function valuesOf(topic: string): Promise<string[]> {
    const values: string[] = [];
    await readToEnd(kafka, {
      topic: prefix + topic,
      groupPrefix: prefix,
      onRecord: ({ value }) => void values.push(Buffer.from(value ?? []).toString()),
    });
    return values;
  }

  /** The broker answers a commit before its readers see it. */
  async function expectShown(topic: string, values: readonly string[]): Promise<void> {
    await eventually(`${values.length} records`, async () => (await valuesOf(topic)).length >= values.length);
    expect(await valuesOf(topic)).toEqual(values);
  }

  const record = (value: string) => ({ key: 'k', value: Buffer.from(value) });

  it('writes to several topics, all or nothing', async () => {
    const writer = await claim();
    await writer.write({ awards: [record('a1'), record('a2')], holders: [record('h1')] });
    await expectShown('awards', ['a1', 'a2']);
    await expectShown('holders', ['h1']);
    await expect(writer.write({ awards: [record('a3')], missing: [record('never')] })).rejects.toThrow();
    const next = await claim();
    await next.write({ awards: [record('a4')] });
    await expectShown('awards', ['a1', 'a2', 'a4']);
  });

  it('writes many transactions one after another', async () => {
    const writer = await claim();
    const values = Array.from({ length: 20 }, (_, index) => String(index));
    for (const value of values) await writer.write({ awards: [record(value)], holders: [record(value)] });
    await expectShown('awards', values);
    await expectShown('holders', values);
  });

  it('shuts out the former writer, for good', async () => {
    const former = await claim();
    await former.write({ awards: [record('former')] });
    const present = await claim();
    await expect(former.write({ awards: [record('late')] })).rejects.toThrow();
    await present.write({ awards: [record('present')] });
    await expect(former.write({ awards: [record('later')] })).rejects.toThrow();
    await expectShown('awards', ['former', 'present']);
  });

  it('tells that a later writer has shut it out from everything else that may go wrong', async () => {
    const failureOf = (work: Promise<unknown>): Promise<unknown> =>
      work.then(
        () => undefined,
        (error: unknown) => error,
      );
    const former = await claim();
    const present = await claim();
    expect(isFenced(await failureOf(former.write({ awards: [record('late')] })))).toBe(true);
    const missing = await failureOf(present.write({ missing: [record('never')] }));
    expect(missing).toBeInstanceOf(Error);
    expect(isFenced(missing) || isTooLarge(missing)).toBe(false);
    const large = await failureOf((await claim()).write({ awards: [record('x'.repeat(2_000_000))] }));
    expect([isTooLarge(large), isFenced(large)]).toEqual([true, false]);
  });

  it('writes records as others made them: keys of bytes or none, to the partition that is named', async () => {
    await createTopic(kafka, `${prefix}foreign`, 3);
    const writer = await FencedWriter.claim(kafka, id, prefix, { compression: 'lz4' });
    open.push(writer);
    const bytes = Buffer.of(0xff, 0, 0xfe);
    const headers = { h: bytes };
    await writer.write({
      foreign: [
        { key: bytes, value: bytes, headers, partition: 2 },
        { key: null, value: null, partition: 1 },
        { key: null, value: Buffer.alloc(0), partition: 0 },
      ],
    });
    const found: unknown[] = [];
    await eventually('the records', async () => {
      found.length = 0;
      await readToEnd(kafka, {
        topic: `${prefix}foreign`,
        groupPrefix: prefix,
        onRecord: ({ key, value, headers: read }, partition) =>
          void found.push([partition, key, value, read['h'] ?? null]),
      });
      return found.length === 3;
    });
    expect(found.sort()).toEqual([
      [0, null, Buffer.alloc(0), null],
      [1, null, null, null],
      [2, bytes, bytes, bytes],
    ]);
  });

  it('leaves nothing of a writer that died within a transaction, and nothing to wait for', async () => {
    const dying = kafka.producer({ transactionalId: id, idempotent: true, maxInFlightRequests: 1 });
    await dying.connect();
    const transaction = await dying.transaction();
    await transaction.send({ topic: `${prefix}awards`, messages: [{ value: 'half' }], acks: -1 });
    await dying.disconnect();
    const next = await claim();
    // Read before anything is written: what is folded after a claim is all there is.
    expect(await valuesOf('awards')).toEqual([]);
    await next.write({ awards: [record('whole')] });
    await expectShown('awards', ['whole']);
  });

  it('shows nothing before the commit', async () => {
    const writing = kafka.producer({ transactionalId: id, idempotent: true, maxInFlightRequests: 1 });
    await writing.connect();
    try {
      const transaction = await writing.transaction();
      await transaction.send({ topic: `${prefix}awards`, messages: [{ value: 'a1' }], acks: -1 });
      expect(await valuesOf('awards')).toEqual([]);
      await transaction.commit();
      await expectShown('awards', ['a1']);
    } finally {
      await writing.disconnect();
    }
  });

  it('may be idle for longer than an unfinished transaction may last', async () => {
    const writer = await FencedWriter.claim(kafka, id, prefix, { transactionTimeoutMs: 1000 });
    open.push(writer);
    // The broker looks for overdue transactions every ten seconds (transaction.abort.timed.out.transaction.cleanup.interval.ms).
    await sleep(12_000);
    await writer.write({ awards: [record('after a while')] });
    await expectShown('awards', ['after a while']);
  });

  it('lets exactly one of those write who claim at the same time', async () => {
    const writers = await Promise.all(Array.from({ length: 4 }, claim));
    const ends = await Promise.allSettled(
      writers.map((writer, index) => writer.write({ awards: [record(`w${index}`)], holders: [record(`w${index}`)] })),
    );
    const winners = ends.flatMap(({ status }, index) => (status === 'fulfilled' ? [`w${index}`] : []));
    expect(winners).toHaveLength(1);
    await claim();
    expect(await valuesOf('awards')).toEqual(winners);
    expect(await valuesOf('holders')).toEqual(winners);
  });
});
