import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

const ID_BYTES = 16;

/**
 * The id of the `ordinal`-th award event of a title in a scope: the first 16 bytes of the SHA-256 of
 * `title_id NUL scope NUL ordinal` (decimal), as 32 lower-case hex digits. So the same decision, made again after a
 * crash, has the same id.
 */
export function awardIdOf(titleId: string, scope: string, ordinal: number): string {
  return bytesToHex(sha256(utf8ToBytes(`${titleId}\0${scope}\0${ordinal}`)).subarray(0, ID_BYTES));
}
