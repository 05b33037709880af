import { createRequire } from 'node:module';
import kafkajs from 'kafkajs';
import { decompress as unzstd } from 'fzstd';
import { compressFrame, decompressFrame } from 'lz4-napi';

/** kafkajs asks for a codec per compression type; the encoder it hands over wraps the bytes in `buffer`. */
interface Codec {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>;
  decompress(bytes: Buffer): Promise<Buffer>;
}

const snappy = createRequire(import.meta.url)('kafkajs-snappy') as () => Codec;

const lz4: Codec = {
  compress: (encoder) => compressFrame(encoder.buffer),
  decompress: (bytes) => decompressFrame(bytes),
};

/** Read only: other tools may publish with zstd; we write lz4, which costs less. */
const zstd: Codec = {
  compress: () => Promise.reject(new Error('zstd is for reading only; choose lz4, gzip or snappy')),
  decompress: (bytes) => Promise.resolve(Buffer.from(unzstd(bytes))),
};

/** kafkajs ships gzip alone, and a consumer that meets another codec stops; so all are registered before it is used. */
export function registerCodecs(): void {
  const { CompressionCodecs, CompressionTypes } = kafkajs;
  CompressionCodecs[CompressionTypes.Snappy] = snappy;
  CompressionCodecs[CompressionTypes.LZ4] = () => lz4;
  CompressionCodecs[CompressionTypes.ZSTD] = () => zstd;
}
