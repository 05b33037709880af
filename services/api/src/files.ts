import { fileURLToPath } from 'node:url';

/* From the first level of `dist`, where the bundle of the program lies, too. */

/** Where services/board is built to. */
export const BOARD = fileURLToPath(new URL('../../board/dist', import.meta.url));

/** The API's description. */
export const DOCUMENT = new URL('../../../schemas/openapi/laurel.json', import.meta.url);
