import { string, writeVarUInt, type Column } from './columns.js';

/** Columns by name, all of the same length. */
export type Columns = Readonly<Record<string, Column<never>>>;

/**
 * One block of ClickHouse's Native format: the counts of columns and rows, then for each column its name, type and data.
 * Returned in pieces, so that nothing is copied once more.
 */
export function nativeBlock(columns: Columns, rows: number): readonly Uint8Array[] {
  const entries = Object.entries(columns);
  const head = Buffer.alloc(10);
  const afterColumns = writeVarUInt(head, 0, entries.length);
  const pieces: Uint8Array[] = [head.subarray(0, writeVarUInt(head, afterColumns, rows))];
  for (const [name, column] of entries) {
    if (column.length !== rows) throw new Error(`column ${name} has ${column.length} of ${rows} rows`);
    const title = string();
    title.push(name);
    title.push(column.type);
    pieces.push(...title.bytes(), ...column.bytes());
  }
  return pieces;
}
