import { setTimeout as sleep } from 'node:timers/promises';
import type { ClickHouseClient } from '@laurel/clickhouse';

const POLL_MS = 250;

interface Settling {
  /** Events of this source in the deduplicated log. */
  readonly stored: number;
  /** Events of every source in it … */
  readonly logged: number;
  /** … and in the projections. */
  readonly projected: number;
}

/** Waits until the log has `expected` events of a source and every event of the log is in the projections. */
export async function settled(
  client: ClickHouseClient,
  source: string,
  expected: number,
  onProgress: (projected: number, logged: number) => void,
): Promise<void> {
  for (;;) {
    const { stored, logged, projected } = await read(client, source);
    onProgress(Math.min(projected, logged), Math.max(logged, expected));
    if (stored >= expected && projected === logged) return;
    await sleep(POLL_MS);
  }
}

async function read(client: ClickHouseClient, source: string): Promise<Settling> {
  const result = await client.query({
    query: `SELECT countIf(source = {source:String}) AS stored, count() AS logged,
                   (SELECT sum(events) FROM usage) AS projected
            FROM usage_events FINAL WHERE NOT retracted`,
    query_params: { source },
    format: 'JSONEachRow',
  });
  const [row] = await result.json<Record<keyof Settling, string>>();
  return { stored: Number(row?.stored), logged: Number(row?.logged), projected: Number(row?.projected) };
}
