import { firstOffset, lastOffset, type PackedRecords, type RecordBatch } from './record-batch.js';

describe('the offsets of a batch', () => {
  const packed = (firstWanted: number, last: number): PackedRecords => ({
    bytes: new Uint8Array(),
    count: 0,
    baseOffset: 0,
    firstTimestampMs: 0,
    appendedAtMs: undefined,
    firstOffset: firstWanted,
    lastOffset: last,
    records: [],
    recordAt: () => {
      throw new Error('a record was read');
    },
  });

  it('are known without reading its records, where they are packed', () => {
    const batch: RecordBatch = {
      topic: 't',
      partition: 0,
      highWatermark: 9,
      packed: [packed(3, 5), packed(6, 8)],
      get records(): never {
        throw new Error('the records were read');
      },
    };
    expect([firstOffset(batch), lastOffset(batch)]).toEqual([3, 8]);
  });

  it('are those of its first and last record otherwise', () => {
    const records = [4, 7].map((offset) => ({ offset, key: null, value: null, headers: {}, timestampMs: 0 }));
    const batch: RecordBatch = { topic: 't', partition: 0, highWatermark: 9, records };
    expect([firstOffset(batch), lastOffset(batch)]).toEqual([4, 7]);
  });
});
