import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

/** How an answer may be packed, the one that is taken where a client has no preference first. */
export const ENCODINGS = ['br', 'gzip'] as const;
export type Encoding = (typeof ENCODINGS)[number];

/** The best of 11 takes a hundred times as long as the fourth, which leaves a tenth more. */
const BROTLI_QUALITY = 4;

const packers: Readonly<Record<Encoding, (bytes: Uint8Array) => Promise<Buffer>>> = {
  br: (bytes) => promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
  gzip: promisify(gzip),
};

/** Weak, as it is of the text before it is packed. */
export const etagOf = (text: string | Uint8Array): string =>
  `W/"${createHash('sha1').update(text).digest('base64url')}"`;

/**
 * A JSON answer as it is sent, for the many who are given the same: put into words and hashed once, and packed once in each way that
 * anybody asks for.
 */
export class Rendered<T extends object> {
  /** Whose words these are; for the compiler alone. */
  declare readonly answer: T;
  readonly bytes: Buffer;
  readonly etag: string;
  private readonly packed = new Map<Encoding, Promise<Buffer>>();

  private constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.etag = etagOf(bytes);
  }

  static of<T extends object>(answer: T): Rendered<T> {
    return new Rendered(Buffer.from(JSON.stringify(answer)));
  }

  /** The same with one member more, which it does not have yet and which is not for everybody; the others are not put into words again. */
  with<K extends string, V>(name: K, value: V): Rendered<T & Readonly<Record<K, V>>> {
    const member = `,${JSON.stringify(name)}:${JSON.stringify(value)}}`;
    return new Rendered(Buffer.concat([this.bytes.subarray(0, -1), Buffer.from(member)]));
  }

  packedBy(encoding: Encoding): Promise<Buffer> {
    const packed = this.packed.get(encoding) ?? packers[encoding](this.bytes);
    this.packed.set(encoding, packed);
    return packed;
  }
}
