import {
  outcomeReaderForSchema,
  outcomeRecorded,
  usageReaderForSchema,
  usageRecorded,
  type AvroCodec,
  type BodyReader,
  type Checked,
} from '@laurel/events';
import { RegistrySchemas, RegistryUnavailable, SchemaRegistry, type RegistryConnection } from '@laurel/kafka';
import { utf8 } from './text.js';

/** A record's value as far as it can be read. `note` says why it is no more. */
export type ReadValue =
  | { readonly form: 'none' }
  /** `text` is as it was written, numbers too, with new indents. */
  | { readonly form: 'json'; readonly text: string; readonly value: unknown }
  | { readonly form: 'avro'; readonly schema: string; readonly value: unknown }
  | { readonly form: 'text'; readonly text: string }
  | { readonly form: 'bytes'; readonly note: string };

const SINGLE_OBJECT_HEADER_BYTES = 10;
const CONFLUENT_HEADER_BYTES = 5;

/** A kind of record that publishers write. */
interface Kind {
  readonly name: string;
  readonly fingerprint: bigint;
  readonly readerFor: (schemaJson: string) => Checked<BodyReader<unknown>>;
  /** Reads also what is not valid, such as a count beyond 2^53, as the nearest number. */
  readonly loose: () => BodyReader<unknown>;
}

function kindOf<T>(codec: AvroCodec<T>, readerFor: (schemaJson: string) => Checked<BodyReader<T>>): Kind {
  return {
    name: codec.name,
    fingerprint: codec.fingerprint,
    readerFor,
    loose: () => {
      const reader = readerFor(JSON.stringify(codec.type.schema({ exportAttrs: true })));
      if (!reader.ok) throw new Error('our own schema does not resolve to itself');
      return reader.value;
    },
  };
}

const KINDS: readonly Kind[] = [
  kindOf(usageRecorded, usageReaderForSchema),
  kindOf(outcomeRecorded, outcomeReaderForSchema),
];

/** @param registry asked for the schema of a value in Confluent framing; without it such a value stays bytes. */
export async function readValue(
  value: Uint8Array | null,
  registry: RegistryConnection | undefined,
): Promise<ReadValue> {
  if (value === null) return { form: 'none' };
  const bytes = Buffer.from(value);
  if (bytes[0] === 0xc3 && bytes[1] === 0x01) return readSingleObject(bytes);
  if (bytes[0] === 0x00) return readConfluent(bytes, registry);
  const text = utf8(bytes);
  if (text === undefined) return { form: 'bytes', note: 'neither Avro nor UTF-8' };
  try {
    const value = JSON.parse(text) as unknown;
    const lines = indented(text);
    return lines === undefined ? { form: 'text', text } : { form: 'json', value, text: lines };
  } catch {
    return { form: 'text', text };
  }
}

function readSingleObject(bytes: Buffer): ReadValue {
  if (bytes.length < SINGLE_OBJECT_HEADER_BYTES) return { form: 'bytes', note: 'Avro, cut short in its fingerprint' };
  const fingerprint = bytes.readBigUInt64LE(2);
  const body = bytes.subarray(SINGLE_OBJECT_HEADER_BYTES);
  const kind = KINDS.find((one) => one.fingerprint === fingerprint);
  if (kind !== undefined) {
    const read = kind.loose()(body);
    return read.ok ? avro(kind.name, read.value) : { form: 'bytes', note: read.fault.message };
  }
  return {
    form: 'bytes',
    note: `Avro of an unknown schema, fingerprint ${fingerprint.toString(16).padStart(16, '0')}`,
  };
}

async function readConfluent(bytes: Buffer, registry: RegistryConnection | undefined): Promise<ReadValue> {
  if (bytes.length < CONFLUENT_HEADER_BYTES) return { form: 'bytes', note: 'Confluent framing, cut short in its id' };
  const id = bytes.readUInt32BE(1);
  const framing = `Confluent framing, schema id ${id}`;
  if (registry === undefined) return { form: 'bytes', note: `${framing}; LAUREL_SCHEMA_REGISTRY_URL is not set` };
  try {
    const schemas = new SchemaRegistry(registry);
    const faults: string[] = [];
    for (const { name, readerFor } of KINDS) {
      const readers = new RegistrySchemas(schemas, readerFor);
      const reader = readers.byRegistryId(id) ?? (await readers.lookUp(id));
      if (reader === 'unknown') return { form: 'bytes', note: `${framing}, which the registry does not have` };
      const read = reader(bytes.subarray(CONFLUENT_HEADER_BYTES));
      if (read.ok) return avro(`${name}, written with schema id ${id}`, read.value);
      faults.push(read.fault.message);
    }
    return { form: 'bytes', note: `${framing}: ${faults[0] ?? ''}` };
  } catch (error) {
    if (error instanceof RegistryUnavailable) return { form: 'bytes', note: `${framing}; ${error.message}` };
    throw error;
  }
}

const avro = (schema: string, value: unknown): ReadValue => ({ form: 'avro', schema, value });

/** Levels of JSON that anybody reads; the indents of a deeper one grow with the square of its depth. */
const MAX_DEPTH = 100;

/**
 * Valid JSON with two blanks an indent; undefined where it is too deep for that. JSON.parse would round the very number that a
 * letter may be about.
 */
export function indented(json: string): string | undefined {
  let out = '';
  let depth = 0;
  const line = (): string => `\n${'  '.repeat(depth)}`;
  for (const [token] of json.matchAll(/"(?:[^"\\]+|\\.)*"|[{[]\s*[}\]]|[{}[\]:,]|[^\s{}[\]:,"]+/gs)) {
    if (token === '{' || token === '[') {
      depth += 1;
      if (depth > MAX_DEPTH) return undefined;
      out += token + line();
    } else if (token === '}' || token === ']') {
      depth -= 1;
      out += line() + token;
    } else if (token === ',') {
      out += token + line();
    } else if (token === ':') {
      out += ': ';
    } else {
      out += /^[{[]/.test(token) ? token.replace(/\s/g, '') : token;
    }
  }
  return out;
}

const BYTES_A_LINE = 16;

/** As `hexdump -C` prints it. */
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += BYTES_A_LINE) {
    const part = [...bytes.subarray(at, at + BYTES_A_LINE)];
    const hex = part.map((byte) => byte.toString(16).padStart(2, '0'));
    const left = hex.slice(0, 8).join(' ').padEnd(23);
    const right = hex.slice(8).join(' ').padEnd(23);
    const text = part.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${at.toString(16).padStart(8, '0')}  ${left}  ${right}  |${text}|`);
  }
  return lines.join('\n');
}
