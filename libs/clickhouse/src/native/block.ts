/** One column of a block, as it lies in ClickHouse's Native format (all little-endian). */
export interface BlockColumn {
  /** As it stands in the block's header; ClickHouse converts it into the table's. */
  readonly type: string;
  /** The values' bytes, in pieces. */
  readonly bytes: readonly Uint8Array[];
}

/**
 * One block of ClickHouse's Native format: the counts of columns and rows, then for each column its name, type and data.
 * Returned in pieces, so that nothing is copied once more.
 *
 * Source: ClickHouse documentation, "Native format" and each data type's binary encoding.
 */
export function nativeBlock(columns: Readonly<Record<string, BlockColumn>>, rows: number): readonly Uint8Array[] {
  const entries = Object.entries(columns);
  const head = Buffer.alloc(10);
  const afterColumns = writeVarUInt(head, 0, entries.length);
  const pieces: Uint8Array[] = [head.subarray(0, writeVarUInt(head, afterColumns, rows))];
  for (const [name, { type, bytes }] of entries) pieces.push(varString(name), varString(type), ...bytes);
  return pieces;
}

/** Names, stored as their position counted from 1. */
export const enumType = (names: readonly string[]): string =>
  `Enum8(${names.map((name, index) => `'${name}' = ${index + 1}`).join(', ')})`;

/** A text as it stands in a column: its length in bytes (LEB128), then UTF-8. */
export function varString(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const bytes = Buffer.alloc(5 + length);
  const start = writeVarUInt(bytes, 0, length);
  return bytes.subarray(0, start + bytes.write(text, start));
}

function writeVarUInt(buffer: Buffer, offset: number, value: number): number {
  let rest = value;
  let at = offset;
  while (rest > 0x7f) {
    buffer[at] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
    at += 1;
  }
  buffer[at] = rest;
  return at + 1;
}
