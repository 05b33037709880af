import { crc32c } from '@node-rs/crc32';
import { decodeFetchResponse, MAX_RECORDS_A_BATCH, type RecordChunk } from './fetch-response.js';

interface BatchOptions {
  readonly offset: number;
  readonly count?: number;
  /** 1 is gzip; the bytes stay as they are. */
  readonly compression?: number;
}

/** A varint in ZigZag, of one byte. */
const small = (value: number): number => (value << 1) ^ (value >> 31);

/** A record without key and headers. Source: Kafka's "Record" of message format 2. */
function record(value: string): Buffer {
  const body = Buffer.from([0, small(0), small(0), small(-1), small(value.length), ...Buffer.from(value), small(0)]);
  return Buffer.concat([Buffer.from([small(body.length)]), body]);
}

/** A batch of the log with these bytes for its records. Source: Kafka's "Record Batch". */
function batch(records: Buffer, { offset, count = 1, compression = 0 }: BatchOptions): Buffer {
  const bytes = Buffer.alloc(61 + records.length);
  bytes.writeBigInt64BE(BigInt(offset), 0);
  bytes.writeInt32BE(bytes.length - 12, 8);
  bytes.writeInt8(2, 16);
  bytes.writeInt16BE(compression, 21);
  bytes.writeInt32BE(count - 1, 23);
  bytes.writeBigInt64BE(-1n, 43);
  bytes.writeInt32BE(count, 57);
  records.copy(bytes, 61);
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17);
  return bytes;
}

const int16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
const int32 = (value: number): Buffer =>
  Buffer.from([value >> 24, (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff]);
const int64 = (value: number): Buffer => Buffer.concat([int32(value < 0 ? -1 : 0), int32(value)]);

/** An answer to a fetch, with the batches of each partition. Source: Kafka protocol guide, Fetch, version 11. */
const answer = (partitions: readonly (readonly Buffer[])[]): Buffer =>
  Buffer.concat([
    ...[int32(0), int16(0), int32(0), int32(1), int16(1), Buffer.from('t'), int32(partitions.length)],
    ...partitions.flatMap((batches, partition) => {
      const bytes = Buffer.concat(batches);
      return [
        int32(partition),
        int16(0),
        int64(99),
        int64(99),
        int64(0),
        int32(0),
        int32(-1),
        int32(bytes.length),
        bytes,
      ];
    }),
  ]);

async function chunksOf(raw: Buffer): Promise<readonly (readonly RecordChunk[])[]> {
  const decoded = await decodeFetchResponse(raw, () => 0);
  return decoded?.responses[0]?.partitions.map(({ messages }) => messages) ?? [];
}

const textOf = (chunk: RecordChunk | undefined): readonly string[] =>
  (chunk?.records ?? []).map(({ value, unreadable }) => unreadable?.why ?? Buffer.from(value ?? []).toString());

describe('an answer to a fetch', () => {
  it('is read, batch by batch', async () => {
    const [chunks = []] = await chunksOf(
      answer([[batch(record('a'), { offset: 3 }), batch(record('b'), { offset: 4 })]]),
    );
    expect(chunks.map(textOf)).toEqual([['a'], ['b']]);
  });

  it('has a batch that is not as it was written as one record that says so, and the others as they are', async () => {
    for (const at of [21, 30, 61, 66, 68]) {
      const damaged = batch(record('a'), { offset: 3 });
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      const [chunks = []] = await chunksOf(answer([[damaged, batch(record('b'), { offset: 4 })]]));
      expect(chunks.map(textOf)).toEqual([[expect.stringContaining('its checksum is another one')], ['b']]);
    }
  });

  it('has a batch of more records than become objects at once as one that says so', async () => {
    const many = batch(Buffer.alloc(100), { offset: 0, count: MAX_RECORDS_A_BATCH + 1 });
    const [[chunk] = []] = await chunksOf(answer([[many]]));
    expect(textOf(chunk)).toEqual([expect.stringContaining(`more than ${MAX_RECORDS_A_BATCH} records`)]);
    expect(chunk?.records[0]?.offset).toBe(MAX_RECORDS_A_BATCH);
  });

  it('is taken in so far only as is bounded work, in which its first batch always is', async () => {
    const broken = Array.from({ length: 20 }, (_, offset) => batch(Buffer.from('no gzip'), { offset, compression: 1 }));
    const [first = [], second = []] = await chunksOf(answer([broken, [batch(record('later'), { offset: 0 })]]));
    expect(first.length).toBeGreaterThan(0);
    expect(first.length).toBeLessThan(20);
    expect(second).toEqual([]);
  });
});
