/**
 * Compiles schemas/avro/*.avsc into src/generated/: one TypeScript type per named Avro type, and each schema as a
 * constant, so that the domain needs no file access; of the schemas that were published before (schemas/fixtures) the
 * constants alone. Runs before every build (Nx target `generate`).
 */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';

const source = new URL('../../schemas/avro/', import.meta.url);
const published = new URL('../../schemas/fixtures/', import.meta.url);
const target = new URL('./src/generated/', import.meta.url);

const primitives = {
  null: 'null',
  boolean: 'boolean',
  int: 'number',
  long: 'number',
  float: 'number',
  double: 'number',
  string: 'string',
  bytes: 'Uint8Array',
};

/** avsc wraps a union's value in `{ branch: value }` when two of its branches are numbers. */
const isWrapped = (branches) => branches.filter((b) => ['int', 'long', 'float', 'double'].includes(b)).length > 1;

const declarations = [];
const constants = [];

function doc(text, indent = '') {
  return text === undefined ? '' : `${indent}/** ${text} */\n`;
}

/** DeadLetterCode → deadLetterCodeValues */
const constantOf = (name) => `${name[0].toLowerCase()}${name.slice(1)}Values`;

function typeOf(schema) {
  if (Array.isArray(schema)) {
    const wrapped = isWrapped(schema);
    return schema.map((branch) => (wrapped ? `{ ${branch}: ${typeOf(branch)} }` : typeOf(branch))).join(' | ');
  }
  if (typeof schema === 'string') return primitives[schema] ?? schema;
  switch (schema.type) {
    case 'record': {
      const fields = schema.fields.map((f) => `${doc(f.doc, '  ')}  readonly ${f.name}: ${typeOf(f.type)};\n`).join('');
      declarations.push(`${doc(schema.doc)}export interface ${schema.name} {\n${fields}}\n`);
      return schema.name;
    }
    case 'enum': {
      const list = schema.symbols.map((s) => `'${s}'`);
      declarations.push(
        `export const ${constantOf(schema.name)} = [${list.join(', ')}] as const;\n` +
          `export type ${schema.name} = (typeof ${constantOf(schema.name)})[number];\n`,
      );
      return schema.name;
    }
    case 'array':
      return `readonly ${typeOf(schema.items)}[]`;
    case 'map':
      return `Readonly<Record<string, ${typeOf(schema.values)}>>`;
    default:
      return typeOf(schema.type);
  }
}

const readJson = (url) => JSON.parse(readFileSync(url, 'utf8'));

/** All versions but the last, which is today's. */
function formerSchemas(name) {
  const versions = readdirSync(new URL(`${name}/`, published)).sort((a, b) => a - b);
  return versions.slice(0, -1).map((version) => readJson(new URL(`${name}/${version}/schema.avsc`, published)));
}

const header = '// Generated from schemas/avro by codegen.mjs; not to be edited.\n\n';
const former = {};
for (const file of readdirSync(source).sort()) {
  const schema = readJson(new URL(file, source));
  typeOf(schema);
  constants.push(
    `export const ${schema.name[0].toLowerCase()}${schema.name.slice(1)}Schema = ${JSON.stringify(schema)} as const;\n`,
  );
  former[schema.name] = formerSchemas(schema.name);
}
constants.push(
  `/** By name, what was published before. */\nexport const formerSchemas: Readonly<Record<string, readonly object[]>> = ${JSON.stringify(former)};\n`,
);
mkdirSync(target, { recursive: true });
writeFileSync(new URL('types.ts', target), header + declarations.join('\n'));
writeFileSync(new URL('schemas.ts', target), header + constants.join('\n'));
