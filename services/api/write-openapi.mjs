/**
 * Writes schemas/openapi/laurel.json, from which libs/client is generated. Run after a change of an endpoint and a build; a test holds
 * both equal.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { description } from './dist/description.js';

const target = new URL('../../schemas/openapi/', import.meta.url);
mkdirSync(target, { recursive: true });
writeFileSync(new URL('laurel.json', target), `${JSON.stringify(description(), undefined, 2)}\n`);
