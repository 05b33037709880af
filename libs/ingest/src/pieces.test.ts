import fc from 'fast-check';
import type { PackedRecords, RecordBatch, StreamRecord } from '@laurel/stream';
import { piecesOf, sizeOfPacked, sizeOfRecord } from './pieces.js';

const MAX_BYTES = 1000;
const place = { topic: 't', partition: 3, highWatermark: 99 };

const record = (offset: number, bytes: number): StreamRecord => ({
  offset,
  key: null,
  value: Buffer.alloc(bytes),
  headers: {},
  timestampMs: 0,
});
function packed(records: readonly StreamRecord[]): PackedRecords {
  const [first = 0, last = 0] = [records[0]?.offset, records.at(-1)?.offset];
  return {
    bytes: Buffer.concat(records.map(({ value }) => value ?? Buffer.alloc(0))),
    count: records.length,
    baseOffset: first,
    firstOffset: first,
    lastOffset: last,
    firstTimestampMs: 0,
    appendedAtMs: undefined,
    records,
    recordAt: () => record(first, 0),
  };
}
/** Records of these sizes, by batches of the log. */
const logs = fc
  .array(fc.array(fc.oneof(fc.nat(200), fc.nat(2000)), { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 8 })
  .map((batches) => {
    let offset = 0;
    return batches.map((sizes) => sizes.map((size) => record((offset += 1), size)));
  });
const sizeOfPiece = ({ packed: own, records }: RecordBatch): number =>
  own === undefined
    ? records.reduce((sum, one) => sum + sizeOfRecord(one), 0)
    : own.reduce((sum, one) => sum + sizeOfPacked(one), 0);

it('a record takes no more room than an event may, whatever is in it', () => {
  expect(sizeOfRecord(record(0, 300 * 1024 * 1024))).toBe(16 * 1024);
});

describe('the pieces of a batch', () => {
  it('have every record once, in order, and fit, but for a single record that does not', () => {
    fc.assert(
      fc.property(logs, fc.boolean(), (log, isPacked) => {
        const records = log.flat();
        const batch: RecordBatch = { ...place, records, ...(isPacked ? { packed: log.map(packed) } : {}) };
        const pieces = [...piecesOf(batch, MAX_BYTES)];
        expect(pieces.flatMap((piece) => piece.records)).toEqual(records);
        for (const piece of pieces) {
          expect(piece).toMatchObject(place);
          expect(sizeOfPiece(piece) <= MAX_BYTES || piece.records.length === 1).toBe(true);
        }
      }),
    );
  });

  it('are the batch itself, unread, where it fits', () => {
    const log = [packed([record(1, 10), record(2, 10)]), packed([record(3, 10)])];
    const pieces = [...piecesOf({ ...place, records: [], packed: log }, MAX_BYTES)];
    expect(pieces.map((piece) => piece.packed)).toEqual([log]);
  });

  it('are none of a batch without records', () => {
    expect([...piecesOf({ ...place, records: [] }, MAX_BYTES)]).toEqual([]);
  });
});
