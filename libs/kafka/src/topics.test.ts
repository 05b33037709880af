import kafkajs from 'kafkajs';
import { topics, type TopicDeclaration } from '@laurel/events';
import { applyTopics, assertTopics, partitionCounts, TopicError } from './topics.js';
import { createTopic, eventually, newPrefix, testKafka, withAdmin } from './testing/cluster.js';

const kafka = testKafka();
const all: readonly TopicDeclaration[] = Object.values(topics);

describe('topics', () => {
  let prefix: string;

  beforeEach(() => {
    prefix = newPrefix();
  });

  const apply = (declarations = all) => applyTopics(kafka, declarations, { prefix, replicationFactor: -1 });

  async function codeOf(check: Promise<unknown>): Promise<string> {
    const error: unknown = await check.then(
      () => new Error('it was accepted'),
      (failure: unknown) => failure,
    );
    if (!(error instanceof TopicError)) throw error;
    return error.code;
  }

  /** What was set for the topic itself, and not by default. */
  async function configOf(name: string): Promise<Record<string, string>> {
    return withAdmin(kafka, async (admin) => {
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: prefix + name }],
      });
      const entries = resources[0]?.configEntries ?? [];
      return Object.fromEntries(
        entries
          .filter(({ configSource }) => configSource === kafkajs.ConfigSource.TOPIC_CONFIG)
          .map((entry) => [entry.configName, entry.configValue]),
      );
    });
  }

  async function partitionsOf(name: string): Promise<number | undefined> {
    return withAdmin(kafka, async (admin) => {
      const metadata = await admin.fetchTopicMetadata({ topics: [prefix + name] });
      return metadata.topics[0]?.partitions.length;
    });
  }

  it('are created as declared, and stay as they are when applied again', async () => {
    expect(await apply()).toEqual(all.map(({ name }) => ({ topic: prefix + name, change: 'created' })));
    for (const { name, partitions, config } of all) {
      expect({ name, partitions: await partitionsOf(name), config: await configOf(name) }).toMatchObject({
        name,
        partitions,
        config,
      });
    }
    await assertTopics(kafka, all, prefix);
    const names = all.map(({ name }) => prefix + name);
    expect(await partitionCounts(kafka, [...names, `${prefix}missing`])).toEqual(
      new Map(all.map(({ name, partitions }) => [prefix + name, partitions])),
    );
    expect(await partitionCounts(kafka, [`${prefix}missing`])).toEqual(new Map());
    expect((await apply()).map(({ change }) => change)).toEqual(all.map(() => 'unchanged'));
  });

  it('are created once by several that start together', async () => {
    const changes = (await Promise.all([apply(), apply(), apply()])).flat();
    for (const { name } of all) {
      expect(changes.filter(({ topic, change }) => topic === prefix + name && change === 'created')).toHaveLength(1);
    }
    await assertTopics(kafka, all, prefix);
  });

  it('get their declared configuration back, and keep what a company has set besides', async () => {
    await apply();
    const { name } = topics.titleAwards;
    await setConfig(name, {
      ...topics.titleAwards.config,
      'retention.ms': '1000',
      'min.insync.replicas': '1',
      'segment.bytes': '5000000',
    });
    await eventually('the change', async () => (await configOf(name))['segment.bytes'] === '5000000');
    const changes = await apply();
    expect(changes.filter(({ change }) => change !== 'unchanged')).toEqual([
      { topic: prefix + name, change: 'configured' },
    ]);
    expect(await configOf(name)).toEqual(
      expect.objectContaining({ ...topics.titleAwards.config, 'min.insync.replicas': '1', 'segment.bytes': '5000000' }),
    );
  });

  it('get more partitions where that is allowed, and their configuration with them', async () => {
    const { name, partitions } = topics.usageEvents;
    await createTopic(kafka, prefix + name, 2);
    expect(await apply([topics.usageEvents])).toEqual([{ topic: prefix + name, change: 'partitions_added' }]);
    expect(await partitionsOf(name)).toBe(partitions);
    expect(await configOf(name)).toMatchObject(topics.usageEvents.config);
  });

  it('never lose partitions', async () => {
    const { name } = topics.usageEvents;
    await createTopic(kafka, prefix + name, 9, topics.usageEvents.config);
    expect(await apply([topics.usageEvents])).toEqual([{ topic: prefix + name, change: 'unchanged' }]);
    expect(await partitionsOf(name)).toBe(9);
    await assertTopics(kafka, [topics.usageEvents], prefix);
  });

  it('are refused where a fixed number of partitions is another', async () => {
    await createTopic(kafka, prefix + topics.usageStored.name, 3, topics.usageStored.config);
    expect(await codeOf(apply([topics.usageStored]))).toBe('wrong_partitions');
    expect(await codeOf(assertTopics(kafka, [topics.usageStored], prefix))).toBe('wrong_partitions');
    expect(await partitionsOf(topics.usageStored.name)).toBe(3);
  });

  it('are refused where publishers’ clocks would set the timestamps', async () => {
    const { name, partitions, config } = topics.usageEvents;
    await createTopic(kafka, prefix + name, partitions, { ...config, 'message.timestamp.type': 'CreateTime' });
    expect(await codeOf(assertTopics(kafka, [topics.usageEvents], prefix))).toBe('wrong_config');
    await apply([topics.usageEvents]);
    await assertTopics(kafka, [topics.usageEvents], prefix);
  });

  it.each([
    ['compacted', topics.titleAwards, { 'cleanup.policy': 'compact' }],
    ['deleted from', topics.titleAwards, { 'retention.ms': '3600000' }],
    ['not compacted', topics.titleHolders, { 'cleanup.policy': 'delete' }],
  ])('are refused where they would be %s, and must not', async (_, declared, wrong) => {
    const { name, partitions, config } = declared;
    await createTopic(kafka, prefix + name, partitions, { ...config, ...wrong });
    expect(await codeOf(assertTopics(kafka, [declared], prefix))).toBe('wrong_config');
  });

  it('are refused all at once where they are missing', async () => {
    await apply([topics.usageEvents]);
    const check = assertTopics(kafka, [topics.usageEvents, topics.deadLetters, topics.usageStored], prefix);
    await expect(check).rejects.toMatchObject({ code: 'missing' });
    await expect(check).rejects.toThrow(
      `${prefix}${topics.deadLetters.name}, ${prefix}${topics.usageStored.name}; run: laurel topics apply`,
    );
  });

  async function setConfig(name: string, config: Readonly<Record<string, string>>): Promise<void> {
    await withAdmin(kafka, (admin) =>
      admin.alterConfigs({
        validateOnly: false,
        resources: [
          {
            type: kafkajs.ConfigResourceTypes.TOPIC,
            name: prefix + name,
            configEntries: Object.entries(config).map(([key, value]) => ({ name: key, value })),
          },
        ],
      }),
    );
  }
});
