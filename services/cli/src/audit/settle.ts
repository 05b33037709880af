import { setTimeout as sleep } from 'node:timers/promises';
import { partitionOffsets, type PartitionOffsets } from '@laurel/kafka';
import { CouldNotCheck, type AuditWorld } from './world.js';

const POLL_MS = 200;

export function offsetsOf(
  world: AuditWorld,
  group: string,
  topic: string,
): Promise<ReadonlyMap<number, PartitionOffsets>> {
  return world.attempt(`asking for the offsets of ${group}`, () => partitionOffsets(world.kafka, group, topic));
}

/** How far a topic's partitions are committed, for a person. */
export const committedText = (topic: string, offsets: ReadonlyMap<number, PartitionOffsets>): string =>
  `${topic} ${[...offsets].map(([partition, { committed }]) => `${partition}: ${committed ?? 'none'}`).join(', ')}`;

/**
 * Waits until a group has committed these offsets, by partition.
 *
 * @throws CouldNotCheck when it makes no progress for as long as patience lasts.
 */
export async function committedUpTo(
  world: AuditWorld,
  group: string,
  topic: string,
  wanted: ReadonlyMap<number, number>,
): Promise<void> {
  let progressAt = performance.now();
  let before = Infinity;
  while (wanted.size > 0) {
    const offsets = await offsetsOf(world, group, topic);
    const missing = [...wanted].reduce((sum, [partition, offset]) => {
      const { committed = 0, high = 0 } = offsets.get(partition) ?? {};
      // An offset beyond the end is of a topic that was there before.
      return sum + (offset > high ? 0 : Math.max(0, offset - committed));
    }, 0);
    if (missing === 0) return;
    if (missing < before) progressAt = performance.now();
    before = missing;
    if (performance.now() - progressAt > world.options.patienceMs) {
      throw new CouldNotCheck(
        `${group} does not get on with ${topic}: ${missing} records wait; is the service running?`,
      );
    }
    world.progress.show(`waiting for ${group}: ${missing} records`);
    await sleep(POLL_MS);
  }
}
