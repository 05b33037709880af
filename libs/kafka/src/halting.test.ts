import type { Consumer } from 'kafkajs';
import { KafkaBatchStrategy, type Delivery } from './strategy.js';
import { Halt, partitionOffsets } from './halt.js';
import {
  committedOffset,
  createTopic,
  deleteRecordsBefore,
  eventually,
  newPrefix,
  numbers,
  produce,
  setCommitted,
  testKafka,
  withAdmin,
} from './testing/cluster.js';
import { commitAll, Member, valuesOf, type Handler } from './testing/member.js';

const kafka = testKafka();

describe('halting rather than skipping', () => {
  let topicPrefix: string;
  let groupId: string;
  let topic: string;
  const members: Member[] = [];

  beforeEach(async () => {
    topicPrefix = newPrefix();
    groupId = `${topicPrefix}group`;
    topic = `${topicPrefix}events`;
    await createTopic(kafka, topic);
  });

  afterEach(async () => {
    await Promise.all(members.splice(0).map((member) => member.stop()));
  });

  async function join(handler: Handler, recorded: number | undefined): Promise<Member> {
    const member = await Member.start('events', handler, {
      kafka,
      groupId,
      topicPrefix,
      recordedOffset: () => Promise.resolve(recorded),
    });
    members.push(member);
    return member;
  }

  /** Starts an instance that must halt before it handles anything. */
  async function haltOf(recorded: number | undefined): Promise<string> {
    const handled: number[] = [];
    const member = await join((delivery) => {
      handled.push(...valuesOf(delivery));
      return commitAll(delivery);
    }, recorded);
    await eventually('the halt', () => member.fatal.length > 0);
    expect(handled).toEqual([]);
    const [halt] = member.fatal;
    if (!(halt instanceof Halt)) throw halt;
    return halt.code;
  }

  it('halts where the log begins after the committed offset and kafkajs would begin at the log’s start', async () => {
    await produce(kafka, topic, numbers(0, 20));
    await setCommitted(kafka, groupId, topic, 5);
    await deleteRecordsBefore(kafka, topic, 10);
    // kafkajs has put a default in the place of the committed offset by then; what our tables rest on tells.
    expect(['log_start_above_committed', 'committed_offset_gone']).toContain(await haltOf(5));
  });

  it('halts where the log’s beginning is gone, which a group had begun with, before any table rests on it', async () => {
    await produce(kafka, topic, numbers(0, 20));
    await setCommitted(kafka, groupId, topic, 0);
    await deleteRecordsBefore(kafka, topic, 10);
    expect(['log_start_above_committed', 'committed_offset_gone']).toContain(await haltOf(undefined));
    await Promise.all(members.splice(0).map((member) => member.stop()));
    await haltOf(undefined);
  });

  it('halts again after a restart, whatever kafkajs has committed in between', async () => {
    await produce(kafka, topic, numbers(0, 20));
    await setCommitted(kafka, groupId, topic, 5);
    await deleteRecordsBefore(kafka, topic, 10);
    await haltOf(5);
    await Promise.all(members.splice(0).map((member) => member.stop()));
    await haltOf(5);
  });

  it('halts where the group’s offset is gone while the tables rest on records', async () => {
    await produce(kafka, topic, numbers(0, 20));
    expect(await haltOf(5)).toBe('committed_offset_gone');
  });

  it('halts where the log ends before what the tables rest on, as after its topic was made anew', async () => {
    await produce(kafka, topic, numbers(0, 20));
    await setCommitted(kafka, groupId, topic, 20);
    await withAdmin(kafka, (admin) => admin.deleteTopics({ topics: [topic] }));
    await eventually('the topic to be gone', async () =>
      withAdmin(kafka, async (admin) => !(await admin.listTopics()).includes(topic)),
    );
    await createTopic(kafka, topic);
    await produce(kafka, topic, numbers(0, 3));
    expect(['log_end_below_recorded', 'committed_offset_gone']).toContain(await haltOf(20));
  });

  it('halts where the log ends before what the tables rest on, though the group’s offset is within it', async () => {
    await produce(kafka, topic, numbers(0, 10));
    await setCommitted(kafka, groupId, topic, 3);
    expect(await haltOf(12)).toBe('log_end_below_recorded');
  });

  it('halts when records vanish while it waits, between two batches of one assignment', async () => {
    await produce(kafka, topic, numbers(0, 3));
    let go = (): void => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    const values: number[] = [];
    const member = await join(async (delivery) => {
      values.push(...valuesOf(delivery));
      await gate;
      await commitAll(delivery);
    }, undefined);
    await eventually('the first batch', () => values.length === 3);
    await produce(kafka, topic, numbers(3, 20));
    await deleteRecordsBefore(kafka, topic, 10);
    go();
    await eventually('the halt', () => member.fatal.length > 0);
    expect(member.fatal[0]).toMatchObject({ code: 'log_start_above_committed' });
    expect(values).toEqual([0, 1, 2]);
  });

  it('begins a new group at the beginning of the log, wherever that is, and says so before any table does', async () => {
    await produce(kafka, topic, numbers(0, 20));
    await deleteRecordsBefore(kafka, topic, 7);
    let committedBefore: number | undefined;
    let recorded: number | undefined;
    const values: number[] = [];
    const crashing = await Member.start(
      'events',
      async (delivery: Delivery) => {
        committedBefore = await committedOffset(kafka, groupId, topic);
        values.push(...valuesOf(delivery));
        // The tables have it; then the process dies before its first commit.
        recorded = (delivery.batch.records.at(-1)?.offset ?? 0) + 1;
      },
      { kafka, groupId, topicPrefix, recordedOffset: () => Promise.resolve(undefined) },
    );
    members.push(crashing);
    await eventually('everything', () => values.length === 13);
    expect(values[0]).toBe(7);
    expect(committedBefore).toBe(7);
    await Promise.all(members.splice(0).map((member) => member.stop()));
    const again: number[] = [];
    const restarted = await join((delivery) => {
      again.push(...valuesOf(delivery));
      return commitAll(delivery);
    }, recorded);
    await eventually('everything again', () => again.length === 13);
    expect(restarted.fatal).toEqual([]);
  });

  it('goes back to what is committed where kafkajs hands out what was asked for in a former assignment', async () => {
    await produce(kafka, topic, numbers(0, 20));
    await setCommitted(kafka, groupId, topic, 5);
    // As does the answer to a fetch of another broker's, which was on its way when the group was joined anew.
    class Behind extends KafkaBatchStrategy {}
    const onJoin = Reflect.get(KafkaBatchStrategy.prototype, 'onJoin') as (assignment: unknown) => void;
    const seekAfter = function (this: KafkaBatchStrategy, assignment: unknown): void {
      onJoin.call(this, assignment);
      (Reflect.get(this, 'consumer') as Consumer).seek({ topic, partition: 0, offset: '12' });
    };
    Reflect.set(Behind.prototype, 'onJoin', seekAfter);
    const values: number[] = [];
    const member = await Member.start(
      'events',
      (delivery) => {
        values.push(...valuesOf(delivery));
        return commitAll(delivery);
      },
      { kafka, groupId, topicPrefix, recordedOffset: () => Promise.resolve(5) },
      Behind,
    );
    members.push(member);
    await eventually('all that is not committed', () => values.length >= 15);
    expect(values).toEqual(Array.from({ length: 15 }, (_, index) => index + 5));
    expect(member.fatal).toEqual([]);
  });

  it('asks for what the tables rest on once an assignment, not once a batch', async () => {
    await produce(kafka, topic, numbers(0, 3));
    let asked = 0;
    const values: number[] = [];
    const member = await Member.start(
      'events',
      (delivery) => {
        values.push(...valuesOf(delivery));
        return commitAll(delivery);
      },
      {
        kafka,
        groupId,
        topicPrefix,
        recordedOffset: () => {
          asked += 1;
          return Promise.resolve(undefined);
        },
      },
    );
    members.push(member);
    await eventually('the first batch', () => values.length === 3);
    await produce(kafka, topic, numbers(3, 6));
    await eventually('the second batch', () => values.length === 6);
    expect(asked).toBe(1);
  });

  it('never takes what a twin commits while the offsets are asked for to be beyond the end', async () => {
    const producer = kafka.producer({ allowAutoTopicCreation: false });
    await producer.connect();
    const admin = kafka.admin();
    await admin.connect();
    const enough = new AbortController();
    const twin = (async (): Promise<void> => {
      while (!enough.signal.aborted) {
        const [sent] = await producer.send({ topic, messages: numbers(0, 1), acks: -1 });
        const offset = String(Number(sent?.baseOffset ?? 0) + 1);
        await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset }] });
      }
    })();
    try {
      for (let look = 0; look < 150; look += 1) {
        const offsets = (await partitionOffsets(kafka, groupId, topic)).get(0);
        expect(offsets?.high).toBeGreaterThanOrEqual(offsets?.committed ?? 0);
      }
    } finally {
      enough.abort();
      await twin;
      await producer.disconnect();
      await admin.disconnect();
    }
  });
});
