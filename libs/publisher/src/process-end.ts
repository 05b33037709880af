const open = new Set<() => void>();

const runAll = (): void => {
  for (const end of [...open]) end();
};

/**
 * Calls `end` when the process has nothing left to do, so that a tool which forgot `close()` still delivers. Not on
 * `process.exit()` or a signal: those leave no time. Returns how to take it back.
 */
export function atProcessEnd(end: () => void): () => void {
  if (open.size === 0) process.on('beforeExit', runAll);
  open.add(end);
  return () => {
    open.delete(end);
    if (open.size === 0) process.off('beforeExit', runAll);
  };
}
