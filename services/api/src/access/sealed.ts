import { hkdfSync } from 'node:crypto';
import { EncryptJWT, jwtDecrypt } from 'jose';
import type { z } from 'zod';

/**
 * What a browser keeps for us, so that no instance has to: encrypted and signed (JWE, dir with A256GCM), with an end.
 * One purpose can't be taken for another, as each has a key of its own.
 */
export class Sealed<T> {
  private readonly key: Uint8Array;

  constructor(
    secret: Uint8Array,
    purpose: string,
    private readonly schema: z.ZodType<T>,
  ) {
    this.key = new Uint8Array(hkdfSync('sha256', secret, '', `laurel ${purpose}`, 32));
  }

  async seal(content: T, untilMs: number): Promise<string> {
    return new EncryptJWT({ content })
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
      .setExpirationTime(Math.floor(untilMs / 1000))
      .encrypt(this.key);
  }

  /** Undefined for what is over, was changed, is of another key, or is not ours. */
  async open(text: string): Promise<{ readonly content: T; readonly untilMs: number } | undefined> {
    try {
      const { payload } = await jwtDecrypt(text, this.key, {
        keyManagementAlgorithms: ['dir'],
        contentEncryptionAlgorithms: ['A256GCM'],
        requiredClaims: ['exp'],
      });
      return { content: this.schema.parse(payload['content']), untilMs: (payload.exp ?? 0) * 1000 };
    } catch {
      // Whatever is wrong with it, only the one thing follows.
      return undefined;
    }
  }
}
