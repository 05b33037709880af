const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Undefined when the bytes are not UTF-8. */
export function utf8(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** A key to be read: as text where it is text, else in hex. */
export function keyText(key: Uint8Array | null): string | null {
  if (key === null) return null;
  return utf8(key) ?? `0x${Buffer.from(key).toString('hex')}`;
}

/**
 * What came with a record is anybody's: nothing of it may steer a terminal or turn the line around. Control characters,
 * line ends too, and those that set a direction are written as escapes.
 */
export function harmless(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (one) => {
    const code = one.codePointAt(0) ?? 0;
    return `\\u{${code.toString(16)}}`;
  });
}

/** Of several lines. */
export const harmlessLines = (text: string): string => text.split('\n').map(harmless).join('\n');

/** Cut to a line's part. */
export const brief = (text: string, characters: number): string => {
  const safe = harmless(text);
  return safe.length <= characters ? safe : `${safe.slice(0, characters - 1)}…`;
};

export const timeText = (ms: number): string => new Date(ms).toISOString().replace('T', ' ').slice(0, 19);
