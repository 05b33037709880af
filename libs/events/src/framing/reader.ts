import avro from 'avsc';
import { parseSchema } from '../avro/bounded.js';
import type { AvroCodec } from '../avro/codec.js';
import { accept, reject, type Checked } from '../checked.js';

/** Reads one Avro-encoded body, without its framing. */
export type BodyReader<T> = (body: Buffer) => Checked<T>;

/** Reads longs beyond 2^53 as the nearest number instead of throwing: they are out of range anyhow, and named so. */
const roundingLong = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => Number(bytes.readBigInt64LE()),
  toBuffer: (value: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(value));
    return bytes;
  },
  fromJSON: Number,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'number',
  compare: (a: number, b: number) => a - b,
});

const parseRounding = (schema: unknown): avro.Type => parseSchema(schema, roundingLong);

/** A reader of bodies that were written with `writer`, resolved to our schema. Throws when the two don't resolve. */
export function bodyReader<T>({ type }: AvroCodec<T>, writer: avro.Type): BodyReader<T> {
  const resolver = type.createResolver(writer, { ignoreNamespaces: true });
  const rounding = parseRounding(type.schema({ exportAttrs: true }));
  const roundingResolver = rounding.createResolver(parseRounding(writer.schema({ exportAttrs: true })), {
    ignoreNamespaces: true,
  });
  const isOurs = writer === type;
  return (body) => {
    try {
      return accept((isOurs ? type.fromBuffer(body) : type.fromBuffer(body, resolver)) as T);
    } catch {
      // Either the bytes are broken, or a long is beyond 2^53: the second, slower reading tells which.
    }
    try {
      return accept(rounding.fromBuffer(body, roundingResolver) as T);
    } catch {
      return reject('malformed_avro', 'the bytes are not exactly one value of the schema');
    }
  };
}

/** A reader for a schema from a registry, given as its JSON text; a fault when it can't be read as ours. */
export function bodyReaderForSchema<T>(codec: AvroCodec<T>, schemaJson: string): Checked<BodyReader<T>> {
  try {
    return accept(bodyReader(codec, parseSchema(JSON.parse(schemaJson))));
  } catch (cause) {
    return reject('incompatible_schema', `the writer's schema does not resolve to ${codec.name}: ${String(cause)}`);
  }
}
