import { deadLetter } from '@laurel/events';
import type { OutgoingRecord } from '@laurel/kafka';
import type { RecordBatch, Rejected } from '@laurel/stream';

/** A rejected record whole, keyed by its place, so that a repeat is recognised. `topic` is the name on the broker. */
export function toDeadLetter(
  topic: string,
  batch: RecordBatch,
  { record, fault }: Rejected,
  nowMs: number,
): OutgoingRecord {
  const { partition } = batch;
  const headers = Object.entries(record.headers).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value: Buffer.from(value) }],
  );
  return {
    key: `${topic}/${partition}/${record.offset}`,
    headers: { code: fault.code },
    value: deadLetter.encode({
      ...fault,
      topic,
      partition,
      offset: record.offset,
      record_timestamp: record.timestampMs,
      key: record.key === null ? null : Buffer.from(record.key),
      value: record.value === null ? null : Buffer.from(record.value),
      headers,
      rejected_at: nowMs,
    }),
  };
}
