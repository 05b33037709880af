import type { ChdbResult, Session } from 'chdb';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from './engine.js';
import type { Slot } from './scratch.js';

/** How long a statement whose rows nobody reads may take to end by itself, ms. */
const GRACE_MS = 100;

/** What the engine writes, and how it ended; that may be known only after all rows are read. */
export interface EngineRows {
  readonly rows: Readable;
  readonly finished: Promise<ChdbResult>;
}

/**
 * Runs a statement that writes its rows to the slot's pipe, while `read` reads them.
 *
 * When `read` ends early, the statement is cancelled; in any case it has ended when this returns.
 */
export async function throughPipe<T>(
  { engine, session, slot }: { engine: Engine; session: Session; slot: Slot },
  sql: (path: string) => string,
  read: (rows: EngineRows) => Promise<T>,
): Promise<T> {
  const { reader, letWriterIn, endWriting } = slot.openPipe();
  const finished = session.queryAsync(sql(slot.pipePath)).finally(endWriting);
  // It may reject before the last row is read, and is then awaited late.
  const settled = finished.then(
    () => true,
    () => true,
  );
  try {
    return await read({ rows: reader, finished });
  } finally {
    reader.destroy();
    // The engine takes no notice of a pipe without a reader. Its text in the list of queries contains the pipe's path.
    while (!(await Promise.race([settled, sleep(GRACE_MS, false)]))) {
      letWriterIn();
      await engine.cancel(slot.pipePath);
    }
  }
}
