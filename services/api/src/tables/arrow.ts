import { Readable } from 'node:stream';
import {
  Bool,
  Field,
  Float64,
  Int64,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  Table as ArrowTable,
  tableToIPC,
  TimestampMillisecond,
  Uint64,
  Utf8,
  vectorFromArray,
  type Data,
  type DataType,
} from 'apache-arrow';
import { z } from 'zod';
import type { Row, Table } from './tables.js';

const ROWS_A_BATCH = 1024;

/** A stream ends with a message of no length. Source: Arrow columnar format, "IPC Streaming Format". */
const END_BYTES = 8;

interface Column {
  readonly field: Field;
  readonly valueOf: (value: unknown) => unknown;
}

/**
 * An Arrow stream, a batch of rows at a time as it is taken. Sums, which JSON has as decimal digits, are uint64; what JSON has as
 * whole numbers int64; times timestamps in milliseconds, UTC. US dollars stay decimal digits, as they are exact; lists and
 * maps are JSON, as in CSV.
 */
export function arrowOf({ schema, rows }: Table): Readable {
  const columns = columnsOf(schema);
  return Readable.from(messages(columns, rows), { objectMode: false });
}

/**
 * The library's own streams encode everything at once, however slowly it is taken. So each batch is encoded as a stream of its
 * own, and loses the schema before it, which is the same for all, and the end after it.
 */
function* messages(columns: readonly Column[], rows: Iterable<Row>): Generator<Uint8Array> {
  const fields = columns.map(({ field }) => field);
  const empty = tableToIPC(new ArrowTable(new Schema(fields)), 'stream');
  const schemaBytes = empty.length - END_BYTES;
  yield empty.subarray(0, schemaBytes);
  for (const some of inBatches(rows)) {
    const children = columns.flatMap(({ field, valueOf }): readonly Data[] => {
      const values = some.map((row) => valueOf(row[field.name] ?? null));
      return vectorFromArray(values, field.type).data;
    });
    const struct = makeData({ type: new Struct(fields), length: some.length, children });
    const batch = new RecordBatch(new Schema(fields), struct);
    yield RecordBatchStreamWriter.writeAll([batch]).toUint8Array(true).subarray(schemaBytes, -END_BYTES);
  }
  yield empty.subarray(schemaBytes);
}

function* inBatches(rows: Iterable<Row>): Generator<readonly Row[]> {
  let batch: Row[] = [];
  for (const row of rows) {
    batch.push(row);
    if (batch.length < ROWS_A_BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** As zod writes them: whatever may be null too has two types, or two alternatives. */
interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly pattern?: string;
  readonly anyOf?: readonly JsonSchema[];
}

/** Each field of a row by what its schema says in JSON. */
function columnsOf(schema: z.ZodObject): readonly Column[] {
  return Object.entries(schema.shape).map(([name, field]) => {
    const wire = z.toJSONSchema(field as z.ZodType, { io: 'output' }) as JsonSchema;
    const kinds = (wire.anyOf ?? [wire]).flatMap((one) =>
      [one.type ?? 'null'].flat().map((kind) => ({ ...one, kind })),
    );
    const [type, convert] = typeOf(kinds.find(({ kind }) => kind !== 'null'));
    const isNullable = kinds.some(({ kind }) => kind === 'null');
    return { field: new Field(name, type, isNullable), valueOf: (value) => (value === null ? null : convert(value)) };
  });
}

const DIGITS = '^\\d+$';

type Kind = JsonSchema & { readonly kind: string };

function typeOf(one: Kind | undefined): readonly [DataType, (value: unknown) => unknown] {
  if (one?.kind === 'boolean') return [new Bool(), (value) => value];
  if (one?.kind === 'integer') return [new Int64(), (value) => BigInt(value as number)];
  if (one?.kind === 'number') return [new Float64(), (value) => value];
  if (one?.pattern === DIGITS) return [new Uint64(), (value) => BigInt(value as string)];
  if (one?.format === 'date-time') return [new TimestampMillisecond('UTC'), (value) => Date.parse(value as string)];
  return [new Utf8(), (value) => (typeof value === 'string' ? value : JSON.stringify(value))];
}
