import { pipeline, Readable } from 'node:stream';
import { stringify } from 'csv-stringify';
import type { Table } from './tables.js';

/**
 * CSV (RFC 4180). A text that a spreadsheet would take for a formula gets a quote before it: handles and teams are what people
 * wrote.
 */
export function csvOf({ schema, rows }: Table): Readable {
  const csv = stringify({
    header: true,
    columns: Object.keys(schema.shape),
    record_delimiter: 'windows',
    escape_formulas: true,
    cast: { object: (value) => JSON.stringify(value), boolean: String },
  });
  return pipeline(Readable.from(rows), csv, () => undefined);
}
