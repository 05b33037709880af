/**
 * Compiles schemas/openapi/laurel.json, the API's description, into src/generated/schema.ts: the type of every path, parameter and
 * answer. Runs before every build (Nx target `generate`).
 */
import { mkdir, writeFile } from 'node:fs/promises';
import openapiTypescript, { astToString } from 'openapi-typescript';

const source = new URL('../../schemas/openapi/laurel.json', import.meta.url);
const target = new URL('./src/generated/', import.meta.url);

const types = await openapiTypescript(source);
await mkdir(target, { recursive: true });
await writeFile(
  new URL('schema.ts', target),
  `// Generated from schemas/openapi by codegen.mjs; not to be edited.\n\n${astToString(types)}`,
);
