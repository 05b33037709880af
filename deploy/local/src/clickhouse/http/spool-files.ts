import { rmSync } from 'node:fs';
import type { Engine } from '../engine/engine.js';
import type { Scratch } from '../engine/scratch.js';
import { quote } from '../sql/statement.js';

/** The files of one request, in the scratch folder. */
export class SpoolFiles {
  private readonly paths: string[] = [];

  constructor(private readonly served: { readonly engine: Engine; readonly scratch: Scratch }) {}

  /** The path of a file that isn't there yet. */
  newFile(): string {
    const path = this.served.scratch.newFile();
    this.paths.push(path);
    return path;
  }

  /** The path of a file with the content of a compressed one. The engine unpacks: it knows more methods than Node. */
  async unpack(file: string, compression: string): Promise<string> {
    const { engine, scratch } = this.served;
    const unpacked = this.newFile();
    const source = `file(${quote(file)}, 'RawBLOB', 'content String', ${quote(compression)})`;
    const slot = await scratch.slot();
    const session = engine.session();
    try {
      await session.queryAsync(`SELECT content FROM ${source} INTO OUTFILE ${quote(unpacked)} FORMAT RawBLOB`);
    } finally {
      session.close();
      slot.release();
    }
    return unpacked;
  }

  removeAll(): void {
    for (const path of this.paths) rmSync(path, { force: true });
  }
}
