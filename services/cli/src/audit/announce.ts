import type { TouchedDay } from '@laurel/clickhouse';
import { topics, type StoredCause } from '@laurel/events';
import { changeRecords } from '@laurel/ingest';
import { partitionOf } from '@laurel/kafka';
import { dayKey, type Day } from '@laurel/usage';
import { committedUpTo, offsetsOf } from './settle.js';
import type { AuditWorld } from './world.js';

/** The partition of usage.stored.v1 that a day's announcements are on. */
export const partitionOfDay = (day: number): number => partitionOf(dayKey(day as Day), topics.usageStored.partitions);

/** Has buckets rolled again: the projector hears of it as of any change. */
export async function announce(world: AuditWorld, days: readonly TouchedDay[], cause: StoredCause): Promise<void> {
  const records = changeRecords(days, cause, Date.now());
  await world.attempt('announcing', () => world.producer.send(topics.usageStored.name, records));
}

/** Waits until everything that is announced of these days (numbers since the epoch) by now has its heads. */
export async function projected(world: AuditWorld, days: readonly number[]): Promise<void> {
  const topic = world.topic('usageStored');
  const ends = await offsetsOf(world, world.groups.projector, topic);
  const partitions = new Set(days.map(partitionOfDay));
  const wanted = [...partitions].map((partition) => [partition, ends.get(partition)?.high ?? 0] as const);
  await committedUpTo(world, world.groups.projector, topic, new Map(wanted));
}
