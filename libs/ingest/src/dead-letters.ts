import { deadLetter } from '@laurel/events';
import type { OutgoingRecord } from '@laurel/kafka';
import type { RecordBatch, Rejected } from '@laurel/stream';

/** On a dead letter that is not whole: how many bytes the original value has. */
export const TRUNCATED_HEADER = 'truncated';
/** On the dead letter of a whole batch of the log that can't be read: the first offset of it that was asked for. */
export const BATCH_FROM_HEADER = 'batch-from';

/** Of a key, and of all headers, of a record that is not kept whole, in bytes. */
const KEPT_BESIDE_BYTES = 64 * 1024;

/**
 * A rejected record whole, keyed by its place, so that a repeat is recognised. `topic` is the name on the broker.
 *
 * @param maxValueBytes of a longer value only the beginning is kept, and a header tells its length; then also a key
 *   beyond 64 KiB is cut, and headers that come to more are left out. The record itself stays at its place until Kafka's retention ends.
 */
export function toDeadLetter(
  topic: string,
  batch: RecordBatch,
  { record, fault }: Rejected,
  nowMs: number,
  maxValueBytes = Infinity,
): OutgoingRecord {
  const { partition } = batch;
  const all = Object.entries(record.headers).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value: Buffer.from(value) }],
  );
  const length = record.value?.length ?? 0;
  const keyLength = record.key?.length ?? 0;
  const headerBytes = all.reduce((sum, { name, value }) => sum + name.length + value.length, 0);
  // A record may be too large for its key or its headers as well.
  const mostBeside = maxValueBytes === Infinity ? Infinity : KEPT_BESIDE_BYTES;
  const headers = headerBytes > mostBeside ? [] : all;
  const isCut = length > maxValueBytes || keyLength > mostBeside || headerBytes > mostBeside;
  return {
    key: `${topic}/${partition}/${record.offset}`,
    headers: {
      code: fault.code,
      ...(isCut ? { [TRUNCATED_HEADER]: String(length) } : {}),
      ...(record.unreadable === undefined ? {} : { [BATCH_FROM_HEADER]: String(record.unreadable.firstOffset) }),
    },
    value: deadLetter.encode({
      ...fault,
      topic,
      partition,
      offset: record.offset,
      record_timestamp: record.timestampMs,
      key: record.key === null ? null : Buffer.from(record.key.subarray(0, Math.min(keyLength, mostBeside))),
      value: record.value === null ? null : Buffer.from(record.value.subarray(0, Math.min(length, maxValueBytes))),
      headers,
      rejected_at: nowMs,
    }),
  };
}
