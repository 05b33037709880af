import avro from 'avsc';

/** The part of avsc's cursor over the bytes that is used here; reading beyond their end gives zeros, not an error. */
interface Tap {
  readonly buf: Uint8Array;
  pos: number;
  readLong(): number;
  skipLong(): void;
  readString(): string;
  skipString(): void;
}

interface Part {
  _read(tap: Tap): unknown;
  _skip(tap: Tap): void;
}

/**
 * Calls `each` for every entry of a map's or array's blocks (Avro specification 1.11, "Arrays" and "Maps": a count, a
 * negative one followed by the block's size, then the entries; a count of 0 ends them).
 *
 * avsc notices only afterwards that it has read beyond the end, so a few bytes that claim 2^50 entries would keep it
 * busy for ever. There can't be more entries than bytes: items without any bytes (arrays of null) are not accepted.
 */
function eachEntry(tap: Tap, each: () => void): void {
  let entries = 0;
  for (let count = tap.readLong(); count !== 0; count = tap.readLong()) {
    if (count < 0) {
      count = -count;
      tap.skipLong();
    }
    entries += count;
    // Also false for the NaN that an endless number is read as.
    if (!(entries <= tap.buf.length)) throw new RangeError('more entries than bytes');
    for (; count > 0; count -= 1) {
      each();
      if (tap.pos > tap.buf.length) throw new RangeError('the bytes end within an entry');
    }
  }
}

/** avsc's map type; `this` may also be one of its resolvers, which borrow `_read`. */
class BoundedMap extends avro.types.MapType {
  _read(tap: Tap): Readonly<Record<string, unknown>> {
    const values = this.valuesType as Part;
    const map: Record<string, unknown> = {};
    eachEntry(tap, () => {
      const key = tap.readString();
      const value = values._read(tap);
      // Assigned, this one name would be lost.
      if (key === '__proto__')
        Object.defineProperty(map, key, { value, enumerable: true, writable: true, configurable: true });
      else map[key] = value;
    });
    return map;
  }

  _skip(tap: Tap): void {
    const values = this.valuesType as Part;
    eachEntry(tap, () => {
      tap.skipString();
      values._skip(tap);
    });
  }
}

class BoundedArray extends avro.types.ArrayType {
  _read(tap: Tap): readonly unknown[] {
    const items = this.itemsType as unknown as Part;
    const array: unknown[] = [];
    eachEntry(tap, () => array.push(items._read(tap)));
    return array;
  }

  _skip(tap: Tap): void {
    const items = this.itemsType as unknown as Part;
    eachEntry(tap, () => {
      items._skip(tap);
    });
  }
}

/**
 * Parses a schema into a type whose reading takes time in proportion to the bytes, whatever they are.
 *
 * @param long stands in for Avro's long everywhere, logical types included.
 */
export function parseSchema(schema: unknown, long?: avro.Type): avro.Type {
  return avro.Type.forSchema(structuredClone(schema) as avro.Schema, {
    typeHook: (part, options) => {
      if (part === 'long') return long;
      if (typeof part !== 'object' || !('type' in part)) return undefined;
      switch (part.type) {
        case 'map':
          return new BoundedMap(part, options);
        case 'array':
          return new BoundedArray(part, options);
        case 'long':
          return long;
        default:
          return undefined;
      }
    },
  });
}
