import type { PackedRecords, RecordBatch, StreamRecord } from '@laurel/stream';

/** What an event's Avro body may have more than what it was decoded from: a byte or so of each field that is absent there. */
const ABSENT_BYTES = 64;

/** No event's body is longer: its texts are at most 7 ids of 256 bytes and 8 KiB of attributes in 32 entries. */
const MAX_BODY_BYTES = 16 * 1024;

/** How much room the records of a batch of the log may need in a block, in bytes. */
export const sizeOfPacked = ({ bytes, count }: PackedRecords): number => bytes.length + count * ABSENT_BYTES;

/** The same of one record, however much there is in it that is no part of an event. */
export const sizeOfRecord = ({ value, headers }: StreamRecord): number =>
  Math.min(
    MAX_BODY_BYTES,
    Object.values(headers).reduce((sum, bytes) => sum + (bytes?.length ?? 0), ABSENT_BYTES + (value?.length ?? 0)),
  );

/**
 * The batch in pieces that each fit into a block of this size. Mostly that is the batch
 * itself; but what a publisher has compressed well may come to a multiple of what was fetched.
 */
export function* piecesOf(batch: RecordBatch, maxBytes: number): Generator<RecordBatch, void> {
  const { topic, partition, highWatermark, packed } = batch;
  const ofRecords = (records: readonly StreamRecord[]): RecordBatch => ({ topic, partition, highWatermark, records });
  const ofPacked = (group: readonly PackedRecords[]): RecordBatch => ({
    ...{ topic, partition, highWatermark, packed: group },
    get records() {
      return group.flatMap(({ records }) => records);
    },
  });
  if (packed === undefined) {
    for (const some of inGroups(batch.records, sizeOfRecord, maxBytes)) yield ofRecords(some);
    return;
  }
  for (const group of inGroups(packed, sizeOfPacked, maxBytes)) {
    const [only] = group;
    if (only === undefined || sizeOfPacked(only) <= maxBytes) yield ofPacked(group);
    else for (const some of inGroups(only.records, sizeOfRecord, maxBytes)) yield ofRecords(some);
  }
}

/** Consecutive ones together for as long as they fit; one that doesn't fit stands alone. */
function* inGroups<T>(all: readonly T[], sizeOf: (one: T) => number, maxSize: number): Generator<readonly T[], void> {
  let group: T[] = [];
  let size = 0;
  for (const one of all) {
    const own = sizeOf(one);
    if (group.length > 0 && size + own > maxSize) {
      yield group;
      [group, size] = [[], 0];
    }
    group.push(one);
    size += own;
  }
  if (group.length > 0) yield group;
}
