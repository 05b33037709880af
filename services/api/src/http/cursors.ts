import { hkdfSync } from 'node:crypto';
import { gcmsiv } from '@noble/ciphers/aes.js';
import { Problem } from './problem.js';

/** AES-GCM-SIV (RFC 8452) stays safe under a nonce that repeats, so that one place has one cursor, and an answer one ETag. */
const NONCE = new Uint8Array(12);

/** No cursor is longer: a user id of 256 bytes as JSON, and the tag. */
const MAX_CURSOR_LENGTH = 4096;

/**
 * Places in a list, sealed: a place may hold an exact figure of a person who is shown by bands, and nobody is to build on what
 * is in it. A cursor opens only for the list that it was made for.
 */
export class Cursors {
  private readonly key: Uint8Array;

  /** @param secret the same for all instances, and over restarts, if cursors are to outlive one of them. */
  constructor(secret: Uint8Array) {
    this.key = new Uint8Array(hkdfSync('sha256', secret, '', 'laurel cursors', 32));
  }

  /** @param list what tells this list from others: its endpoint and parameters. */
  seal(list: readonly unknown[], place: unknown): string {
    const sealed = gcmsiv(this.key, NONCE, text(list)).encrypt(text(place));
    return Buffer.from(sealed).toString('base64url');
  }

  /** @throws Problem `invalid_parameter` for what is not a cursor of this list. */
  open(list: readonly unknown[], cursor: string): unknown {
    try {
      if (cursor.length > MAX_CURSOR_LENGTH) throw new Error('too long');
      const opened = gcmsiv(this.key, NONCE, text(list)).decrypt(Buffer.from(cursor, 'base64url'));
      return JSON.parse(Buffer.from(opened).toString()) as unknown;
    } catch (cause) {
      const detail = 'is not a cursor of this list; begin without one';
      throw new Problem('invalid_parameter', `cursor ${detail}`, {
        errors: [{ parameter: 'cursor', in: 'query', code: 'invalid', detail }],
        cause,
      });
    }
  }
}

const text = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
