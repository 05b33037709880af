import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Decompress } from 'fzstd';
import kafkajs from 'kafkajs';

/**
 * Unpacks the records of a batch. What it comes to is known, or watched, before there is memory for it: two megabytes of a batch
 * can be a thousand times as many.
 *
 * @param compression as in a batch's attributes: 1 gzip, 2 snappy, 3 lz4, 4 zstd.
 * @param maxBytes that the records may come to.
 * @throws Error that says why it can't be unpacked.
 */
export async function unpack(compression: number, body: Buffer, maxBytes: number): Promise<Buffer> {
  switch (compression) {
    case 1:
      return unzip(body, { maxOutputLength: maxBytes });
    case 2:
      requireRoom(lengthOfSnappy(body), maxBytes);
      return codecOf(compression).decompress(body);
    case 3:
      requireRoom(mostOfLz4(body), maxBytes);
      return codecOf(compression).decompress(body);
    case 4:
      return unzstd(body, maxBytes);
    default:
      throw new Error(`records are compressed in the unknown way ${compression}`);
  }
}

const unzip = promisify(gunzip);

interface Codec {
  decompress(bytes: Buffer): Promise<Buffer>;
}

/** As registered with kafkajs. */
function codecOf(compression: number): Codec {
  const codec = (kafkajs.CompressionCodecs as Readonly<Record<number, (() => Codec) | undefined>>)[compression];
  if (codec === undefined) throw new Error(`nothing is registered for compression ${compression}`);
  return codec();
}

function requireRoom(bytes: number, maxBytes: number): void {
  if (bytes > maxBytes) throw new RangeError(`unpacked, the records come to more than ${maxBytes} bytes`);
}

/** The framing of Java's library, "\x82SNAPPY\0" and two versions; then blocks, each after its length. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
const XERIAL_HEADER_BYTES = 16;

/** Each block begins with the length that it unpacks to (https://github.com/google/snappy/blob/main/format_description.txt). */
function lengthOfSnappy(body: Buffer): number {
  if (!body.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return unsignedAt(body, 0);
  let length = 0;
  for (let at = XERIAL_HEADER_BYTES; at + 4 < body.length; at += 4 + body.readUInt32BE(at)) {
    length += unsignedAt(body, at + 4);
  }
  return length;
}

function unsignedAt(body: Buffer, from: number): number {
  let value = 0;
  for (let at = from, factor = 1; at < body.length && at < from + 5; at += 1, factor *= 128) {
    const byte = body.readUInt8(at);
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) break;
  }
  return value;
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
