import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A prefix that tools which look for secrets in texts can know, an id that may be shown, and 256 random bits. */
const TOKEN = /^laurel_([0-9a-f]{16})_([\w-]{43})$/;

export interface NewToken {
  /** Given once, and kept by nobody. */
  readonly token: string;
  readonly id: string;
  readonly secretHash: string;
}

export function drawToken(): NewToken {
  const id = randomBytes(8).toString('hex');
  const secret = randomBytes(32).toString('base64url');
  return { token: `laurel_${id}_${secret}`, id, secretHash: hashOf(secret) };
}

/** Undefined for what is no token of ours. */
export function readToken(text: string): { readonly id: string; readonly secretHash: string } | undefined {
  const [, id, secret] = TOKEN.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secretHash: hashOf(secret) };
}

/** In a time that does not tell how far they are alike. */
export const isSameHash = (one: string, other: string): boolean => {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
};

/** A plain hash: 256 random bits can't be guessed, so that nothing is gained by a slow one. */
const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');
