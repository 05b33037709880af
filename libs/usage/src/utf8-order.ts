const SURROGATES = 0xd800;
const AFTER_SURROGATES = 0xe000;

/**
 * Compares two texts by the bytes of their UTF-8, as ClickHouse and Kafka do: negative, 0 or positive.
 * UTF-8's byte order is the code points' order; UTF-16's is not, where U+E000 … U+FFFF meet a surrogate.
 * Source: the fix-up of "UTF-16 in code point order" (Unicode Standard, section 5.17).
 */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    if (left !== right) return inCodePointOrder(left) - inCodePointOrder(right);
  }
  return a.length - b.length;
}

/** Puts surrogates, which stand for U+10000 and beyond, after every other code unit. */
function inCodePointOrder(unit: number): number {
  if (unit < SURROGATES) return unit;
  return unit < AFTER_SURROGATES ? unit + 0x10000 : unit;
}
