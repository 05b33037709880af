import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Decompress } from 'fzstd';
import { decompressFrame } from 'lz4-napi';

/**
 * Unpacks the records of a batch. What it comes to is known, or watched, before there is memory for it: two megabytes of a batch
 * can be a thousand times as many. Nor does it take long, whatever the bytes say; but for zstd's own sequences, which a broker reads
 * before it takes a batch.
 *
 * @param compression as in a batch's attributes: 1 gzip, 2 snappy, 3 lz4, 4 zstd.
 * @param maxBytes that the records may come to.
 * @throws Error that says why it can't be unpacked; see also `isForWantOfMemory`.
 */
export async function unpack(compression: number, body: Buffer, maxBytes: number): Promise<Buffer> {
  switch (compression) {
    case 1:
      return unzip(body, { maxOutputLength: maxBytes });
    case 2:
      return unsnap(body, maxBytes);
    case 3:
      requireRoom(mostOfLz4(body), maxBytes);
      return decompressFrame(body);
    case 4:
      return unzstd(body, maxBytes);
    default:
      throw new Error(`records are compressed in the unknown way ${compression}`);
  }
}

/** Whether the machine was at fault, and not the bytes: another attempt may succeed. */
export function isForWantOfMemory(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? error.code : undefined;
  return (
    code === 'ERR_MEMORY_ALLOCATION_FAILED' ||
    code === 'Z_MEM_ERROR' ||
    code === 'ENOMEM' ||
    error.message === 'Array buffer allocation failed'
  );
}

const unzip = promisify(gunzip);

function requireRoom(bytes: number, maxBytes: number): void {
  if (bytes > maxBytes) throw new Error(`unpacked, the records come to more than ${maxBytes} bytes`);
}

/** The framing of Java's library, "\x82SNAPPY\0" and two versions; then blocks, each after its length. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
const XERIAL_HEADER_BYTES = 16;

/** A raw block begins with the length that it unpacks to. */
function unsnap(body: Buffer, maxBytes: number): Buffer {
  const blocks: Buffer[] = [];
  if (body.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) {
    for (let at = XERIAL_HEADER_BYTES; at + 4 <= body.length;) {
      const end = at + 4 + body.readUInt32BE(at);
      blocks.push(body.subarray(at + 4, end));
      at = end;
    }
  } else blocks.push(body);
  requireRoom(
    blocks.reduce((sum, block) => sum + unsnappedLength(block).value, 0),
    maxBytes,
  );
  return Buffer.concat(blocks.map(unsnapBlock));
}

/** The number that a raw block begins with, 7 bits a byte, the lowest first, and how many bytes it takes. */
function unsnappedLength(block: Buffer): { readonly value: number; readonly bytes: number } {
  let value = 0;
  for (let at = 0, factor = 1; at < 5; at += 1, factor *= 128) {
    const byte = block.readUInt8(at);
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return { value, bytes: at + 1 };
  }
  throw new Error('a block of Snappy does not begin with its length');
}

/**
 * One raw block: literal bytes, and copies of what came before. Every step goes forward in both, within their bounds, so that it ends
 * whatever the bytes say. Source: https://github.com/google/snappy/blob/main/format_description.txt
 */
function unsnapBlock(block: Buffer): Buffer {
  const { value: length, bytes: begin } = unsnappedLength(block);
  const out = Buffer.allocUnsafe(length);
  let from = begin;
  let to = 0;
  while (from < block.length) {
    const tag = block.readUInt8(from);
    const kind = tag & 3;
    from += 1;
    if (kind === 0) {
      // Up to 60 in the tag itself, else in so many bytes behind it.
      const lengthBytes = Math.max(0, (tag >> 2) - 59);
      const size = 1 + (lengthBytes === 0 ? tag >> 2 : block.readUIntLE(from, lengthBytes));
      from += lengthBytes;
      if (from + size > block.length || to + size > length)
        throw new Error('a literal of Snappy goes beyond its block');
      block.copy(out, to, from, from + size);
      from += size;
      to += size;
      continue;
    }
    const size = kind === 1 ? 4 + ((tag >> 2) & 7) : 1 + (tag >> 2);
    const distanceBytes = kind === 3 ? 4 : kind;
    const low = block.readUIntLE(from, distanceBytes);
    const distance = kind === 1 ? ((tag >> 5) << 8) | low : low;
    from += distanceBytes;
    if (distance === 0 || distance > to || to + size > length)
      throw new Error('a copy of Snappy goes beyond its block');
    if (distance >= size) out.copyWithin(to, to - distance, to - distance + size);
    // It may reach into what it makes, which then repeats.
    else for (let at = to; at < to + size; at += 1) out[at] = out[at - distance] ?? 0;
    to += size;
  }
  if (to !== length) throw new Error(`a block of Snappy comes to ${to} bytes, and says ${length}`);
  return out;
}

