import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { endWithThisProcess } from './guard.js';
import { endOf, tail } from './tail.js';

/** What to run, and when it counts as started. */
export interface DaemonOptions {
  /** For messages: "Kafka", "ClickHouse". */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Takes the process's output; appended to. */
  readonly logFile: string;
  /** Called as soon as there is a process, before it is ready. */
  readonly spawned?: (pid: number) => Promise<void>;
  /** Asked every 25 ms until it is true. */
  readonly ready: () => Promise<boolean>;
  /** Bound on the start. Default 60,000 ms. */
  readonly startTimeoutMs?: number;
  /** What `stop()` waits for after SIGTERM before it kills. Default 30,000 ms. */
  readonly stopTimeoutMs?: number;
}

/** A background process that lives at most as long as this one. */
export interface Daemon {
  readonly pid: number;
  /** Resolves when the process has ended, however it did, with words on how. */
  readonly gone: Promise<string>;
  /** Sends the signal and waits until the process is gone. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** SIGTERM, and SIGKILL if that takes too long. Nothing happens when the process is gone already. */
  stop(): Promise<void>;
}

/**
 * Starts a process and waits until it is ready.
 *
 * @throws Error with the tail of the log when the process ends before it is ready, or takes too long.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const logStart = endOf(options.logFile);
  const child = spawnLogged(options);
  endWithThisProcess(child);
  const gone = exit(child);
  const daemon = await daemonOf(child, gone, options);
  try {
    await options.spawned?.(daemon.pid);
    await waitUntilReady(child, gone, options);
  } catch (error) {
    await daemon.kill('SIGKILL');
    const cause = error instanceof Error ? error.message : String(error);
    throw new Error(`${options.name} ${cause}. The end of ${options.logFile}:\n${tail(options.logFile, logStart)}`, {
      cause: error,
    });
  }
  return daemon;
}

function spawnLogged({ command, args, env, logFile }: DaemonOptions): ChildProcess {
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'a');
  try {
    // A process group of its own: Ctrl-C in the terminal is for us, and we end our children in order.
    return spawn(command, args, { stdio: ['ignore', log, log], detached: true, env: { ...process.env, ...env } });
  } finally {
    closeSync(log);
  }
}

/** Resolves with words on how the process ended. */
async function exit(child: ChildProcess): Promise<string> {
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return signal === null ? `ended with status ${code ?? 'unknown'}` : `was ended by ${signal}`;
  } catch (error) {
    return `could not be run: ${error instanceof Error ? error.message : String(error)}`;
  }
}

async function daemonOf(child: ChildProcess, gone: Promise<string>, options: DaemonOptions): Promise<Daemon> {
  const { pid } = child;
  if (pid === undefined) throw new Error(`${options.name} ${await gone}`);
  const kill = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await gone;
  };
  return {
    pid,
    gone,
    kill,
    async stop() {
      const insist = setTimeout(() => child.kill('SIGKILL'), options.stopTimeoutMs ?? 30_000);
      await kill('SIGTERM').finally(() => clearTimeout(insist));
    },
  };
}

async function waitUntilReady(child: ChildProcess, gone: Promise<string>, options: DaemonOptions): Promise<void> {
  const { ready, startTimeoutMs = 60_000 } = options;
  const deadline = Date.now() + startTimeoutMs;
  while (!(await ready())) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${await gone} before it was ready`);
    if (Date.now() > deadline) throw new Error(`was not ready after ${startTimeoutMs} ms`);
    await sleep(25);
  }
}
