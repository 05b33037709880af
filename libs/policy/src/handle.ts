/** Of a chosen handle, in characters. */
export const MIN_HANDLE = 3;
export const MAX_HANDLE = 32;

export type HandleFault = 'handle_length' | 'handle_characters' | 'handle_reserved';

export type CheckedHandle =
  { readonly ok: true; readonly handle: string } | { readonly ok: false; readonly code: HandleFault };

/** Words of letters and digits, the first begins with a letter; one '-', '_' or '.' between two. */
const FORM = /^[a-z][a-z0-9]*(?:[-_.][a-z0-9]+)*$/;

/**
 * The end of a generated handle (`calm-otter-482913`), also written with the letters that look like digits. So no chosen
 * handle can be taken for anybody's generated one, whether that person is known yet or not.
 */
const LIKE_A_GENERATED_END = /[0-9oil]{6}$/;

/**
 * A chosen handle in its one form: NFKC (so that full-width letters are letters), small letters, 3 to 32 of a-z, 0-9 and
 * '-', '_', '.' between words. Nothing beyond ASCII, where letters of other scripts look the same. Uniqueness is another
 * question: `lookOf`.
 *
 * Source of the normal form: Unicode UAX #15; of the closed set: UTS #39, restriction level "ASCII-Only".
 */
export function checkHandle(text: string): CheckedHandle {
  const handle = text.normalize('NFKC').toLowerCase();
  if (handle.length < MIN_HANDLE || handle.length > MAX_HANDLE) return { ok: false, code: 'handle_length' };
  if (!FORM.test(handle)) return { ok: false, code: 'handle_characters' };
  if (LIKE_A_GENERATED_END.test(handle.replace(/[-_.]/g, ''))) return { ok: false, code: 'handle_reserved' };
  return { ok: true, handle };
}

/**
 * What a handle or pseudonym looks like at a glance: equal for two that a reader may take for one another, such as
 * `bill-o` and `BI1L0`, `modem` and `modern`. A skeleton in the sense of UTS #39, section 4, for the closed set of handles.
 */
export function lookOf(name: string): string {
  return name
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[-_.\s]/g, '')
    .replaceAll('0', 'o')
    .replace(/[1i]/g, 'l')
    .replaceAll('m', 'rn')
    .replaceAll('w', 'vv');
}