/** No block of LZ4 unpacks to more than this many times its size: a byte of a match's length stands for 255. */
const LZ4_MOST_TIMES = 255;

/**
 * At most so many bytes, by the sizes of a frame's blocks (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md).
 */
function mostOfLz4(body: Buffer): number {
  const [flags, blockDescriptor] = [body.readUInt8(4), body.readUInt8(5)];
  const maxBlock = 2 ** (8 + 2 * ((blockDescriptor >> 4) & 7));
  const hasBlockChecksum = (flags & 0x10) !== 0;
  let at = 7 + ((flags & 0x08) !== 0 ? 8 : 0) + ((flags & 0x01) !== 0 ? 4 : 0);
  let most = 0;
  while (at + 4 <= body.length) {
    const word = body.readUInt32LE(at);
    const size = word & 0x7fffffff;
    if (size === 0) break;
    most += word === size ? Math.min(maxBlock, size * LZ4_MOST_TIMES) : size;
    at += 4 + size + (hasBlockChecksum ? 4 : 0);
  }
  return most;
}

/** Frame by frame and block by block, as most writers don't say what it comes to. A block is at most 128 KiB. */
function unzstd(body: Buffer, maxBytes: number): Buffer {
  requireModestWork(body);
  const pieces: Uint8Array[] = [];
  let size = 0;
  const stream = new Decompress((piece) => {
    size += piece.length;
    requireRoom(size, maxBytes);
    pieces.push(piece);
  });
  stream.push(body, true);
  return Buffer.concat(pieces);
}

const ZSTD_MAGIC = 0xfd2fb528;
/** Frames that decoders pass over have one of sixteen magic numbers. */
const ZSTD_SKIPPABLE_MAGIC = 0x184d2a50;
/** The library sets up the whole window for a frame and moves it for each block: some seconds for all of these, in bytes. */
const MOST_MOVED_BYTES = 16 * 2 ** 30;
/** What Kafka's own client takes at most, in bytes. */
const MOST_WINDOW_BYTES = 128 * 2 ** 20;

/** By the headers of frames and blocks alone (RFC 8878, 3.1.1). Bytes that end too early are left for who unpacks them. */
function requireModestWork(body: Buffer): void {
  let moved = 0;
  for (let at = 0; at + 8 <= body.length;) {
    const magic = body.readUInt32LE(at);
    if (magic - (magic & 15) === ZSTD_SKIPPABLE_MAGIC) {
      at += 8 + body.readUInt32LE(at + 4);
      continue;
    }
    if (magic !== ZSTD_MAGIC) throw new Error('this is not a frame of Zstandard');
    const { window, headerBytes, checksumBytes } = zstdHeader(body.subarray(at + 4));
    if (window > MOST_WINDOW_BYTES) throw new Error(`its window of ${window} bytes is more than ${MOST_WINDOW_BYTES}`);
    at += 4 + headerBytes;
    moved += window;
    for (let isLast = false; !isLast && at + 3 <= body.length;) {
      const header = body.readUIntLE(at, 3);
      isLast = (header & 1) !== 0;
      const isOneByteRepeated = ((header >> 1) & 3) === 1;
      at += 3 + (isOneByteRepeated ? 1 : header >> 3);
      moved += window;
    }
    at += checksumBytes;
    if (moved > MOST_MOVED_BYTES)
      throw new Error('it has so many blocks and so large a window that it would take too long');
  }
}

function zstdHeader(frame: Buffer): {
  readonly window: number;
  readonly headerBytes: number;
  readonly checksumBytes: number;
} {
  const descriptor = frame.readUInt8(0);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  const sizeAt = 1 + (isSingleSegment ? 0 : 1) + ([0, 1, 2, 4][descriptor & 3] ?? 0);
  const checksumBytes = (descriptor & 4) !== 0 ? 4 : 0;
  const headerBytes = sizeAt + sizeBytes;
  if (isSingleSegment) {
    // Two bytes count from 256 on.
    const size = sizeBytes === 8 ? Number(frame.readBigUInt64LE(sizeAt)) : frame.readUIntLE(sizeAt, sizeBytes);
    return { window: sizeBytes === 2 ? size + 256 : size, headerBytes, checksumBytes };
  }
  const windowDescriptor = frame.readUInt8(1);
  const base = 2 ** (10 + (windowDescriptor >> 3));
  return { window: base + (base / 8) * (windowDescriptor & 7), headerBytes, checksumBytes };
}
