import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import type { Delivery } from './strategy.js';
import {
  committedOffset,
  createTopic,
  eventually,
  newPrefix,
  numbers,
  produce,
  produceTransactions,
  testKafka,
  withAdmin,
} from './testing/cluster.js';
import { commitAll, Member, valuesOf, type Handler } from './testing/member.js';

const kafka = testKafka();
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);

describe('KafkaBatchStrategy', () => {
  let topicPrefix: string;
  let groupId: string;
  let topic: string;
  const members: Member[] = [];

  beforeEach(() => {
    topicPrefix = newPrefix();
    groupId = `${topicPrefix}group`;
    topic = `${topicPrefix}events`;
  });

  afterEach(async () => {
    await Promise.all(members.splice(0).map((member) => member.stop()));
  });

  async function join(handler: Handler, options: Partial<Parameters<typeof Member.start>[2]> = {}): Promise<Member> {
    const member = await Member.start('events', handler, { kafka, groupId, topicPrefix, ...options });
    members.push(member);
    return member;
  }

  /** Handles everything at once and remembers the values. */
  function taking(): { readonly values: number[]; readonly handler: Handler } {
    const values: number[] = [];
    return {
      values,
      handler: async (delivery) => {
        values.push(...valuesOf(delivery));
        await commitAll(delivery);
      },
    };
  }

  it('hands whole batches to the handler of their topic, from the beginning on', async () => {
    await createTopic(kafka, topic);
    await produce(kafka, topic, numbers(0, 10));
    const deliveries: Delivery[] = [];
    const member = await join(async (delivery) => {
      deliveries.push(delivery);
      await commitAll(delivery);
    });
    await eventually('ten records', () => deliveries.flatMap(valuesOf).length === 10);
    expect(deliveries.flatMap(valuesOf)).toEqual(range(0, 10));
    expect(deliveries[0]?.batch).toMatchObject({ topic: 'events', partition: 0, highWatermark: 10 });
    expect(deliveries[0]?.batch.records[0]).toMatchObject({ offset: 0, headers: {}, key: Buffer.from('k0') });
    expect(member.strategy.isMember).toBe(true);
    expect(member.assignments).toEqual([{ events: [0] }]);
    await eventually('the commit', async () => (await committedOffset(kafka, groupId, topic)) === 10);
    expect(member.strategy.progress()).toMatchObject([{ topic: 'events', nextOffset: 10, busySinceMs: undefined }]);
  });

  it('is at the end behind a transaction, whose end has an offset but is no record', async () => {
    await createTopic(kafka, topic);
    await produceTransactions(kafka, topic, [{ messages: numbers(0, 3), end: 'commit' }]);
    const { values, handler } = taking();
    const member = await join(handler);
    await eventually('the records', () => values.length === 3);
    await eventually('the place', () => member.strategy.progress()[0]?.busySinceMs === undefined);
    expect(member.strategy.progress()).toMatchObject([{ nextOffset: 4, highWatermark: 4 }]);
    await eventually('no lag', () => member.strategy.lags()[0]?.records === 0);
    // An aborted one leaves nothing but its end.
    await produceTransactions(kafka, topic, [{ messages: numbers(3, 6), end: 'abort' }]);
    await eventually('no lag again', async () => {
      const [end] = await withAdmin(kafka, (admin) => admin.fetchTopicOffsets(topic));
      return end?.high === '8' && member.strategy.progress().length === 1 && member.strategy.lags()[0]?.records === 0;
    });
    expect(values).toEqual([0, 1, 2]);
  });

  it('tells the lag of a partition that its handler does not get on with, and that it stands still', async () => {
    await createTopic(kafka, topic);
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const member = await join(async (delivery) => {
      await held;
      await commitAll(delivery);
    });
    await produce(kafka, topic, numbers(0, 5));
    const lag = () => member.strategy.lags()[0];
    await eventually('the lag', () => lag()?.records === 5 && lag()?.topic === 'events' && lag()?.partition === 0);
    await eventually('its age', () => (lag()?.seconds ?? 0) > 1 && (lag()?.stalledSeconds ?? 0) > 1);
    release();
    await eventually('the end of it', () => lag()?.records === 0 && lag()?.seconds === 0);
  });

  it('keeps the group’s name as it is', async () => {
    await createTopic(kafka, topic);
    await join(taking().handler);
    const { groups } = await withAdmin(kafka, (admin) => admin.listGroups());
    expect(groups.map((group) => group.groupId)).toContain(groupId);
  });

  it('gives of a repeated header the last value, and of an empty one nothing less', async () => {
    await createTopic(kafka, topic);
    await produce(kafka, topic, [{ value: '1', headers: { twice: ['first', 'last'], once: 'one', empty: '' } }]);
    const seen: Readonly<Record<string, Uint8Array | undefined>>[] = [];
    await join((delivery) => {
      seen.push(...delivery.batch.records.map(({ headers }) => headers));
      return commitAll(delivery);
    });
    await eventually('the record', () => seen.length > 0);
    expect(seen).toEqual([{ twice: Buffer.from('last'), once: Buffer.from('one'), empty: Buffer.alloc(0) }]);
  });

  it('goes on behind what was committed, and delivers again what was not', async () => {
    await createTopic(kafka, topic);
    await produce(kafka, topic, numbers(0, 10));
    let handled = 0;
    const first = await join((delivery) => {
      handled += valuesOf(delivery).length;
      return delivery.commit(4);
    });
    await eventually('the first to handle all', () => handled === 10);
    await first.stop();
    const { values, handler } = taking();
    await join(handler);
    await eventually('the rest', () => values.length === 6);
    expect(values).toEqual(range(4, 10));
  });

  it('shares partitions between two instances and loses nothing when one leaves', async () => {
    await createTopic(kafka, topic, 4);
    const [a, b] = [taking(), taking()];
    const first = await join(a.handler);
    const second = await join(b.handler);
    await eventually('two partitions each', () =>
      [first, second].every((member) => member.assignments.at(-1)?.['events']?.length === 2),
    );
    const sent = (from: number): ReturnType<typeof numbers> =>
      range(from, from + 40).flatMap((value) => numbers(value, value + 1, value % 4));
    await produce(kafka, topic, sent(0));
    await eventually('all of them', () => a.values.length + b.values.length >= 40);
    expect(a.values.length).toBe(20);
    expect(b.values.length).toBe(20);
    const leaving = first.stop();
    await produce(kafka, topic, sent(40));
    await leaving;
    await produce(kafka, topic, sent(80));
    await eventually('all of them, twice more', () => new Set([...a.values, ...b.values]).size === 120);
    expect(second.assignments.at(-1)?.['events']).toHaveLength(4);
    expect(second.fatal).toEqual([]);
  });

  it('waits at a stop for the batch in hand, which is then committed', async () => {
    await createTopic(kafka, topic);
    await produce(kafka, topic, numbers(0, 3));
    let go = (): void => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    let begun = false;
    const member = await join(async (delivery) => {
      begun = true;
      await gate;
      await commitAll(delivery);
    });
    await eventually('the batch', () => begun);
    const stopped = member.stop();
    setTimeout(go, 200);
    await stopped;
    expect(await committedOffset(kafka, groupId, topic)).toBe(3);
  });

  it('gives up a batch, uncommitted, that takes longer than the stop may wait', async () => {
    await createTopic(kafka, topic);
    await produce(kafka, topic, numbers(0, 3));
    let begun = 0;
    const stuck = await join(
      async (delivery) => {
        begun += 1;
        await new Promise((resolve) => delivery.signal.addEventListener('abort', resolve));
        await commitAll(delivery);
      },
      { drainMs: 200 },
    );
    await eventually('the batch', () => begun > 0);
    await stuck.stop();
    expect(stuck.fatal).toEqual([]);
    expect(begun).toBe(1);
    const { values, handler } = taking();
    await join(handler);
    await eventually('the batch again', () => values.length === 3);
    expect(values).toEqual([0, 1, 2]);
  });

  it('does not lose a batch whose handler gives up at a rebalance', async () => {
    await createTopic(kafka, topic, 2);
    await produce(kafka, topic, [...numbers(0, 5), ...numbers(5, 10, 1)]);
    const given: Delivery[] = [];
    // Waits in an outage until the assignment ends, then leaves the batch.
    const first = await join(async (delivery) => {
      given.push(delivery);
      await new Promise((resolve) => delivery.signal.addEventListener('abort', resolve));
    });
    await eventually('the first to have both partitions', () => given.length === 2);
    const b = taking();
    await join(b.handler);
    await eventually('the second to have one', () => b.values.length === 5);
    await first.stop();
    await eventually('everything', () => new Set(b.values).size === 10);
    expect(given.every(({ assignment }) => assignment.aborted)).toBe(true);
  });

  it('commits nothing of a former assignment, whenever it is asked to', async () => {
    await createTopic(kafka, topic, 2);
    await produce(kafka, topic, [...numbers(0, 5), ...numbers(5, 10, 1)]);
    const held: Delivery[] = [];
    const first = await join((delivery) => {
      // As a handler that buffers: it returns, and commits later.
      held.push(delivery);
      return Promise.resolve();
    });
    await eventually('both partitions', () => held.length === 2);
    const former = [...held];
    const second = await join(() => Promise.resolve());
    await eventually('a new assignment', () => first.assignments.length > 1 && second.assignments.length > 0);
    await Promise.all(former.map(commitAll));
    expect(former.every(({ assignment, signal }) => assignment.aborted && signal.aborted)).toBe(true);
    expect(await committedOffset(kafka, groupId, topic, 0)).toBeUndefined();
    expect(await committedOffset(kafka, groupId, topic, 1)).toBeUndefined();
  });

  it('stays a member while a handler waits for longer than the session', async () => {
    await createTopic(kafka, topic);
    await produce(kafka, topic, numbers(0, 3));
    const began: number[] = [];
    let ended = 0;
    const member = await join(async (delivery) => {
      began.push(Date.now());
      await eventually('a wait beyond the session', () => Date.now() - (began[0] ?? 0) > 8000);
      await commitAll(delivery);
      ended += 1;
    });
    await eventually('the end of the wait', () => ended > 0);
    expect(began).toHaveLength(1);
    expect(member.assignments).toHaveLength(1);
    expect(await committedOffset(kafka, groupId, topic)).toBe(3);
  });

  it('goes on after a standstill of the whole process in which another took its partition', async () => {
    await createTopic(kafka, topic);
    await produce(kafka, topic, numbers(0, 3));
    const a: number[] = [];
    let committed = 0;
    const failures: unknown[] = [];
    const first = await join(async (delivery) => {
      a.push(...valuesOf(delivery));
      // As kill -STOP would: no heartbeat leaves, and then the batch ends as if nothing had been.
      if (a.length === 3) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 7500);
      await commitAll(delivery).catch((error: unknown) => failures.push(error));
      committed += 1;
    });
    // A commit of a lost membership does nothing: it is no error of the handler's.
    // It may have been given the batch again by now.
    await eventually('the standstill to end', () => committed > 0);
    const values = new Set<number>();
    await join((delivery) => {
      for (const value of valuesOf(delivery)) values.add(value);
      return commitAll(delivery);
    });
    await produce(kafka, topic, numbers(3, 6));
    await eventually('everything', () => new Set([...a, ...values]).size === 6);
    await eventually('the commit', async () => (await committedOffset(kafka, groupId, topic)) === 6);
    expect(failures).toEqual([]);
    expect(first.fatal).toEqual([]);
  });

  it.each([0, 900])('delivers a batch again whose handler met an outage of Kafka’s after %d ms', async (ms) => {
    await createTopic(kafka, topic);
    await produce(kafka, topic, numbers(0, 3));
    const given: number[][] = [];
    const member = await join(async (delivery) => {
      given.push(valuesOf(delivery));
      if (given.length > 1) return commitAll(delivery);
      await sleep(ms);
      throw new kafkajs.KafkaJSConnectionError('the broker is away');
    });
    await eventually('the commit', async () => (await committedOffset(kafka, groupId, topic)) === 3);
    expect(given).toEqual([
      [0, 1, 2],
      [0, 1, 2],
    ]);
    expect(member.fatal).toEqual([]);
  });

  it('ends the process, with nothing committed, on what a handler throws', async () => {
    await createTopic(kafka, topic);
    await produce(kafka, topic, numbers(0, 3));
    const bug = new TypeError('a bug');
    const member = await join(() => Promise.reject(bug));
    await eventually('the end', () => member.fatal.length > 0);
    expect(member.fatal[0]).toBe(bug);
    expect(await committedOffset(kafka, groupId, topic)).toBeUndefined();
  });

  it('ends the process on an error of Kafka’s that no repeat mends', async () => {
    await createTopic(kafka, topic);
    await produce(kafka, topic, numbers(0, 3));
    const member = await join(() => Promise.reject(new kafkajs.KafkaJSNonRetriableError('refused')));
    await eventually('the end', () => member.fatal.length > 0);
    expect(await committedOffset(kafka, groupId, topic)).toBeUndefined();
  });

  it('ends the process when its topic is missing', async () => {
    await expect(join(taking().handler)).rejects.toThrow(/does not host this topic-partition|unknown topic/i);
  });

  it('passes over aborted transactions and what only ends transactions, and never stands still there', async () => {
    await createTopic(kafka, topic);
    await produceTransactions(kafka, topic, [
      { messages: numbers(0, 3), end: 'commit' },
      { messages: numbers(100, 103), end: 'abort' },
      { messages: numbers(103, 106), end: 'abort' },
      { messages: numbers(3, 6), end: 'commit' },
    ]);
    const { values, handler } = taking();
    const member = await join(handler);
    await eventually('the committed ones', () => values.length >= 6);
    await produceTransactions(kafka, topic, [{ messages: numbers(200, 203), end: 'abort' }]);
    await produce(kafka, topic, numbers(6, 9));
    await eventually('the later ones', () => values.length >= 9);
    expect(values).toEqual(range(0, 9));
    expect(member.fatal).toEqual([]);
    await member.stop();
    const again = taking();
    await join(again.handler);
    await produce(kafka, topic, numbers(9, 10));
    await eventually('the last', () => again.values.length > 0);
    expect(again.values).toEqual([9]);
  });

  it('lets other partitions go on while a handler waits out an outage of its own', async () => {
    await createTopic(kafka, topic, 2);
    await produce(kafka, topic, numbers(0, 3));
    const values: number[] = [];
    let waiting = false;
    await join(
      async (delivery) => {
        if (delivery.batch.partition === 0) {
          waiting = true;
          await new Promise((resolve) => delivery.signal.addEventListener('abort', resolve));
          return;
        }
        values.push(...valuesOf(delivery));
        await commitAll(delivery);
      },
      { drainMs: 100 },
    );
    await eventually('the one that waits', () => waiting);
    await produce(kafka, topic, numbers(10, 13, 1));
    await eventually('the other partition', () => values.length === 3);
    await produce(kafka, topic, numbers(13, 16, 1));
    await eventually('more of the other partition', () => values.length === 6);
  });
});
