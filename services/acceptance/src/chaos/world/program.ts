import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync, closeSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '../../pipeline/eventually.js';
import type { ServiceName } from '../../pipeline/service-process.js';

const SERVICES = fileURLToPath(new URL('../../../../', import.meta.url));

/** How a process has ended. */
export interface End {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One run of a service's built program, in modules, which a mutation may change. It ends with this process, however that ends, also when it stands still. */
export class Program {
  url: string | undefined;

  private constructor(
    readonly name: ServiceName,
    readonly pid: number,
    private readonly child: ChildProcess,
    readonly logFile: string,
    readonly ended: Promise<End>,
  ) {}

  static start(name: ServiceName, environment: NodeJS.ProcessEnv, logFile: string): Program {
    const log = openSync(logFile, 'w');
    const child = spawn(process.execPath, [join(SERVICES, name, 'dist', 'program.js')], {
      env: { ...process.env, ...environment, LAUREL_HTTP_PORT: '0', LAUREL_LOG_FORMAT: 'json' },
      stdio: ['ignore', log, log, 'ipc'],
      // Ctrl-C is for the campaign, which ends its processes in order.
      detached: true,
    });
    closeSync(log);
    const { pid } = child;
    if (pid === undefined) throw new Error(`${name} could not be run`);
    // A process that stands still doesn't see its channel end: the kernel closes this pipe, whatever becomes of us.
    const guard = spawn('sh', ['-c', 'cat >/dev/null; kill -KILL "$0"', String(pid)], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    const ended = once(child, 'exit').then(([status, signal]: (number | string | null)[]): End => {
      guard.kill('SIGKILL');
      return { status: status as number | null, signal: signal as NodeJS.Signals | null };
    });
    return new Program(name, pid, child, logFile, ended);
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Resolves when it answers that it is ready, false when it has ended before. */
  async ready(timeoutMs = 120_000): Promise<boolean> {
    return eventually(
      `${this.name} to be ready`,
      async () => {
        if (!this.isRunning) return 'ended' as const;
        this.url ??= /"url":"(http[^"]+)"/.exec(this.log())?.[1];
        if (this.url === undefined) return undefined;
        const answer = await fetch(`${this.url}/ready`, { signal: AbortSignal.timeout(5000) }).catch(() => undefined);
        return answer?.ok === true ? ('ready' as const) : undefined;
      },
      { timeoutMs },
    ).then((state) => state === 'ready');
  }

  send(signal: NodeJS.Signals): void {
    if (this.isRunning) this.child.kill(signal);
  }

  log(): string {
    return readFileSync(this.logFile, 'utf8');
  }
}
