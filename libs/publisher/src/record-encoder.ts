import type { AvroCodec } from '@laurel/events';

const CHUNK_BYTES = 64 * 1024;
const HEADER_BYTES = 10;

/** Marker and fingerprint are the same for every event of a kind (Avro specification 1.11, "Single-object encoding"). */
function singleObjectHeader(fingerprint: bigint): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.set([0xc3, 0x01]);
  header.writeBigUInt64LE(fingerprint, 2);
  return header;
}

/**
 * Encodes events as the codec's `encode` does, but one after another into chunks that they share: without a copy and an
 * allocation for each, `record()` takes a third of the time. A chunk is freed with the last of its events.
 */
export function recordEncoder<T>({ fingerprint, type }: AvroCodec<T>): (event: T) => Buffer {
  const header = singleObjectHeader(fingerprint);
  let chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  let used = 0;
  return (event) => {
    const start = used;
    if (start + HEADER_BYTES <= CHUNK_BYTES) {
      const end = type.encode(event, chunk, start + HEADER_BYTES);
      if (end >= 0) {
        chunk.set(header, start);
        used = end;
        return chunk.subarray(start, end);
      }
    }
    // A negative end tells that the rest of the chunk is too small; any valid event fits in a whole one.
    chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    chunk.set(header);
    used = type.encode(event, chunk, HEADER_BYTES);
    return chunk.subarray(0, used);
  };
}
