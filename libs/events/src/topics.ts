/** One topic as it is to exist on the broker. */
export interface TopicDeclaration {
  readonly name: string;
  readonly partitions: number;
  /** Topic-level broker configuration. */
  readonly config: Readonly<Record<string, string>>;
  /** True when the partition count must never change, as keys must stay on their partition. */
  readonly fixedPartitions: boolean;
}

const DAY_MS = 86_400_000;
const MIB = 1024 * 1024;

const retained = (days: number): Record<string, string> => ({
  'cleanup.policy': 'delete',
  'retention.ms': String(days * DAY_MS),
  'message.timestamp.type': 'LogAppendTime',
});
const forEver = {
  'cleanup.policy': 'delete',
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'message.timestamp.type': 'LogAppendTime',
};
const compacted = { 'cleanup.policy': 'compact', 'message.timestamp.type': 'LogAppendTime' };

/** A publisher's record may be this large, in bytes; see `topics.usageEvents`. */
export const MAX_RECORD_BYTES = 2 * MIB;

/**
 * Every topic of Laurel, declared here and nowhere else; `laurel topics apply` creates them.
 * LogAppendTime everywhere: the broker's clock, not a publisher's, bounds `occurred_at`.
 */
export const topics = {
  usageEvents: {
    name: 'usage.events.v1',
    partitions: 6,
    config: { ...retained(35), 'max.message.bytes': String(MAX_RECORD_BYTES) },
    fixedPartitions: false,
  },
  usageOutcomes: {
    name: 'usage.outcomes.v1',
    partitions: 6,
    config: { ...retained(35), 'max.message.bytes': String(MAX_RECORD_BYTES) },
    fixedPartitions: false,
  },
  /** Holds records of any topic with their headers, so its limit is above theirs. */
  deadLetters: {
    name: 'usage.dead-letters.v1',
    partitions: 3,
    config: { ...retained(30), 'max.message.bytes': String(2 * MAX_RECORD_BYTES) },
    fixedPartitions: false,
  },
  usageStored: { name: 'usage.stored.v1', partitions: 4, config: retained(7), fixedPartitions: true },
  usageProjected: { name: 'usage.projected.v1', partitions: 1, config: retained(7), fixedPartitions: true },
  titleAwards: { name: 'titles.awards.v1', partitions: 1, config: forEver, fixedPartitions: true },
  titleHolders: { name: 'titles.holders.v1', partitions: 1, config: compacted, fixedPartitions: true },
  titleTiers: { name: 'titles.tiers.v1', partitions: 1, config: compacted, fixedPartitions: true },
  titleRules: { name: 'titles.rules.v1', partitions: 1, config: forEver, fixedPartitions: true },
  /** One partition, so that what is asked for again comes in the order in which it was asked. */
  undelivered: { name: 'titles.undelivered.v1', partitions: 1, config: retained(30), fixedPartitions: true },
  /**
   * One partition, so that all changes stand in one order. What somebody took back is to be gone soon: a record that was
   * replaced stays for a day at most, as far as Kafka can be told so (a segment is closed by the next record).
   */
  peopleProfiles: {
    name: 'people.profiles.v1',
    partitions: 1,
    config: { ...compacted, 'max.compaction.lag.ms': String(DAY_MS) },
    fixedPartitions: true,
  },
} as const satisfies Record<string, TopicDeclaration>;
