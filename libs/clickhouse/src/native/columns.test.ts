import fc from 'fast-check';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { TestDatabase } from '../test-database.fixture.js';
import { nativeBlock, type Columns } from './block.js';
import {
  dateTime64,
  enum8,
  map,
  nullable,
  string,
  uint128,
  uint32,
  uint64,
  uint8,
  writeVarUInt,
  type Column,
} from './columns.js';

/** Texts around the lengths at which their encoding changes: 42 UTF-16 units, 127 and 16,383 bytes. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }).map((drawn) => drawn.toWellFormed()),
  fc.constantFrom('', '\0', "'", '\\', '\n', 'ß', '\u0800', '😀', '\u{10ffff}'),
  fc
    .tuple(
      fc.constantFrom('a', 'ß', '€', '😀'),
      fc.constantFrom(20, 21, 41, 42, 43, 63, 64, 126, 127, 128, 5461, 5462, 16_383, 16_384, 70_000),
    )
    .map(([letter, times]) => letter.repeat(times)),
);
const count = fc.oneof(
  fc.constantFrom(0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 40, 2 ** 53 - 1),
  fc.maxSafeNat(),
);
const wide = fc.oneof(
  fc.constantFrom(0n, 1n, 2n ** 64n - 1n, 2n ** 64n, 2n ** 128n - 1n),
  fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
);
const colours = ['red', 'green', 'blue'] as const;

const row = fc.record({
  text,
  small: fc.constantFrom(0, 1, 127, 128, 255),
  middle: fc.oneof(fc.constantFrom(0, 2 ** 31, 2 ** 32 - 1), fc.nat(2 ** 31 - 1)),
  count,
  wide,
  maybe: fc.option(count),
  colour: fc.constantFrom(...colours),
  entries: fc.dictionary(text, text, { maxKeys: 4 }),
  // DateTime64(3) holds 1900 to 2299.
  time: fc.oneof(
    fc.constantFrom(0, -1, -(2 ** 32) - 1, 2 ** 32 + 1),
    fc.integer({ min: Date.UTC(1900, 0, 1), max: Date.UTC(2299, 0, 1) }),
  ),
});
type Row = typeof row extends fc.Arbitrary<infer T> ? T : never;

describe('columns of the Native format', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await TestDatabase.create();
    await database.client.command({
      query: `CREATE TABLE kinds (place UInt32, text String, small UInt8, middle UInt32, count UInt64, wide UInt128,
        maybe Nullable(UInt64), colour Enum8('red' = 1, 'green' = 2, 'blue' = 3), entries Map(String, String),
        time DateTime64(3, 'UTC')) ENGINE = MergeTree ORDER BY place`,
    });
  });
  afterAll(() => database.drop());

  const write = async (columns: Columns, rows: number): Promise<void> => {
    const { stream } = await database.client.exec({
      query: `INSERT INTO kinds (${Object.keys(columns).join(', ')}) FORMAT Native`,
      values: Readable.from(nativeBlock(columns, rows), { objectMode: false }),
    });
    await finished(stream.resume());
  };

  it('read back as they were written', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 40 }), async (rows) => {
        await database.truncate(['kinds']);
        const columns = {
          place: uint32(),
          text: string(),
          small: uint8(),
          middle: uint32(),
          count: uint64(),
          wide: uint128(),
          maybe: nullable(uint64()),
          colour: enum8(colours),
          entries: map(),
          time: dateTime64(),
        };
        rows.forEach((one, place) => {
          columns.place.push(place);
          for (const name of Object.keys(one) as (keyof Row)[]) (columns[name] as Column<unknown>).push(one[name]);
        });
        for (const column of Object.values(columns)) expect(column.length).toBe(rows.length);
        await write(columns, rows.length);
        const read = await database.rows<{
          count: string;
          wide: string;
          maybe: string | null;
          time: string;
          entries: [string, string][];
        }>(
          `SELECT text, small, middle, count, toString(wide) AS wide, maybe, colour,
             CAST(entries, 'Array(Tuple(String, String))') AS entries, toUnixTimestamp64Milli(time) AS time FROM kinds ORDER BY place`,
        );
        const back = read.map((one) => ({
          ...one,
          count: Number(one.count),
          wide: BigInt(one.wide),
          maybe: one.maybe === null ? null : Number(one.maybe),
          entries: Object.entries(Object.fromEntries(one.entries)).sort(),
          time: Number(one.time),
        }));
        expect(back).toEqual(rows.map((one) => ({ ...one, entries: Object.entries(one.entries).sort() })));
      }),
      { numRuns: 40, interruptAfterTimeLimit: 60_000 },
    );
  });

  it('grow beyond their first buffers', async () => {
    await database.truncate(['kinds']);
    const columns = { place: uint32(), text: string(), entries: map(), maybe: nullable(uint64()) };
    const ROWS = 20_000;
    for (let place = 0; place < ROWS; place += 1) {
      columns.place.push(place);
      columns.text.push(`text ${place}`);
      columns.entries.push(place % 2 === 0 ? {} : { place: String(place), odd: 'yes' });
      columns.maybe.push(place % 3 === 0 ? null : place);
    }
    await write(columns, ROWS);
    expect(
      await database.rows(
        `SELECT toUInt32(count()) AS rows, toUInt32(countIf(text = concat('text ', toString(place)))) AS texts,
           toUInt32(countIf(if(place % 2 = 0, length(entries) = 0, entries = map('place', toString(place), 'odd', 'yes')))) AS maps,
           toUInt32(countIf(if(place % 3 = 0, maybe IS NULL, maybe = place))) AS nullables FROM kinds`,
      ),
    ).toEqual([{ rows: ROWS, texts: ROWS, maps: ROWS, nullables: ROWS }]);
  });

  it('refuse to make a block of columns of different lengths', () => {
    const columns = { one: string(), other: string() };
    columns.one.push('x');
    expect(() => nativeBlock(columns, 1)).toThrow('column other has 0 of 1 rows');
  });
});

describe('writeVarUInt', () => {
  it.each([
    [0, [0]],
    [127, [0x7f]],
    [128, [0x80, 0x01]],
    [16_383, [0xff, 0x7f]],
    [16_384, [0x80, 0x80, 0x01]],
    [2 ** 32 - 1, [0xff, 0xff, 0xff, 0xff, 0x0f]],
  ])('writes %d', (value, bytes) => {
    const buffer = Buffer.alloc(8);
    expect(writeVarUInt(buffer, 1, value)).toBe(1 + bytes.length);
    expect([...buffer.subarray(1, 1 + bytes.length)]).toEqual(bytes);
  });
});
