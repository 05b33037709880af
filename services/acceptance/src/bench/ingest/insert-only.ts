import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { buffer } from 'node:stream/consumers';
import type { ClickHouseClient } from '@laurel/clickhouse';
import { CpuMeter } from '../processes.js';
import type { Peer } from './peer.js';
import { fillUndecoded } from './peers.js';
import { targetTables, viewOfEvents } from './peer-tables.js';

const LOT = 100_000;

/** What ClickHouse takes for rows that cost nothing to make. */
export const insertOnly: Peer = {
  name: 'Insert only (Native)',
  does: 'the rows, ready made, in inserts of 100,000, a materialized view',
  framings: ['json'],
  run: (stack, filled) =>
    stack.inDatabase('insert_run', async (client) => {
      const folder = await mkdtemp(join(tmpdir(), 'laurel-bench-rows-'));
      try {
        await fillUndecoded(stack, filled, client, 'insert_run');
        const files = await writeLots(client, folder, filled.events);
        for (const table of ['events_of_source', 'minutes_of_source', 'source', 'events', 'minutes']) {
          await client.command({ query: `DROP TABLE ${table} SYNC` });
        }
        for (const query of [...targetTables, viewOfEvents]) await client.command({ query });

        const meter = new CpuMeter({ clickhouse: stack.pids.clickhouse, client: process.pid });
        for (const file of files) {
          const { stream } = await client.exec({
            query: 'INSERT INTO events FORMAT Native',
            values: createReadStream(file),
          });
          await finished(stream.resume());
        }
        return meter.stop();
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    }),
};

/** In the order in which they would come: by time. */
async function writeLots(client: ClickHouseClient, folder: string, rows: number): Promise<readonly string[]> {
  const files: string[] = [];
  for (let from = 0; from < rows; from += LOT) {
    const { stream } = await client.exec({
      query: `SELECT * FROM events ORDER BY occurred_at LIMIT ${LOT} OFFSET ${from} FORMAT Native`,
    });
    const file = join(folder, `${from}.native`);
    await writeFile(file, await buffer(stream));
    files.push(file);
  }
  return files;
}
