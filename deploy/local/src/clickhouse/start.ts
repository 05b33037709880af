import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startDaemon, type Daemon } from '../processes/daemon.js';
import { freePort, requireFreePort } from '../ports.js';

/** Compiled, also when this module isn't: the entry must be plain JavaScript. */
const MAIN = fileURLToPath(new URL('../../dist/clickhouse/main.cjs', import.meta.url));

/** Where to run a local ClickHouse. */
export interface ClickHouseOptions {
  /** Kept across runs; made if absent. */
  readonly dataDir: string;
  /** HTTP, on 127.0.0.1. Default: a free one. */
  readonly port?: number;
  /** Default `default`. */
  readonly username?: string;
  /** Default: none. */
  readonly password?: string;
  /**
   * A command that is given the engine's own command and becomes it, such as `['nice']`: one that forks would be
   * stopped in the engine's place. Default none.
   */
  readonly launcher?: readonly string[];
  readonly onProgress?: (line: string) => void;
}

/** A running engine. `kill` and `stop` resolve when its process is gone. */
export interface LocalClickHouse extends Daemon {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly logFile: string;
}

/**
 * Starts ClickHouse's engine behind HTTP in a process of its own.
 *
 * @throws Error with the end of its log when it doesn't start, for example because its data directory is in use.
 */
export async function startClickHouse(options: ClickHouseOptions): Promise<LocalClickHouse> {
  const { onProgress = () => undefined, username = 'default', password = '', launcher = [] } = options;
  const port = await (options.port === undefined ? freePort() : requireFreePort(options.port));
  const dataDir = resolve(options.dataDir);
  const url = `http://127.0.0.1:${port}`;
  const logFile = join(dataDir, 'clickhouse.log');
  onProgress(`Starting ClickHouse on port ${port} …`);
  const engine = [
    process.execPath,
    MAIN,
    '--port',
    String(port),
    '--data-dir',
    join(dataDir, 'engine'),
    '--user',
    username,
  ];
  const [command = process.execPath, ...args] = [...launcher, ...engine];
  const daemon = await startDaemon({
    name: 'ClickHouse',
    command,
    args,
    env: { LAUREL_CLICKHOUSE_PASSWORD: password, UV_THREADPOOL_SIZE: '64' },
    logFile,
    ready: () => answersPing(url),
  });
  return { ...daemon, url, username, password, logFile };
}

async function answersPing(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/ping`, { signal: AbortSignal.timeout(2_000) });
    return answer.ok;
  } catch {
    return false;
  }
}
