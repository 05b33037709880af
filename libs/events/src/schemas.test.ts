import { readdirSync, readFileSync } from 'node:fs';
import type avro from 'avsc';
import { parseSchema } from './avro/bounded.js';
import { asBuffer, fingerprintOf, SINGLE_OBJECT_MARKER } from './avro/codec.js';
import { crc64Avro } from './avro/fingerprint.js';
import * as codecs from './codecs.js';

const SCHEMAS = new URL('../../../schemas/', import.meta.url);
const FIXTURES = new URL('fixtures/', SCHEMAS);
const HEADER_BYTES = 10;

const readJson = (url: URL): unknown => JSON.parse(readFileSync(url, 'utf8'));
const foldersIn = (url: URL): string[] =>
  readdirSync(url, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));

interface Version {
  readonly name: string;
  readonly version: number;
  readonly folder: URL;
  readonly type: avro.Type;
}

const versions = foldersIn(FIXTURES).flatMap((name) =>
  foldersIn(new URL(`${name}/`, FIXTURES)).map((version): Version => {
    const folder = new URL(`${name}/${version}/`, FIXTURES);
    return { name, version: Number(version), folder, type: parseSchema(readJson(new URL('schema.avsc', folder))) };
  }),
);

const records = versions.flatMap((version) =>
  readdirSync(version.folder)
    .filter((file) => file.endsWith('.avro'))
    .map((file) => ({
      ...version,
      record: file.slice(0, -'.avro'.length),
      bytes: readFileSync(new URL(file, version.folder)),
      expected: readJson(new URL(file.replace('.avro', '.json'), version.folder)) as Record<string, unknown>,
    })),
);

const codecOf = (name: string) => {
  const codec = Object.values(codecs).find((one) => one.name === name);
  if (codec === undefined) throw new Error(`there is no codec of ${name}`);
  return codec;
};

/** In Avro's JSON encoding, in which each implementation writes a value the same. */
const jsonOf = (type: avro.Type, value: unknown): unknown => JSON.parse(type.toString(value));

const hex = (fingerprint: bigint): string => fingerprint.toString(16).padStart(16, '0');

describe('CRC-64-AVRO', () => {
  // Apache Avro, share/test/data/schema-tests.txt; fastavro computes the same.
  it.each([
    ['"null"', 0x63dd24e7cc258f8an],
    ['"int"', 0x7275d51a3f395c8fn],
  ])('gives the specification’s fingerprint of %s', (canonical, fingerprint) => {
    expect(crc64Avro(Buffer.from(canonical))).toBe(fingerprint);
  });

  it.each(versions)('gives the pinned fingerprint of $name version $version', ({ name, version, type }) => {
    const pinned = readJson(new URL('fingerprints.json', FIXTURES)) as Record<string, Record<string, string>>;
    expect(hex(fingerprintOf(type))).toBe(pinned[name]?.[version]);
  });

  it('does not depend on documentation, defaults or white space', () => {
    const plain = { type: 'record', name: 'a.B', fields: [{ name: 'c', type: 'long' }] };
    const verbose = {
      doc: 'words',
      namespace: 'a',
      name: 'B',
      type: 'record',
      fields: [{ default: 1, type: { type: 'long', logicalType: 'timestamp-millis' }, doc: 'more', name: 'c' }],
    };
    expect(fingerprintOf(parseSchema(verbose))).toBe(fingerprintOf(parseSchema(plain)));
  });
});

describe('published schemas', () => {
  const published = readdirSync(new URL('avro/', SCHEMAS)).map((file) => file.replace('.avsc', ''));

  it.each(published)('keep the %s of today as their newest version', (name) => {
    const newest = versions.filter((one) => one.name === name).sort((a, b) => b.version - a.version)[0];
    expect(newest).toBeDefined();
    expect(newest && hex(fingerprintOf(newest.type))).toBe(hex(codecOf(name).fingerprint));
  });

  it('have each at least one record', () => {
    expect(versions.filter((one) => !records.some(({ folder }) => folder.href === one.folder.href))).toEqual([]);
  });

  it.each(records)('write $name/$version/$record as another implementation did', ({ type, bytes, expected }) => {
    const value: unknown = type.fromBuffer(bytes.subarray(HEADER_BYTES));
    expect(jsonOf(type, value)).toEqual(expected);
    const header = Buffer.alloc(HEADER_BYTES);
    header.set(SINGLE_OBJECT_MARKER);
    header.writeBigUInt64LE(fingerprintOf(type), 2);
    expect(Buffer.concat([header, type.toBuffer(value)]).equals(asBuffer(bytes))).toBe(true);
  });

  it.each(records)('BACKWARD: today’s schema reads $name/$version/$record', ({ name, type, bytes, expected }) => {
    const today = codecOf(name).type;
    const value: unknown = today.fromBuffer(bytes.subarray(HEADER_BYTES), today.createResolver(type));
    expect(jsonOf(today, value)).toMatchObject(expected);
  });

  it.each(records)('are known to the codec: it decodes $name/$version/$record', ({ name, bytes, expected }) => {
    const codec = codecOf(name);
    expect(jsonOf(codec.type, codec.decode(bytes))).toMatchObject(expected);
  });

  it.each(records)(
    'FORWARD: $name version $version reads $record as written today',
    ({ name, type, bytes, expected }) => {
      const today = codecOf(name);
      const value: unknown = today.type.fromBuffer(bytes.subarray(HEADER_BYTES), today.type.createResolver(type));
      const rewritten = today.encode(value as never).subarray(HEADER_BYTES);
      expect(jsonOf(type, type.fromBuffer(rewritten, type.createResolver(today.type)))).toEqual(expected);
    },
  );
});
