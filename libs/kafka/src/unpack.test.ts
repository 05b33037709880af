import { gzipSync } from 'node:zlib';
import kafkajs from 'kafkajs';
import { registerCodecs } from './client/codecs.js';
import { unpack } from './unpack.js';

registerCodecs();
const { GZIP, Snappy, LZ4, ZSTD } = kafkajs.CompressionTypes;

const compressed = (codec: number, bytes: Buffer): Promise<Buffer> => {
  const make = (kafkajs.CompressionCodecs as Readonly<Record<number, (() => Codec) | undefined>>)[codec];
  if (make === undefined) throw new Error(`there is no codec ${codec}`);
  return make().compress({ buffer: bytes });
};
interface Codec {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>;
}

const KIB = 1024;
/** The framing of Java's library: raw blocks, each after its length. */
const xerial = async (blocks: readonly Buffer[]): Promise<Buffer> => {
  const parts: Buffer[] = [Buffer.from('\x82SNAPPY\0\0\0\0\x01\0\0\0\x01', 'latin1')];
  for (const block of blocks) {
    const raw = await compressed(Snappy, block);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(raw.length);
    parts.push(length, raw);
  }
  return Buffer.concat(parts);
};
/** A frame of so many blocks of 128 KiB, each of one byte repeated: RFC 8878, 3.1.1. */
const zstdZeros = (blocks: number): Buffer => {
  const head = [0x28, 0xb5, 0x2f, 0xfd, 0, 0x38];
  const block = (isLast: boolean): number[] => {
    const header = (isLast ? 1 : 0) | (1 << 1) | ((128 * KIB) << 3);
    return [header & 0xff, (header >> 8) & 0xff, header >> 16, 0];
  };
  return Buffer.from([...head, ...Array.from({ length: blocks }, (_, index) => block(index === blocks - 1)).flat()]);
};

const zeros = Buffer.alloc(256 * KIB);
const cases: readonly (readonly [string, number, () => Promise<Buffer>])[] = [
  ['gzip', GZIP, () => Promise.resolve(gzipSync(zeros))],
  ['snappy', Snappy, () => compressed(Snappy, zeros)],
  ['snappy in Java’s framing', Snappy, () => xerial([zeros.subarray(0, 100 * KIB), zeros.subarray(100 * KIB)])],
  ['lz4', LZ4, () => compressed(LZ4, zeros)],
  ['zstd', ZSTD, () => Promise.resolve(zstdZeros(2))],
];

describe('records of a batch', () => {
  it.each(cases)('are unpacked from %s where there is room for them, and else refused', async (_, codec, make) => {
    const body = await make();
    expect(body.length).toBeLessThan(32 * KIB);
    expect((await unpack(codec, body, zeros.length)).equals(zeros)).toBe(true);
    await expect(unpack(codec, body, zeros.length - 1)).rejects.toThrow(/more than 262143 bytes|larger than 262143/);
  });

  it.each(cases)('that are broken are refused, in %s', async (_, codec, make) => {
    const body = await make();
    await expect(unpack(codec, body.subarray(0, Math.floor(body.length / 2)), zeros.length)).rejects.toThrow();
  });

  it('are refused in a way that nobody knows', async () => {
    await expect(unpack(7, zeros, zeros.length)).rejects.toThrow('unknown way 7');
  });
});
