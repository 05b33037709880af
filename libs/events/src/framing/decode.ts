import { asBuffer, SINGLE_OBJECT_MARKER } from '../avro/codec.js';
import { accept, reject, type Checked } from '../checked.js';
import { fromCloudEvent } from './cloud-event.js';
import { isJsonObject, type JsonObject } from './json.js';
import type { BodyReader } from './reader.js';

/** A Kafka record as it was read. Header values are bytes; a repeated header keeps its last value. */
export interface IncomingRecord {
  readonly value: Uint8Array | null;
  readonly headers: Readonly<Record<string, Uint8Array | undefined>>;
  /** The record's own timestamp in ms (LogAppendTime). */
  readonly timestampMs: number;
}

/** A Confluent-framed record whose schema has not been looked up yet. */
export interface NeedsSchema {
  readonly ok: false;
  readonly needsSchema: number;
}

/** What is known of writers' schemas. `undefined` from `byRegistryId` means: not looked up yet. */
export interface WriterSchemas<T> {
  byRegistryId(id: number): BodyReader<T> | 'unknown' | undefined;
}

/** How the records of one topic are told and read. */
export interface RecordForm<T> {
  /** Of its CloudEvents. */
  readonly eventType: string;
  /** By the fingerprint of the schema that they were written with. */
  readonly readers: ReadonlyMap<bigint, BodyReader<T>>;
  readonly fromJson: (object: JsonObject) => Checked<T>;
}

const CONFLUENT_MAGIC = 0x00;
const CONFLUENT_HEADER_BYTES = 5;
const SINGLE_OBJECT_HEADER_BYTES = 10;

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });
const looseUtf8 = new TextDecoder();

/**
 * Reads a record in any accepted framing; its bounds are not checked here. The framings are told apart by
 * `content-type`, CloudEvents headers and first bytes:
 *
 * - Avro single-object encoding: C3 01, then the schema's CRC-64-AVRO fingerprint (Avro specification 1.11);
 * - Confluent: 00, then a registry id in 4 bytes, big-endian (Confluent Schema Registry, "Wire Format");
 * - CloudEvents 1.0 in structured mode, or in binary mode with `ce_` headers (CloudEvents Kafka binding 1.0.2);
 * - plain JSON.
 *
 * Pure: the same record gives the same outcome for ever, given the same schemas.
 */
export function readRecord<T>(
  form: RecordForm<T>,
  record: IncomingRecord,
  schemas: WriterSchemas<T>,
): Checked<T> | NeedsSchema {
  const { value } = record;
  if (value === null || value.length === 0) return reject('empty_record', 'the record has no value');
  if (record.headers['ce_specversion'] !== undefined) return readBinaryCloudEvent(form, value, record);
  switch (value[0]) {
    case SINGLE_OBJECT_MARKER[0]:
      return readSingleObject(form, asBuffer(value));
    case CONFLUENT_MAGIC:
      return readConfluent(asBuffer(value), schemas);
    default:
      return readJsonFraming(form, value, record);
  }
}

function readSingleObject<T>({ readers }: RecordForm<T>, buffer: Buffer): Checked<T> {
  if (buffer[1] !== SINGLE_OBJECT_MARKER[1]) return reject('unknown_framing', 'C3 is not followed by 01');
  if (buffer.length < SINGLE_OBJECT_HEADER_BYTES) return reject('malformed_avro', 'the fingerprint is cut short');
  const fingerprint = buffer.readBigUInt64LE(2);
  const reader = readers.get(fingerprint);
  return reader === undefined
    ? reject('unknown_schema', `no schema has the fingerprint ${fingerprint.toString(16).padStart(16, '0')}`)
    : reader(buffer.subarray(SINGLE_OBJECT_HEADER_BYTES));
}

function readConfluent<T>(buffer: Buffer, schemas: WriterSchemas<T>): Checked<T> | NeedsSchema {
  if (buffer.length < CONFLUENT_HEADER_BYTES) return reject('malformed_avro', 'the schema id is cut short');
  const id = buffer.readUInt32BE(1);
  const reader = schemas.byRegistryId(id);
  if (reader === undefined) return { ok: false, needsSchema: id };
  if (reader === 'unknown') return reject('unknown_schema', `the schema registry has no schema ${id}`);
  return reader(buffer.subarray(CONFLUENT_HEADER_BYTES));
}

const JSON_FIRST_BYTE = /^[\s{[\dtfn"-]/;

function readJsonFraming<T>(form: RecordForm<T>, value: Uint8Array, record: IncomingRecord): Checked<T> {
  const contentType = headerText(record, 'content-type');
  const saysJson = contentType !== undefined && /[/+]json\b/i.test(contentType);
  if (!saysJson && !JSON_FIRST_BYTE.test(String.fromCharCode(value[0] ?? 0))) {
    return reject('unknown_framing', 'neither Avro nor JSON begins like this');
  }
  const parsed = parseJson(value);
  if (!parsed.ok) return parsed;
  const object = parsed.value;
  if (!isJsonObject(object)) return reject('wrong_type', 'the JSON value is not an object');
  if (object['specversion'] === undefined && !/cloudevents\+json/i.test(contentType ?? ''))
    return form.fromJson(object);
  return fromEnvelope(form, object, dataOf(object));
}

/** In structured mode JSON data may also travel as base64 (CloudEvents JSON format 1.0.2, section 3.1.1). */
function dataOf(envelope: JsonObject): unknown {
  const encoded = envelope['data_base64'];
  if (typeof encoded !== 'string') return envelope['data'];
  const parsed = parseJson(Buffer.from(encoded, 'base64'));
  return parsed.ok ? parsed.value : undefined;
}

function readBinaryCloudEvent<T>(form: RecordForm<T>, value: Uint8Array, record: IncomingRecord): Checked<T> {
  const parsed = parseJson(value);
  if (!parsed.ok) return parsed;
  const envelope: Record<string, string | undefined> = {};
  for (const name of ['specversion', 'type', 'id', 'source', 'time']) envelope[name] = headerText(record, `ce_${name}`);
  return fromEnvelope(form, envelope, parsed.value);
}

function fromEnvelope<T>(form: RecordForm<T>, envelope: JsonObject, data: unknown): Checked<T> {
  const plain = fromCloudEvent(envelope, data, form.eventType);
  return plain.ok ? form.fromJson(plain.value) : plain;
}

function parseJson(bytes: Uint8Array): Checked<unknown> {
  let text: string;
  try {
    text = strictUtf8.decode(bytes);
  } catch {
    return reject('invalid_utf8', 'the record is not valid UTF-8');
  }
  try {
    return accept(JSON.parse(text) as unknown);
  } catch {
    return reject('malformed_json', 'the record is not valid JSON');
  }
}

function headerText(record: IncomingRecord, name: string): string | undefined {
  const bytes = record.headers[name];
  return bytes === undefined ? undefined : looseUtf8.decode(bytes);
}
