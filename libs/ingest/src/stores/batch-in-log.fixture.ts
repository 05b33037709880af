import type { PackedRecords, RecordBatch, StreamRecord } from '@laurel/stream';

const varint = (value: number): Buffer => {
  const bytes: number[] = [];
  let rest = value < 0 ? -2 * value - 1 : 2 * value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
};

/**
 * Values as one batch of the log, unread, as Kafka's clients write it (Kafka protocol guide, "Record").
 *
 * @param from the first offset.
 */
export function batchInLog(
  { topic, partition, from, atMs }: { topic: string; partition: number; from: number; atMs: number },
  values: readonly Buffer[],
): RecordBatch {
  const places: number[] = [];
  let end = 0;
  const parts = values.map((value, index) => {
    const body = Buffer.concat([
      ...[Buffer.of(0), varint(0), varint(index), varint(-1)],
      ...[varint(value.length), value, varint(0)],
    ]);
    const whole = Buffer.concat([varint(body.length), body]);
    places.push(end);
    end += whole.length;
    return whole;
  });
  const records = values.map((value, index): StreamRecord => {
    return { offset: from + index, key: null, value, headers: {}, timestampMs: atMs };
  });
  const packed: PackedRecords = {
    bytes: Buffer.concat(parts),
    count: values.length,
    baseOffset: from,
    firstTimestampMs: atMs,
    appendedAtMs: atMs,
    firstOffset: from,
    lastOffset: from + values.length - 1,
    records,
    recordAt: (place) => {
      const record = records[places.indexOf(place)];
      if (record === undefined) throw new Error(`no record begins at ${place}`);
      return record;
    },
  };
  return { topic, partition, highWatermark: from + values.length, records, packed: [packed] };
}
