import kafkajs, { type Kafka } from 'kafkajs';
import type { TopicDeclaration } from '@laurel/events';
import { keepTrying } from '@laurel/stream';
import { askAdmin, withAdmin } from './ask-admin.js';
import { classifyKafkaFailure } from './failure.js';

export class TopicError extends Error {
  constructor(
    readonly code: 'missing' | 'wrong_partitions' | 'wrong_config',
    message: string,
  ) {
    super(message);
    this.name = 'TopicError';
  }
}

export interface TopicChange {
  readonly topic: string;
  readonly change: 'created' | 'configured' | 'partitions_added' | 'unchanged';
}

type Declarations = readonly TopicDeclaration[];

/**
 * Creates what is missing, sets the declared configuration, and adds partitions where that is allowed; never removes.
 *
 * @param replicationFactor -1 for the broker's default.
 * @throws TopicError `wrong_partitions` when a topic of fixed partitions has another number of them.
 */
export async function applyTopics(
  kafka: Kafka,
  declarations: Declarations,
  options: { readonly prefix: string; readonly replicationFactor: number },
): Promise<readonly TopicChange[]> {
  return withAdmin(kafka, async (admin) => {
    const existing = new Set(await admin.listTopics());
    const changes: TopicChange[] = [];
    for (const declared of declarations) {
      const topic = options.prefix + declared.name;
      changes.push({
        topic,
        change: await settling(() =>
          existing.has(topic)
            ? alter(admin, topic, declared)
            : create(admin, topic, declared, options.replicationFactor),
        ),
      });
      // A change is known to the broker that made it before every broker, and every client, can see it.
      await settling(() => assertVisible(admin, topic, declared));
    }
    return changes;
  });
}

/** How long a change may take to be known everywhere, in ms. */
const SETTLING_MS = 60_000;

const settling = <T>(work: () => Promise<T>): Promise<T> =>
  keepTrying('topics', work, {
    classify: (error) => (error instanceof NotYetVisible ? 'retriable' : classifyKafkaFailure(error)),
    maxDelayMs: 1000,
    withinMs: SETTLING_MS,
  });

class NotYetVisible extends Error {
  constructor(topic: string) {
    super(`topic ${topic} is not known everywhere as it was made`);
  }
}

async function assertVisible(admin: Admin, topic: string, declared: TopicDeclaration): Promise<void> {
  const differing = differingConfig(await topicConfig(admin, topic), declared);
  if (differing.length > 0 || (await partitionCount(admin, topic)) < declared.partitions)
    throw new NotYetVisible(topic);
  // Each partition's leader is asked: it may know of the topic later than who was told to make it.
  await admin.fetchTopicOffsets(topic);
}

type Admin = ReturnType<Kafka['admin']>;

async function create(
  admin: Admin,
  topic: string,
  declared: TopicDeclaration,
  replicationFactor: number,
): Promise<TopicChange['change']> {
  const created = await admin.createTopics({
    waitForLeaders: false,
    topics: [
      {
        topic,
        numPartitions: declared.partitions,
        replicationFactor,
        configEntries: Object.entries(declared.config).map(([name, value]) => ({ name, value })),
      },
    ],
  });
  // Another service was first; both wanted the same.
  return created ? 'created' : 'unchanged';
}

async function alter(admin: Admin, topic: string, declared: TopicDeclaration): Promise<TopicChange['change']> {
  const partitions = await partitionCount(admin, topic);
  if (partitions !== declared.partitions && declared.fixedPartitions)
    throw wrongPartitions(topic, partitions, declared);
  const isConfigured = await configure(admin, topic, declared);
  if (partitions < declared.partitions) {
    await admin.createPartitions({ topicPartitions: [{ topic, count: declared.partitions }] });
    return 'partitions_added';
  }
  return isConfigured ? 'configured' : 'unchanged';
}

/** Sets what differs. What a company has set besides is sent again with it, as the request replaces all there is. */
async function configure(admin: Admin, topic: string, declared: TopicDeclaration): Promise<boolean> {
  const entries = await topicConfig(admin, topic);
  if (differingConfig(entries, declared).length === 0) return false;
  const besides = entries.filter((entry) => entry.configSource === kafkajs.ConfigSource.TOPIC_CONFIG);
  const config = {
    ...Object.fromEntries(besides.map(({ configName, configValue }) => [configName, configValue])),
    ...declared.config,
  };
  await admin.alterConfigs({
    validateOnly: false,
    resources: [
      {
        type: kafkajs.ConfigResourceTypes.TOPIC,
        name: topic,
        configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
      },
    ],
  });
  return true;
}

/** Checks what a service relies on before it takes records: the topics exist, and are what exactness rests on. */
export async function assertTopics(kafka: Kafka, declarations: Declarations, prefix: string): Promise<void> {
  await withAdmin(kafka, async (admin) => {
    const existing = new Set(await admin.listTopics());
    const missing = declarations.filter(({ name }) => !existing.has(prefix + name)).map(({ name }) => prefix + name);
    if (missing.length > 0)
      throw new TopicError('missing', `topics are missing: ${missing.join(', ')}; run: laurel topics apply`);
    for (const declared of declarations) {
      const topic = prefix + declared.name;
      const partitions = await partitionCount(admin, topic);
      if (declared.fixedPartitions && partitions !== declared.partitions)
        throw wrongPartitions(topic, partitions, declared);
      const differing = differingConfig(await topicConfig(admin, topic), declared);
      for (const name of reliedOn(declared).filter((one) => differing.includes(one))) {
        throw new TopicError(
          'wrong_config',
          `topic ${topic} has not ${name}=${declared.config[name]}; run: laurel topics apply`,
        );
      }
    }
  });
}

/** How many partitions each of these topics has, by name with prefix; those that don't exist are left out. */
export const partitionCounts = (kafka: Kafka, names: readonly string[]): Promise<ReadonlyMap<string, number>> =>
  askAdmin(kafka, async (admin) => {
    const existing = new Set(await admin.listTopics());
    const topics = names.filter((name) => existing.has(name));
    if (topics.length === 0) return new Map<string, number>();
    const metadata = await admin.fetchTopicMetadata({ topics });
    return new Map(metadata.topics.map(({ name, partitions }) => [name, partitions.length]));
  });

/** What exactness rests on: timestamps of the broker's, how records go, and that those kept for ever are. */
function reliedOn({ config }: TopicDeclaration): readonly string[] {
  const isForEver = config['retention.ms'] === '-1';
  return ['message.timestamp.type', 'cleanup.policy', ...(isForEver ? ['retention.ms', 'retention.bytes'] : [])];
}

function wrongPartitions(topic: string, partitions: number, declared: TopicDeclaration): TopicError {
  return new TopicError(
    'wrong_partitions',
    `topic ${topic} has ${partitions} partitions where ${declared.partitions} are fixed; see docs/operations on replacing it`,
  );
}

async function partitionCount(admin: Admin, topic: string): Promise<number> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  return topics[0]?.partitions.length ?? 0;
}

type ConfigEntry = Awaited<ReturnType<Admin['describeConfigs']>>['resources'][number]['configEntries'][number];

async function topicConfig(admin: Admin, topic: string): Promise<readonly ConfigEntry[]> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
  });
  return resources[0]?.configEntries ?? [];
}

function differingConfig(entries: readonly ConfigEntry[], declared: TopicDeclaration): readonly string[] {
  const actual = new Map(entries.map((entry) => [entry.configName, entry.configValue]));
  return Object.entries(declared.config).flatMap(([name, value]) => (actual.get(name) === value ? [] : [name]));
}
