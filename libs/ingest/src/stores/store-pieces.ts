import type { Erasures } from '@laurel/clickhouse';
import type { RecordBatch, Stored } from '@laurel/stream';
import { touchedTogether, type Touched } from '../announcements.js';
import { piecesOf } from '../pieces.js';

/**
 * Stores a batch piece by piece, see `piecesOf`; what came of the pieces is added up.
 *
 * @param storePiece stores what nobody erased has written.
 */
export async function storePieces(
  erasures: Erasures,
  batch: RecordBatch,
  maxBytes: number,
  storePiece: (piece: RecordBatch) => Promise<Stored<Touched>>,
): Promise<Stored<Touched>> {
  // Asked at every attempt, so that only an attempt that is under way can store what was erased meanwhile.
  await erasures.refresh();
  const stored: Stored<Touched>[] = [];
  for (const piece of piecesOf(batch, maxBytes)) stored.push(await storePiece(piece));
  const sum = (of: 'rows' | 'duplicates' | 'erased'): number => stored.reduce((all, one) => all + one[of], 0);
  return {
    rows: sum('rows'),
    duplicates: sum('duplicates'),
    erased: sum('erased'),
    rejected: stored.flatMap(({ rejected }) => rejected),
    touched: touchedTogether(stored.map(({ touched }) => touched)),
  };
}
