import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { topics } from '@laurel/events';
import { startClickHouse } from '@laurel/local-stack';
import { eventually } from '../../pipeline/eventually.js';
import { HttpProxy } from '../proxies/http-proxy.js';
import { someEvents } from './events.js';
import type { Part } from './part.js';
import { SmallPipeline } from './small-pipeline.js';

const DISK_MIB = 256;
const FULL_FOR_MS = 4000;

/** The engine's data lies in a small file system in memory, which only its process sees and which goes with it. */
export const diskFull: Part = {
  name: 'disk-full',
  simulates: 'ClickHouse’s disk is full for a while',
  run: async ({ world, random, times }) => {
    const dataDir = join(world.folder, 'small-disk');
    const disk = join(dataDir, 'engine');
    const script = `mkdir -p "$0" && mount -t tmpfs -o size=${DISK_MIB}m tmpfs "$0" && exec "$@"`;
    const engine = await startClickHouse({ dataDir, launcher: ['unshare', '-rm', 'sh', '-c', script, disk] });
    const proxy = await HttpProxy.open(() => engine.url);
    const errors = new Map<string, number>();
    proxy.on(
      () => true,
      async (exchange) => {
        const answer = await exchange.forward();
        const code = answer.headers['x-clickhouse-exception-code'];
        if (typeof code === 'string') errors.set(code, (errors.get(code) ?? 0) + 1);
        exchange.answer(answer);
      },
    );
    const pipeline = await SmallPipeline.create(world, 'diskfull', engine.url, proxy.url);
    const bites: string[] = [];
    try {
      const services = [await pipeline.start('usage-ingest'), await pipeline.start('usage-projector')];
      await pipeline.publish(someEvents('disk', 300, random));
      await pipeline.committed(topics.usageEvents.name, 'usage-ingest');
      // In the process's own view of the file system.
      const filler = join('/proc', String(engine.pid), 'root', disk, 'filler');
      for (let time = 0; time < times; time += 1) {
        const before = sum(errors);
        const bytes = await fill(filler);
        await pipeline.publish(someEvents(`disk-${time}`, 500, random));
        await eventually('an insert to fail', () => Promise.resolve(sum(errors) > before));
        await sleep(FULL_FOR_MS);
        await rm(filler);
        await pipeline.publish(someEvents(`disk-free-${time}`, 200, random));
        await pipeline.committed(topics.usageEvents.name, 'usage-ingest');
        bites.push(`${bytes} bytes filled the disk, ${sum(errors) - before} requests failed`);
      }
      const ended = services.filter((service) => !service.isRunning);
      if (ended.length > 0)
        throw new Error(`${ended.map((one) => one.name + one.log().slice(-2000)).join()} ended by itself`);
      await pipeline.committed(topics.usageStored.name, 'usage-projector');
      bites.push(`codes: ${[...errors].map(([code, count]) => `${code} ${count} times`).join(', ')}`);
      return { bites, checks: await pipeline.compare() };
    } finally {
      await pipeline.close();
      proxy.close();
      await engine.kill('SIGKILL');
    }
  },
};

const sum = (counts: ReadonlyMap<string, number>): number => [...counts.values()].reduce((all, one) => all + one, 0);

/** Writes until there is no room for a byte. */
async function fill(file: string): Promise<number> {
  const handle = await open(file, 'w');
  let written = 0;
  try {
    for (let size = 1 << 20; size >= 1;) {
      try {
        const { bytesWritten } = await handle.write(Buffer.alloc(size));
        written += bytesWritten;
        if (bytesWritten < size) size >>= 1;
      } catch {
        size >>= 1;
      }
    }
  } finally {
    await handle.close();
  }
  return written;
}
