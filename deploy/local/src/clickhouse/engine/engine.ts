import { drainPending, Session, type ChdbResult } from 'chdb';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '../../error-code.js';

/** Where the embedded engine's defaults differ from the server's, the server's hold. */
const SERVER_DEFAULTS = 'SET implicit_select = 0, allow_introspection_functions = 0';

/** The ClickHouse engine, opened on one data directory. The engine itself locks that directory for this process. */
export class Engine {
  private constructor(
    private readonly dataDir: string,
    private readonly first: Session,
    readonly version: string,
    readonly timezone: string,
  ) {}

  /** @throws Error that says which process has the data directory, if another one has. */
  static open(dataDir: string): Engine {
    mkdirSync(dataDir, { recursive: true });
    try {
      const first = new Session(dataDir);
      const [version = '', timezone = ''] = first.query('SELECT version(), timezone()', 'TSV').trim().split('\t');
      return new Engine(dataDir, first, version, timezone);
    } catch (cause) {
      throw openFailed(dataDir, cause);
    }
  }

  /**
   * A fresh session, with the server's defaults. Settings, parameters and temporary tables belong to a session, and
   * queries of different sessions run side by side. It costs about a millisecond. Close it after its last query has
   * settled.
   */
  session(): Session {
    const session = new Session(this.dataDir);
    session.query(SERVER_DEFAULTS);
    return session;
  }

  /** Ends the running queries whose text contains `part`, or all. They fail with QUERY_WAS_CANCELLED (394). */
  async cancel(part?: string): Promise<ChdbResult> {
    // Split, so that this statement doesn't contain what it looks for.
    const where = part === undefined ? '1' : `position(query, concat('${part.slice(0, 1)}', '${part.slice(1)}')) > 0`;
    return this.first.queryAsync(`KILL QUERY WHERE ${where} ASYNC`);
  }

  /** Waits for what still runs, then closes. */
  async close(): Promise<void> {
    this.first.close();
    await drainPending();
  }
}

/** The engine locks the file `status`, which holds its process's id; its error doesn't say so. */
function openFailed(dataDir: string, cause: unknown): Error {
  const status = join(dataDir, 'status');
  const pid = existsSync(status) ? /PID: (\d+)/.exec(readFileSync(status, 'utf8'))?.[1] : undefined;
  if (pid !== undefined && isAlive(Number(pid))) {
    const text = `The data directory ${dataDir} is in use by another process (pid ${pid}).`;
    return new Error(`${text} End that one, or choose another directory.`, { cause });
  }
  return new Error(cause instanceof Error ? cause.message : String(cause), { cause });
}

/** Signal 0 only asks. A process of another user's is alive too, but refuses. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}
