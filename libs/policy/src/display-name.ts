/** Of a display name, in Unicode characters. */
export const MAX_DISPLAY_NAME = 80;

export type DisplayNameFault = 'name_length' | 'name_characters';

export type CheckedDisplayName =
  { readonly ok: true; readonly name: string } | { readonly ok: false; readonly code: DisplayNameFault };

/** Controls, signs that turn a line around or break it, and what is no character. The two joiners are spelling in Persian and Hindi. */
const FORBIDDEN = /[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/u;

/**
 * A display name in its one form: NFC, no white space around it, 1 to 80 characters with a letter among them. It need not be
 * unique, as names aren't; it is shown beside the handle, never instead of it.
 */
export function checkDisplayName(text: string): CheckedDisplayName {
  const name = text.normalize('NFC').trim();
  const { length } = Array.from(name);
  if (length < 1 || length > MAX_DISPLAY_NAME) return { ok: false, code: 'name_length' };
  if (FORBIDDEN.test(name) || !/\p{L}/u.test(name)) return { ok: false, code: 'name_characters' };
  return { ok: true, name };
}
