import type { TopicDeclaration } from '@laurel/events';
import { classifyKafkaFailure } from './failure.js';
import { createTopic, eventually, newPrefix, numbers, produce, testKafka } from './testing/cluster.js';
import { TopicFollower } from './topic-follower.js';
import { TopicError } from './topics.js';

const kafka = testKafka();
const TOPIC: TopicDeclaration = {
  name: 'followed',
  partitions: 1,
  config: { 'message.timestamp.type': 'LogAppendTime', 'cleanup.policy': 'delete' },
  fixedPartitions: true,
};

describe('following a topic', () => {
  let topicPrefix: string;
  const open: TopicFollower[] = [];
  const fatal: unknown[] = [];

  beforeEach(() => {
    topicPrefix = newPrefix();
    fatal.length = 0;
  });
  afterEach(() => Promise.all(open.splice(0).map((follower) => follower.stop())));

  const make = (): Promise<void> => createTopic(kafka, topicPrefix + TOPIC.name, 1, TOPIC.config);
  const follower = (take: (value: string) => void): TopicFollower => {
    const made = new TopicFollower(kafka, {
      topic: TOPIC,
      topicPrefix,
      reader: 'test',
      policy: { classify: classifyKafkaFailure },
      onRecord: ({ value }) => take(Buffer.from(value ?? []).toString()),
      onFatal: (error) => fatal.push(error),
    });
    open.push(made);
    return made;
  };

  it('hands over what is there before it says so, and goes on', async () => {
    await make();
    await produce(kafka, topicPrefix + TOPIC.name, numbers(0, 20));
    const values: string[] = [];
    await follower((value) => values.push(value)).start();
    expect(values).toEqual(numbers(0, 20).map(({ value }) => value));
    await produce(kafka, topicPrefix + TOPIC.name, numbers(20, 25));
    await eventually('the others', () => Promise.resolve(values.length === 25));
    expect(fatal).toEqual([]);
  });

  it('does not start where the topic is missing', async () => {
    await expect(follower(() => undefined).start()).rejects.toThrow(TopicError);
  });

  it('tells once of a record that can not be taken, and hands over nothing more', async () => {
    await make();
    await produce(kafka, topicPrefix + TOPIC.name, numbers(0, 5));
    const values: string[] = [];
    const started = follower((value) => {
      if (value === '3') throw new Error('not understood');
      values.push(value);
    }).start();
    await expect(started).rejects.toThrow('not understood');
    await produce(kafka, topicPrefix + TOPIC.name, numbers(5, 8));
    expect(values).toEqual(['0', '1', '2']);
    expect(fatal).toEqual([new Error('not understood')]);
  });

  it('ends without a failure when it is stopped while it starts', async () => {
    await make();
    await produce(kafka, topicPrefix + TOPIC.name, numbers(0, 1000));
    const one = follower(() => undefined);
    const started = one.start();
    await one.stop();
    await started;
    expect(fatal).toEqual([]);
  });
});
