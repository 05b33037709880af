import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startDaemon, type Daemon } from './processes/daemon.js';
import type { Stack } from './start-stack.js';

const SERVICES = fileURLToPath(new URL('../../../services/', import.meta.url));

export type ServiceName = 'usage-ingest' | 'usage-projector' | 'title-awarder' | 'award-notifier' | 'api';

/** Laurel's own processes on a stack: built programs, configured by their environment, as in production. */
export class Laurel {
  private readonly services: Daemon[] = [];
  private readonly environment: NodeJS.ProcessEnv;

  constructor(
    { kafka, clickhouse }: Stack,
    private readonly logDir: string,
    /** Ends commands that are under way. */
    private readonly signal: AbortSignal,
  ) {
    this.environment = {
      LAUREL_KAFKA_BROKERS: kafka.brokers.join(','),
      LAUREL_CLICKHOUSE_URL: clickhouse.url,
      LAUREL_CLICKHOUSE_USERNAME: clickhouse.username,
      LAUREL_CLICKHOUSE_PASSWORD: clickhouse.password,
    };
  }

  /** Resolves when the service is ready. */
  async start(name: ServiceName, port: number): Promise<void> {
    const daemon = await startDaemon({
      name,
      command: process.execPath,
      args: [join(SERVICES, name, 'dist/main.js')],
      env: { ...this.environment, LAUREL_HTTP_PORT: String(port), LAUREL_LOG_FORMAT: 'json' },
      logFile: join(this.logDir, `${name}.log`),
      ready: () =>
        fetch(`http://127.0.0.1:${port}/ready`).then(
          (answer) => answer.ok,
          () => false,
        ),
    });
    this.services.push(daemon);
    void daemon.gone.then((how) => {
      if (!this.signal.aborted) console.error(`\n${name} ${how}; see ${join(this.logDir, `${name}.log`)}`);
    });
  }

  /** Runs `laurel …` in this terminal until it ends, or the signal ends it. */
  async run(...args: readonly string[]): Promise<void> {
    const command = spawn(process.execPath, [join(SERVICES, 'cli/dist/main.js'), ...args], {
      // The channel tells it when this process is gone.
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, ...this.environment },
    });
    const end = (): void => void command.kill('SIGTERM');
    this.signal.addEventListener('abort', end);
    const [status] = (await once(command, 'exit')) as [number | null];
    this.signal.removeEventListener('abort', end);
    if (status !== 0 && !this.signal.aborted) throw new Error(`laurel ${args.join(' ')} failed`);
    this.signal.throwIfAborted();
  }

  async stop(): Promise<void> {
    await Promise.all(this.services.map((service) => service.stop()));
  }
}
