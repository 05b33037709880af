import type { Engine } from '../engine/engine.js';
import type { Scratch } from '../engine/scratch.js';
import { quote } from '../sql/statement.js';

/** Unpacks a file by the engine: it knows more compressions than Node does. */
export async function unpack(
  { engine, scratch }: { engine: Engine; scratch: Scratch },
  { from, to, compression }: { from: string; to: string; compression: string },
): Promise<void> {
  const source = `file(${quote(from)}, 'RawBLOB', 'content String', ${quote(compression)})`;
  const slot = await scratch.slot();
  const session = await engine.session();
  try {
    await session.queryAsync(`SELECT content FROM ${source} INTO OUTFILE ${quote(to)} FORMAT RawBLOB`);
  } finally {
    session.close();
    slot.release();
  }
}
