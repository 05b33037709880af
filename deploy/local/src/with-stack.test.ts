import { jest } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

jest.setTimeout(120_000);

const WITH_STACK = fileURLToPath(new URL('../dist/with-stack.js', import.meta.url));

let temporary: string;

beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'laurel-with-stack-'));
});

afterAll(async () => {
  await rm(temporary, { recursive: true });
});

/** Runs a script of Node's under with-stack; by default without a stack of the surrounding test run. */
function start(script: string, env: NodeJS.ProcessEnv = {}) {
  const bare = { ...process.env, LAUREL_TEST_KAFKA_BROKERS: undefined, LAUREL_TEST_CLICKHOUSE_URL: undefined };
  return spawn(process.execPath, [WITH_STACK, '--', process.execPath, '--input-type=module', '--eval', script], {
    env: { ...bare, TMPDIR: temporary, LAUREL_STACK: 'local', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

const PRINT = `console.log(JSON.stringify({
  brokers: process.env.LAUREL_TEST_KAFKA_BROKERS,
  url: process.env.LAUREL_TEST_CLICKHOUSE_URL,
  ping: process.env.PING === undefined ? '' : await (await fetch(process.env.LAUREL_TEST_CLICKHOUSE_URL + '/ping')).text(),
}));`;

it("gives the command a running stack and ends with the command's status, leaving nothing", async () => {
  const child = start(`${PRINT} process.exit(7);`, { PING: '1' });
  const [out, progress, exit] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  expect(exit).toEqual([7, null]);
  expect(progress).toMatch(/^The end of ClickHouse's log:\nClickHouse \d+/m);
  const seen = JSON.parse(out) as { brokers: string; url: string; ping: string };
  expect(seen.ping).toBe('Ok.\n');
  await expect(fetch(`${seen.url}/ping`)).rejects.toThrow();
  expect(await readdir(temporary)).toEqual([]);
});

it('passes a signal on and cleans up behind it', async () => {
  const child = start(`console.log('running'); setInterval(() => {}, 1000);`);
  child.stderr.resume();
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([143, null]);
  expect(await readdir(temporary)).toEqual([]);
});

it('ends what the command has left behind', async () => {
  const child = start(`
    import { spawn } from 'node:child_process';
    console.log(spawn(process.execPath, ['--eval', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' }).pid);
    process.exit(0);`);
  child.stderr.resume();
  const [out, exit] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  expect(exit).toEqual([0, null]);
  expect(() => process.kill(Number(out), 0)).toThrow('ESRCH');
});

it('only runs the command where there is a stack already', async () => {
  const child = start(PRINT, { LAUREL_TEST_KAFKA_BROKERS: 'k:1', LAUREL_TEST_CLICKHOUSE_URL: 'http://c' });
  child.stderr.resume();
  expect(JSON.parse(await text(child.stdout))).toEqual({ brokers: 'k:1', url: 'http://c', ping: '' });
});
