import { types } from 'node:util';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
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
const MIB_8 = 0x68;
const MIB_128 = 0x88;
/** A frame of so many blocks, each of one byte repeated: RFC 8878, 3.1.1. */
const zstdZeros = (blocks: number, blockBytes = 128 * KIB, window = 0x38): Buffer => {
  const head = [0x28, 0xb5, 0x2f, 0xfd, 0, window];
  const block = (isLast: boolean): number[] => {
    const header = (isLast ? 1 : 0) | (1 << 1) | (blockBytes << 3);
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

  it('are refused where unpacking them would take minutes, however little they come to', async () => {
    const many = Math.floor((16 * 2 ** 30) / (128 * 2 ** 20));
    const refusal = /it would take too long/;
    await expect(unpack(ZSTD, zstdZeros(many, 1, MIB_128), zeros.length)).rejects.toThrow(refusal);
    const frames = Buffer.concat(Array.from({ length: 1025 }, () => zstdZeros(1, 1, MIB_8)));
    await expect(unpack(ZSTD, frames, zeros.length)).rejects.toThrow(refusal);
    await expect(unpack(ZSTD, zstdZeros(1, 1, MIB_128 + 1), zeros.length)).rejects.toThrow(/window of 150994944 bytes/);
  });

  it('are unpacked from Snappy as they were packed, and whatever its bytes say it ends', async () => {
    const text = fc
      .array(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(Buffer.from('abcd'), Buffer.alloc(300, 7))), {
        maxLength: 60,
      })
      .map((parts) => Buffer.concat(parts));
    await fc.assert(
      fc.asyncProperty(
        text,
        fc.array(fc.tuple(fc.nat(10_000), fc.nat(255)), { maxLength: 3 }),
        async (bytes, damage) => {
          const body = await compressed(Snappy, bytes);
          expect((await unpack(Snappy, body, 64 * KIB)).equals(bytes)).toBe(true);
          for (const [at, byte] of damage) body[at % body.length] = byte;
          await unpack(Snappy, body, 64 * KIB).catch((error: unknown) => expect(types.isNativeError(error)).toBe(true));
        },
      ),
    );
    // A literal of four bytes' length, which as a signed number leads back.
    await expect(unpack(Snappy, Buffer.from([1, 0xfc, 0xfa, 0xff, 0xff, 0xff]), 64 * KIB)).rejects.toThrow(
      'beyond its block',
    );
  });

  it('are unpacked from several frames of zstd, of which some are to be passed over', async () => {
    const skipped = Buffer.from([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
    const body = Buffer.concat([zstdZeros(1), skipped, zstdZeros(1)]);
    expect((await unpack(ZSTD, body, zeros.length)).equals(zeros)).toBe(true);
  });

  it('are refused in a way that nobody knows', async () => {
    await expect(unpack(7, zeros, zeros.length)).rejects.toThrow('unknown way 7');
  });
});
