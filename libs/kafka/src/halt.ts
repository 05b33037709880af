import type { Kafka } from 'kafkajs';
import { askAdmin } from './ask-admin.js';

/** Why a partition may not be read on: to read on would be to skip. A person has to decide. */
export type HaltCode =
  'log_start_above_committed' | 'committed_offset_gone' | 'log_end_below_committed' | 'log_end_below_recorded';

export class Halt extends Error {
  constructor(
    readonly code: HaltCode,
    message: string,
  ) {
    super(`${code}: ${message}`);
    this.name = 'Halt';
  }
}

/** Offsets of one partition; the committed one is the older by as long as the broker took to answer. */
export interface PartitionOffsets {
  /** First offset that the log still has. */
  readonly low: number;
  /** End of the log. */
  readonly high: number;
  /** The group's committed offset; undefined when it has none. */
  readonly committed: number | undefined;
  /** It had one, or began, where the log has nothing any more: kafkajs put "the beginning" in its place by itself. */
  readonly isLost?: boolean;
}

/** How many records a group has yet to commit of a topic, transaction markers included; null when it never committed any. */
export function behindOf(partitions: Iterable<PartitionOffsets>): number | null {
  const offsets = [...partitions];
  if (offsets.every(({ committed }) => committed === undefined)) return null;
  return offsets.reduce((sum, { low, high, committed }) => sum + Math.max(0, high - (committed ?? low)), 0);
}

/** Stands for the beginning of the log. Source: Kafka protocol guide, ListOffsets. */
const EARLIEST = -2;

/**
 * What each partition of a topic holds, and what a group has committed of it. The group is asked first: a log only grows, so
 * however long the answers take and whoever commits meanwhile, a committed offset beyond the end is one of another log.
 */
export async function partitionOffsets(
  kafka: Kafka,
  groupId: string,
  topic: string,
): Promise<ReadonlyMap<number, PartitionOffsets>> {
  const { group, log } = await askAdmin(kafka, async (admin) => {
    const [group] = await admin.fetchOffsets({ groupId, topics: [topic] });
    return { group, log: await admin.fetchTopicOffsets(topic) };
  });
  const committed = new Map(group?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
  return new Map(
    log.map(({ partition, low, high }) => {
      const offset = committed.get(partition) ?? -1;
      // Negative offsets are no offsets: -1 for none, -2 where kafkajs has committed "the beginning" as a default.
      return [
        partition,
        {
          low: Number(low),
          high: Number(high),
          committed: offset < 0 ? undefined : offset,
          isLost: offset === EARLIEST,
        },
      ];
    }),
  );
}

/**
 * The halting rules of the guarantee. A first offset beyond the expected one is normal: aborted and control records are
 * skipped by the broker.
 *
 * @param recorded the next offset after the last that our own tables rest on, undefined when they know none. kafkajs
 *   commits a default offset by itself when the committed one is out of range, so the group alone can't be relied on.
 */
export function haltReason(
  place: string,
  { low, high, committed, isLost = false }: PartitionOffsets,
  recorded: number | undefined,
): Halt | undefined {
  if (recorded !== undefined && high < recorded) {
    return new Halt(
      'log_end_below_recorded',
      `${place} ends at ${high}, before ${recorded}, which our tables rest on: the topic was replaced or truncated`,
    );
  }
  if (committed !== undefined && low > committed) {
    return new Halt(
      'log_start_above_committed',
      `${place} begins at ${low}, after the committed offset ${committed}: records are gone`,
    );
  }
  if (recorded !== undefined && low > recorded) {
    return new Halt(
      'log_start_above_committed',
      `${place} begins at ${low}, after ${recorded}, which was read last: records are gone`,
    );
  }
  if (committed === undefined) {
    if (recorded === undefined && !isLost) return undefined;
    const known = recorded === undefined ? 'its beginning, of which our tables know nothing' : String(recorded);
    return new Halt('committed_offset_gone', `${place} was read up to ${known}, but the group has no offset any more`);
  }
  if (high < committed) {
    return new Halt(
      'log_end_below_committed',
      `${place} ends at ${high}, before the committed offset ${committed}: the topic was replaced or truncated`,
    );
  }
  return undefined;
}
