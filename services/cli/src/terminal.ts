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
