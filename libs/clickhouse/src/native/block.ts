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

/** ClickHouse's bits for what follows: texts of the block's own, which its dictionary is to be made of. */
const HAS_OWN_KEYS = 1 << 9;
const UPDATES_DICTIONARY = 1 << 10;
const INDEX_TYPES = { 1: 0, 2: 1, 4: 2 } as const;

/**
 * A column of few texts, in ClickHouse's own form for it: each text once, and which of them each row has. Source: ClickHouse's
 * `SerializationLowCardinality`.
 *
 * @param texts one after the other, each as `varString`.
 * @param indexes of all rows, `width` bytes each.
 */
export function lowCardinality(
  texts: { readonly count: number; readonly bytes: Uint8Array },
  indexes: { readonly rows: number; readonly width: 1 | 2 | 4; readonly bytes: Uint8Array },
): BlockColumn {
  const head = Buffer.alloc(24);
  head.writeBigUInt64LE(1n, 0); // the version of the form
  head.writeBigUInt64LE(BigInt(HAS_OWN_KEYS | UPDATES_DICTIONARY | INDEX_TYPES[indexes.width]), 8);
  head.writeBigUInt64LE(BigInt(texts.count), 16);
  const rows = Buffer.alloc(8);
  rows.writeBigUInt64LE(BigInt(indexes.rows));
  return { type: 'LowCardinality(String)', bytes: [head, texts.bytes, rows, indexes.bytes] };
}

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
