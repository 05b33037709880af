import avro from 'avsc';
import { parseSchema } from '../avro/bounded.js';
import { usageRecorded } from '../codecs.js';
import { usageRecordedSchema } from '../generated/schemas.js';
import type { UsageRecorded } from '../generated/types.js';
import { accept, reject, type Checked } from '../outcome.js';

/** Reads one Avro-encoded body, without its framing. */
export type UsageReader = (body: Buffer) => Checked<UsageRecorded>;

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

const roundingUsage = parseRounding(usageRecordedSchema);

/** A reader of bodies that were written with `writer`, resolved to our schema. Throws when the two don't resolve. */
export function usageReader(writer: avro.Type): UsageReader {
  const resolver = usageRecorded.type.createResolver(writer, { ignoreNamespaces: true });
  const rounding = parseRounding(writer.schema({ exportAttrs: true }));
  const roundingResolver = roundingUsage.createResolver(rounding, { ignoreNamespaces: true });
  const isOurs = writer === usageRecorded.type;
  return (body) => {
    try {
      const { type } = usageRecorded;
      return accept((isOurs ? type.fromBuffer(body) : type.fromBuffer(body, resolver)) as UsageRecorded);
    } catch {
      // Either the bytes are broken, or a long is beyond 2^53: the second, slower reading tells which.
    }
    try {
      return accept(roundingUsage.fromBuffer(body, roundingResolver) as UsageRecorded);
    } catch {
      return reject('malformed_avro', 'the bytes are not exactly one value of the schema');
    }
  };
}

/** A reader for a schema from a registry, given as its JSON text; a fault when it can't be read as ours. */
export function usageReaderForSchema(schemaJson: string): Checked<UsageReader> {
  try {
    return accept(usageReader(parseSchema(JSON.parse(schemaJson))));
  } catch (cause) {
    return reject('incompatible_schema', `the writer's schema does not resolve to UsageRecorded: ${String(cause)}`);
  }
}
