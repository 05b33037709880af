import { createInterface } from 'node:readline/promises';

/**
 * Asks whoever sits at the terminal; the question goes to standard error, so that a result can be piped.
 *
 * @throws Error when there is no terminal.
 */
export async function ask(question: string): Promise<string> {
  if (!process.stdin.isTTY) throw new Error('there is no terminal to ask on; give --yes');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await terminal.question(question)).trim();
  } finally {
    terminal.close();
  }
}

export const isYes = (answer: string): boolean => /^y(es)?$/i.test(answer);

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

/** A number with its noun. */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
