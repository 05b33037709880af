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

export const timeText = (ms: number): string => new Date(ms).toISOString().replace('T', ' ').slice(0, 19);
