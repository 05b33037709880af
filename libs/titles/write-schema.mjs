/**
 * Writes schemas/json/titles.schema.json from the schema that checks rules files, so that editors complete and check a
 * titles.yaml. Run after a change of src/rule.ts and a build; a test holds both equal.
 */
import { writeFileSync } from 'node:fs';
import { titlesJsonSchema } from './dist/index.js';

const target = new URL('../../schemas/json/titles.schema.json', import.meta.url);
writeFileSync(target, `${JSON.stringify(titlesJsonSchema(), undefined, 2)}\n`);
