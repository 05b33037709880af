import type { DeadLetterCode } from './generated/types.js';

/** Why a record is not accepted. `message` is for a person; only `code` may be decided on. */
export interface Fault {
  readonly code: DeadLetterCode;
  readonly message: string;
  readonly field: string | null;
}

/** An expected failure is returned, never thrown. */
export type Checked<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: Fault };

export const accept = <T>(value: T): Checked<T> => ({ ok: true, value });

export const reject = (code: DeadLetterCode, message: string, field: string | null = null): Checked<never> => ({
  ok: false,
  fault: { code, message, field },
});
