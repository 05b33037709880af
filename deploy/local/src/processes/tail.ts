import { existsSync, readFileSync, statSync } from 'node:fs';

/** Where a log file ends now, in bytes; 0 if there is none. */
export function endOf(file: string): number {
  return existsSync(file) ? statSync(file).size : 0;
}

/** The last `lines` lines of what a log file got since byte `from`. For error messages. */
export function tail(file: string, from: number, lines = 30): string {
  const text = existsSync(file) ? readFileSync(file).subarray(from).toString('utf8').trimEnd() : '';
  return text === '' ? '(nothing)' : text.split('\n').slice(-lines).join('\n');
}
