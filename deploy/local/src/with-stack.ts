#!/usr/bin/env node
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { tail } from './processes/tail.js';
import { startStack } from './start-stack.js';

const USAGE = `Usage: node deploy/local/dist/with-stack.js -- <command> [arguments]

Runs the command with a stack of its own: Kafka and ClickHouse on free ports, data in a temporary folder. The command
finds them in LAUREL_TEST_KAFKA_BROKERS, LAUREL_TEST_CLICKHOUSE_URL, LAUREL_TEST_CLICKHOUSE_USERNAME and
LAUREL_TEST_CLICKHOUSE_PASSWORD. Where the first two are set already, it just runs the command.
`;

/** How long what a command has left behind has to end, in ms. */
const GRACE_MS = 5000;

/**
 * Runs the command to its end and returns the status that a shell would report. Signals are passed on, to all that it has started; what
 * is still there when it has ended, such as the workers of a test runner that was killed, is ended too.
 */
async function runCommand(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  // A group of its own, so that all of it can be reached.
  const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...env }, detached: true });
  const group = (signal: NodeJS.Signals | 0): boolean => {
    try {
      return child.pid !== undefined && process.kill(-child.pid, signal);
    } catch {
      // Nobody is left in it.
      return false;
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void group(signal));
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  group('SIGTERM');
  for (const deadline = Date.now() + GRACE_MS; group(0) && Date.now() < deadline;) await sleep(50);
  group('SIGKILL');
  return signal === null ? (code ?? 1) : 128 + constants.signals[signal];
}

async function withStack(command: string, args: readonly string[]): Promise<number> {
  const dataDir = await mkdtemp(join(tmpdir(), 'laurel-stack-'));
  try {
    const stack = await startStack({ dataDir, data: 'passing', onProgress: (line) => console.error(line) });
    try {
      const status = await runCommand(command, args, {
        LAUREL_TEST_KAFKA_BROKERS: stack.kafka.brokers.join(','),
        LAUREL_TEST_CLICKHOUSE_URL: stack.clickhouse.url,
        LAUREL_TEST_CLICKHOUSE_USERNAME: stack.clickhouse.username,
        LAUREL_TEST_CLICKHOUSE_PASSWORD: stack.clickhouse.password,
      });
      // It goes with the folder, and it tells of requests that took long.
      const log = join(dataDir, 'clickhouse', 'clickhouse.log');
      if (status !== 0 && existsSync(log)) console.error(`The end of ClickHouse's log:\n${tail(log, 0)}`);
      return status;
    } finally {
      await stack.stop();
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

const [first, ...rest] = process.argv.slice(2);
const [command, ...args] = first === '--' ? rest : first === undefined ? [] : [first, ...rest];
if (command === undefined || command === '--help') {
  console.log(USAGE);
  process.exitCode = command === undefined ? 2 : 0;
} else {
  const given =
    process.env['LAUREL_TEST_KAFKA_BROKERS'] !== undefined && process.env['LAUREL_TEST_CLICKHOUSE_URL'] !== undefined;
  process.exitCode = await (given ? runCommand(command, args, {}) : withStack(command, args));
}
