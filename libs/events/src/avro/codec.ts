import type avro from 'avsc';
import { parseSchema } from './bounded.js';
import { crc64Avro } from './fingerprint.js';

/** Single-object encoding begins with these two bytes, then the fingerprint in 8 bytes, little-endian. */
export const SINGLE_OBJECT_MARKER = [0xc3, 0x01] as const;
const HEADER_BYTES = 10;

/** Writes and reads one of our record types in Avro single-object encoding (Avro specification 1.11). */
export interface AvroCodec<T> {
  readonly name: string;
  /** CRC-64-AVRO of the schema's Parsing Canonical Form. */
  readonly fingerprint: bigint;
  /** avsc's type, to resolve other writers' schemas against. */
  readonly type: avro.Type;
  /** Throws when the value does not fit the schema: that is a bug of the caller. */
  encode(value: T): Buffer;
  /** Throws when the bytes are not exactly one value under this schema, or under one that was published before it. */
  decode(bytes: Uint8Array): T;
}

export function fingerprintOf(type: avro.Type): bigint {
  // avsc's schema() without attributes is the Parsing Canonical Form.
  return crc64Avro(Buffer.from(JSON.stringify(type.schema())));
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const headerOf = (fingerprint: bigint): Buffer => {
  const header = Buffer.alloc(HEADER_BYTES);
  header.set(SINGLE_OBJECT_MARKER);
  header.writeBigUInt64LE(fingerprint, 2);
  return header;
};

/** @param former schemas of the same record that were published before: what was written by them is read as by this one. */
export function avroCodec<T>(schema: { readonly name: string }, former: readonly object[] = []): AvroCodec<T> {
  const type = parseSchema(schema);
  const fingerprint = fingerprintOf(type);
  const header = headerOf(fingerprint);
  const formerTypes = former.map((one) => parseSchema(one));
  const resolvers = formerTypes.map((one) => ({
    header: headerOf(fingerprintOf(one)),
    resolver: type.createResolver(one),
  }));
  return {
    name: schema.name,
    fingerprint,
    type,
    encode: (value) => Buffer.concat([header, type.toBuffer(value)]),
    decode: (bytes) => {
      const buffer = asBuffer(bytes);
      const [own, body] = [buffer.subarray(0, HEADER_BYTES), buffer.subarray(HEADER_BYTES)];
      if (own.equals(header)) return type.fromBuffer(body) as T;
      const written = resolvers.find((one) => own.equals(one.header));
      if (written === undefined) throw new Error(`not a ${schema.name} in Avro single-object encoding`);
      return type.fromBuffer(body, written.resolver) as T;
    },
  };
}
