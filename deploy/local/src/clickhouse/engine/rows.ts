import type { ChdbResult, Session } from 'chdb';
import type { Readable } from 'node:stream';
import type { Slot } from './scratch.js';

/** What the engine writes, and how it ended; that may be known only after all rows are read. */
export interface EngineRows {
  readonly rows: Readable;
  readonly finished: Promise<ChdbResult>;
}

/**
 * Runs a statement that writes its rows to the slot's pipe, while `read` reads them.
 *
 * When `read` ends early, the engine's next write fails; in any case the statement has ended when this returns.
 */
export async function throughPipe<T>(
  session: Session,
  slot: Slot,
  sql: (path: string) => string,
  read: (rows: EngineRows) => Promise<T>,
): Promise<T> {
  const { reader, endWriting } = slot.openPipe();
  const finished = session.queryAsync(sql(slot.pipePath)).finally(endWriting);
  // It may reject before the last row is read.
  finished.catch(() => undefined);
  try {
    return await read({ rows: reader, finished });
  } finally {
    reader.destroy();
    await finished.catch(() => undefined);
  }
}
