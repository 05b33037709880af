import { deadLetter } from '@laurel/events';
import type { OutgoingRecord } from '@laurel/kafka';
import type { RecordBatch, Rejected } from '@laurel/stream';

/** Tells, on a dead letter that is not whole, how many bytes the original value has. */
export const TRUNCATED_HEADER = 'truncated';

/**
 * A rejected record whole, keyed by its place, so that a repeat is recognised. `topic` is the name on the broker.
 *
 * @param maxValueBytes of a longer value only the beginning is kept, and a header tells its length: the record itself stays
 *   at its place until Kafka's retention ends.
 */
export function toDeadLetter(
  topic: string,
  batch: RecordBatch,
  { record, fault }: Rejected,
  nowMs: number,
  maxValueBytes = Infinity,
): OutgoingRecord {
  const { partition } = batch;
  const headers = Object.entries(record.headers).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value: Buffer.from(value) }],
  );
  const length = record.value?.length ?? 0;
  return {
    key: `${topic}/${partition}/${record.offset}`,
    headers: {
      code: fault.code,
      ...(length > maxValueBytes ? { [TRUNCATED_HEADER]: String(length) } : {}),
    },
    value: deadLetter.encode({
      ...fault,
      topic,
      partition,
      offset: record.offset,
      record_timestamp: record.timestampMs,
      key: record.key === null ? null : Buffer.from(record.key),
      value: record.value === null ? null : Buffer.from(record.value.subarray(0, Math.min(length, maxValueBytes))),
      headers,
      rejected_at: nowMs,
    }),
  };
}
