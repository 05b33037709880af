import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** How many statements run at once; later ones wait. Less than libuv's threads (main.cts), so that other work goes on. */
const MAX_RUNNING = 48;

/** A statement's right to run, with the named pipe through which its rows come out of the engine. */
export interface Slot {
  readonly pipePath: string;
  /** Opens the pipe for one statement. */
  openPipe(): OpenPipe;
  /** Lets the next statement have it. */
  release(): void;
}

export interface OpenPipe {
  /** What the engine writes, with its back-pressure. */
  readonly reader: Socket;
  /**
   * Whoever opens a pipe to write waits until somebody reads, and a cancelled statement waits too: for ever, where the reader went
   * before the engine came. This wakes it; what it writes then fails.
   */
  readonly letWriterIn: () => void;
  /** To be called when the engine has settled: the reader then ends, also if the engine never wrote. */
  readonly endWriting: () => void;
}

const PREFIX = 'laurel-clickhouse-';
/** Names the data directory that a scratch folder belongs to. */
const OWNER = 'data-directory';

/**
 * Files through which rows pass between HTTP and the engine: in memory where the system has a memory file system.
 *
 * The folder belongs to the data directory, of which there is one process, so what a killed one left goes at the next
 * start, as do the folders of data directories that are gone.
 */
export class Scratch {
  private readonly waiting: ((slot: Slot) => void)[] = [];

  private constructor(
    private readonly folder: string,
    private readonly free: string[],
  ) {}

  static async create(dataDir: string): Promise<Scratch> {
    const parent = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
    const owner = createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
    const folder = join(parent, `${PREFIX}${owner}`);
    rmSync(folder, { recursive: true, force: true });
    removeOrphans(parent);
    mkdirSync(folder, { mode: 0o700 });
    writeFileSync(join(folder, OWNER), dataDir);
    const pipes = Array.from({ length: MAX_RUNNING }, (_, i) => join(folder, `rows-${i}`));
    await run('mkfifo', ['-m', '600', ...pipes]);
    return new Scratch(folder, pipes);
  }

  /** A new path for a request's rows. The caller removes the file. */
  newFile(): string {
    return join(this.folder, randomUUID());
  }

  /** Waits for a slot, first come, first served. */
  slot(): Promise<Slot> {
    const path = this.free.pop();
    if (path !== undefined) return Promise.resolve(this.slotOn(path));
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private slotOn(pipePath: string): Slot {
    return {
      pipePath,
      openPipe: () => openPipe(pipePath),
      release: () => {
        const next = this.waiting.shift();
        if (next === undefined) this.free.push(pipePath);
        else next(this.slotOn(pipePath));
      },
    };
  }
}

function removeOrphans(parent: string): void {
  for (const name of readdirSync(parent)) {
    const owner = join(parent, name, OWNER);
    if (!name.startsWith(PREFIX) || !existsSync(owner)) continue;
    if (!existsSync(readFileSync(owner, 'utf8'))) rmSync(join(parent, name), { recursive: true, force: true });
  }
}

function openPipe(path: string): OpenPipe {
  const reader = new Socket({
    fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK),
    readable: true,
    writable: false,
  });
  // A writing end of our own keeps the pipe from ending before the engine has opened it.
  const writingEnd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  return {
    reader,
    letWriterIn: () => closeSync(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)),
    endWriting: () => closeSync(writingEnd),
  };
}
