/**
 * Columns of ClickHouse's Native format, filled value by value without an object per row.
 * Source of the layouts: ClickHouse documentation, "Native format" and each data type's binary encoding (all little-endian).
 */
export interface Column<T> {
  /** The type as it stands in the block's header. */
  readonly type: string;
  push(value: T): void;
  /** Number of values pushed. */
  readonly length: number;
  /** The column's bytes; the column must not be pushed to afterwards. */
  bytes(): readonly Uint8Array[];
}

/** Bytes that grow by doubling. */
class Growing {
  buffer: Buffer;
  used = 0;

  constructor(capacity: number) {
    this.buffer = Buffer.allocUnsafe(capacity);
  }

  reserve(extra: number): void {
    if (this.used + extra <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.used + extra));
    this.buffer.copy(larger, 0, 0, this.used);
    this.buffer = larger;
  }

  written(): Uint8Array {
    return this.buffer.subarray(0, this.used);
  }
}

/** A column of fixed-width values, written by `write(buffer, offset, value)`. */
function fixedWidth<T>(
  type: string,
  width: number,
  write: (buffer: Buffer, offset: number, value: T) => void,
): Column<T> {
  const bytes = new Growing(width * 1024);
  return {
    type,
    push: (value) => {
      bytes.reserve(width);
      write(bytes.buffer, bytes.used, value);
      bytes.used += width;
    },
    get length() {
      return bytes.used / width;
    },
    bytes: () => [bytes.written()],
  };
}

const TWO_32 = 2 ** 32;

/** Whole numbers of either sign below 2^53 as 64 bits, without a BigInt per value. */
function write64(buffer: Buffer, offset: number, value: number): void {
  buffer.writeUInt32LE(value >>> 0, offset);
  buffer.writeInt32LE(Math.floor(value / TWO_32) | 0, offset + 4);
}

export const uint8 = (type = 'UInt8'): Column<number> => fixedWidth(type, 1, (b, at, v) => b.writeUInt8(v, at));
export const uint32 = (type = 'UInt32'): Column<number> => fixedWidth(type, 4, (b, at, v) => b.writeUInt32LE(v, at));
/** 0 … 2^53 − 1. */
export const uint64 = (type = 'UInt64'): Column<number> => fixedWidth(type, 8, write64);
/** Milliseconds since the epoch. */
export const dateTime64 = (): Column<number> => fixedWidth("DateTime64(3, 'UTC')", 8, write64);

export const uint128 = (): Column<bigint> =>
  fixedWidth('UInt128', 16, (buffer, at, value) => {
    buffer.writeBigUInt64LE(value & 0xffff_ffff_ffff_ffffn, at);
    buffer.writeBigUInt64LE(value >> 64n, at + 8);
  });

/** Values by name, stored as their position in `names`, counted from 1. */
export function enum8<Name extends string>(names: readonly Name[]): Column<Name> {
  const codes = new Map(names.map((name, index) => [name, index + 1]));
  const type = `Enum8(${names.map((name, index) => `'${name}' = ${index + 1}`).join(', ')})`;
  return fixedWidth(type, 1, (buffer, at, name) => buffer.writeInt8(codes.get(name) ?? 0, at));
}

/** A null map of one byte a value, then the values, with 0 in the place of nulls. */
export function nullable(inner: Column<number>): Column<number | null> {
  const nulls = uint8();
  return {
    type: `Nullable(${inner.type})`,
    push: (value) => {
      nulls.push(value === null ? 1 : 0);
      inner.push(value ?? 0);
    },
    get length() {
      return nulls.length;
    },
    bytes: () => [...nulls.bytes(), ...inner.bytes()],
  };
}

/** A length (LEB128) and UTF-8 bytes each. */
export function string(): Column<string> {
  const bytes = new Growing(16 * 1024);
  let length = 0;
  return {
    type: 'String',
    push: (value) => {
      // UTF-8 takes at most 3 bytes a UTF-16 unit; 5 is the longest length prefix.
      bytes.reserve(5 + value.length * 3);
      const { buffer } = bytes;
      if (value.length * 3 < 0x80) {
        // The length fits one byte whatever the characters are, so the text is written once and its length after.
        const size = buffer.write(value, bytes.used + 1);
        buffer[bytes.used] = size;
        bytes.used += 1 + size;
      } else {
        bytes.used = writeVarUInt(buffer, bytes.used, Buffer.byteLength(value));
        bytes.used += buffer.write(value, bytes.used);
      }
      length += 1;
    },
    get length() {
      return length;
    },
    bytes: () => [bytes.written()],
  };
}

/** Cumulative sizes (UInt64), then all keys, then all values. */
export function map(): Column<Readonly<Record<string, string>>> {
  const sizes = uint64();
  const keys = string();
  const values = string();
  return {
    type: 'Map(String, String)',
    push: (entries) => {
      for (const key in entries) {
        keys.push(key);
        values.push(entries[key] ?? '');
      }
      sizes.push(keys.length);
    },
    get length() {
      return sizes.length;
    },
    bytes: () => [...sizes.bytes(), ...keys.bytes(), ...values.bytes()],
  };
}

/** Writes `value` in LEB128 and returns the offset after it. */
export function writeVarUInt(buffer: Buffer, offset: number, value: number): number {
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
