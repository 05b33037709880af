/** Whether an error carries the given code, as those of the system do: `ENOENT`, `EADDRINUSE`. */
export function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
