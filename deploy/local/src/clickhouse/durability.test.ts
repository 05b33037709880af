import { createClient, type ClickHouseClient } from '@clickhouse/client';
import { jest } from '@jest/globals';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive, startAndKillParent, until } from '../testing/processes.js';
import { startClickHouse, type LocalClickHouse } from './start.js';

jest.setTimeout(60_000);

let dataDir: string;
let server: LocalClickHouse;
let client: ClickHouseClient;

const connect = (): ClickHouseClient => createClient({ url: server.url, log: { level: 127 } });

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'laurel-durability-'));
  server = await startClickHouse({ dataDir });
  client = connect();
  await client.command({ query: 'CREATE DATABASE laurel' });
  await client.command({ query: 'CREATE TABLE laurel.t (a UInt64) ENGINE = MergeTree ORDER BY a' });
});

afterEach(async () => {
  await client.close();
  await server.stop();
  await rm(dataDir, { recursive: true });
});

async function restart(): Promise<void> {
  await client.close();
  server = await startClickHouse({ dataDir, port: Number(new URL(server.url).port) });
  client = connect();
}

async function count(where: string): Promise<number> {
  const answer = await client.query({
    query: `SELECT count() AS n FROM laurel.t WHERE ${where}`,
    format: 'JSONEachRow',
  });
  return Number((await answer.json<{ n: number }>())[0]?.n);
}

it('keeps its data over a restart on the same port', async () => {
  await client.insert({ table: 'laurel.t', values: [{ a: 1 }, { a: 2 }], format: 'JSONEachRow' });
  await server.stop();
  await restart();
  expect(await count('1')).toBe(2);
});

it('refuses a data directory that is in use, and names the process', async () => {
  await expect(startClickHouse({ dataDir })).rejects.toThrow(`in use by another process (pid ${server.pid})`);
  expect(await count('1')).toBe(0);
});

it('finishes what runs when it is asked to end', async () => {
  const slow = client.query({ query: 'SELECT sleep(2) AS done', format: 'JSONEachRow' });
  const quick = client.insert({ table: 'laurel.t', values: [{ a: 1 }], format: 'JSONEachRow' });
  await quick;
  const stopped = server.stop();
  expect(await (await slow).json()).toEqual([{ done: 0 }]);
  await stopped;
  await restart();
  expect(await count('1')).toBe(1);
});

it('loses no acknowledged row to kill -9 amid inserts, five times over', async () => {
  const acknowledged: number[] = [];
  let next = 0;
  const insertUntilItDies = async (): Promise<void> => {
    for (;;) {
      const first = (next += 100);
      const values = Array.from({ length: 100 }, (_, i) => ({ a: first + i }));
      try {
        await client.insert({ table: 'laurel.t', values, format: 'JSONEachRow' });
      } catch {
        return;
      }
      acknowledged.push(first);
    }
  };
  for (let round = 1; round <= 5; round++) {
    const before = acknowledged.length;
    const writers = [insertUntilItDies(), insertUntilItDies(), insertUntilItDies()];
    await until(() => acknowledged.length >= before + 20);
    await server.kill('SIGKILL');
    await Promise.all(writers);
    await restart();
    const missing: number[] = [];
    for (const first of acknowledged)
      if ((await count(`a >= ${first} AND a < ${first + 100}`)) !== 100) missing.push(first);
    expect(missing).toEqual([]);
  }
});

it('inserts nothing of a request that breaks off', async () => {
  const url = `${server.url}/?query=${encodeURIComponent('INSERT INTO laurel.t FORMAT TSV')}`;
  const sending = request(url, { method: 'POST' });
  const broken = once(sending, 'error');
  sending.on('socket', (socket) => socket.once('drain', () => socket.destroy()));
  sending.write('1\n'.repeat(1_000_000));
  await broken;
  // It has answered all requests, this one too, before it ends.
  await server.stop();
  await restart();
  expect(await count('1')).toBe(0);
});

it('ends when the process that started it is killed', async () => {
  const pid = await startAndKillParent('startClickHouse', join(dataDir, 'other'));
  try {
    await until(() => !isAlive(pid));
  } finally {
    if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  }
});
