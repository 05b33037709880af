import { readFileSync } from 'node:fs';

/** The last `lines` lines of a log file, or a note that there is none. For error messages. */
export function tail(file: string, lines = 30): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return `(nothing in ${file})`;
  }
}
