import { topics } from '@laurel/events';
import { acceptBatch, type StreamRecord } from '@laurel/stream';
import type { AuditedLog } from './log.js';
import { CouldNotCheck, type AuditWorld } from './world.js';

const CONFLUENT_MAGIC = 0x00;

/**
 * Takes a part of the log in again, as usage-ingest would: dead letters, rows, announcement, ledger, one fetch at a time.
 * Everything in it may be there already.
 *
 * @returns how many records there were.
 */
export async function reread(
  world: AuditWorld,
  log: AuditedLog,
  partition: number,
  from: number,
  end: number,
): Promise<number> {
  const reader = await log.reader();
  let count = 0;
  for await (const records of reader.read(partition, from, end)) {
    refuseWithoutRegistry(world, `${log.topic}/${partition}`, records);
    await world.patiently('taking records in again', (signal) =>
      acceptBatch(
        { topic: topics[log.declared].name, partition, records, highWatermark: end },
        log.ports,
        world.policy,
        { signal },
      ),
    );
    count += records.length;
    world.progress.show(
      `reading ${log.topic}/${partition} again: ${count} records, at ${records.at(-1)?.offset ?? from} of ${end}`,
    );
  }
  return count;
}

/** usage-ingest may know a registry that this process was not told of; its records must not become dead letters for that. */
function refuseWithoutRegistry(world: AuditWorld, place: string, records: readonly StreamRecord[]): void {
  if (world.hasRegistry) return;
  const framed = records.find(({ value }) => value?.[0] === CONFLUENT_MAGIC);
  if (framed === undefined) return;
  throw new CouldNotCheck(
    `${place} has a record in Confluent framing at ${framed.offset}; set LAUREL_SCHEMA_REGISTRY_URL`,
  );
}
