import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { adjectives, nouns } from './handle-words.js';

const NUMBERS = 900_000;
const FIRST_NUMBER = 100_000;

/** How many handles there are. */
export const HANDLES = adjectives.length * nouns.length * NUMBERS;

/**
 * The handle that a person is shown by until they choose one, such as `calm-otter-482913`: from the first 8 bytes of
 * the SHA-256 of `handle NUL pseudonym`. The same for ever, and nobody's wish.
 *
 * Not an identity: among 85,000 people the odds that any two share one are about 6 %, and the number is to be made
 * sure of where people are looked up. Nor a secret: who knows a pseudonym can work out its handle.
 */
export function generatedHandle(userId: string): string {
  const digest = sha256(utf8ToBytes(`handle\0${userId}`));
  const view = new DataView(digest.buffer, digest.byteOffset);
  // 2^64 is over 10^8 times as many as there are handles, so the remainder's bias does not show.
  let rest = view.getBigUint64(0);
  const take = (choices: number): number => {
    const choice = rest % BigInt(choices);
    rest /= BigInt(choices);
    return Number(choice);
  };
  const adjective = adjectives[take(adjectives.length)] ?? '';
  const noun = nouns[take(nouns.length)] ?? '';
  return `${adjective}-${noun}-${FIRST_NUMBER + take(NUMBERS)}`;
}
