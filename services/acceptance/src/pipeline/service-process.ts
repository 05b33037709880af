import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from './eventually.js';

const SERVICES = fileURLToPath(new URL('../../../', import.meta.url));
const logFolder = mkdtempSync(join(tmpdir(), 'laurel-logs-'));

/** From usage to titles: what the guarantee is about. */
export type ServiceName = 'usage-ingest' | 'usage-projector' | 'title-awarder' | 'api';
export type AnyServiceName = ServiceName | 'award-notifier';

/** A service as it is deployed: the built program in a process of its own. It ends with the test process. */
export class ServiceProcess {
  private constructor(
    readonly name: AnyServiceName,
    readonly url: string,
    private readonly child: ChildProcess,
    private readonly logFile: string,
  ) {}

  /**
   * Resolves when it is ready.
   *
   * @param options of Node's own.
   */
  static async start(
    name: AnyServiceName,
    environment: NodeJS.ProcessEnv,
    options: readonly string[] = [],
  ): Promise<ServiceProcess> {
    const logFile = join(logFolder, `${name}-${Date.now()}-${Math.random().toString(36).slice(2)}.log`);
    const log = openSync(logFile, 'w');
    const child = spawn(process.execPath, [...options, join(SERVICES, name, 'dist', 'main.js')], {
      env: { ...process.env, ...environment, LAUREL_HTTP_PORT: '0', LAUREL_LOG_FORMAT: 'json' },
      // The channel ends with this process, and the service with the channel.
      stdio: ['ignore', log, log, 'ipc'],
    });
    const url = await eventually(`${name} to listen`, () => {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`${name} ended:\n${readFileSync(logFile, 'utf8')}`);
      const started = /"url":"(http[^"]+)"/.exec(readFileSync(logFile, 'utf8'));
      return Promise.resolve(started?.[1]);
    });
    const service = new ServiceProcess(name, url, child, logFile);
    await eventually(`${name} to be ready`, async () => (await fetch(`${url}/ready`)).ok || undefined);
    return service;
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`${this.name} has no process`);
    return this.child.pid;
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Sends a signal and waits for the end; a status other than 0 after SIGTERM is an error. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (!this.isRunning) return;
    const gone = once(this.child, 'exit') as Promise<[number | null, string | null]>;
    this.child.kill(signal);
    const [status] = await gone;
    if (signal === 'SIGTERM' && status !== 0) throw new Error(`${this.name} ended with ${status}:\n${this.log()}`);
  }

  /** A signal that does not end it, such as SIGSTOP. */
  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Resolves to its exit status when it has ended by itself. */
  async ended(): Promise<number | null> {
    if (!this.isRunning) return this.child.exitCode;
    const [status] = (await once(this.child, 'exit')) as [number | null];
    return status;
  }

  log(): string {
    return readFileSync(this.logFile, 'utf8');
  }

  /** A sample of its Prometheus metrics, 0 when it is not there; `labels` as they are written, such as code="wrong_type". */
  async metric(name: string, labels = ''): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    return text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) && line.includes(labels))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }
}
