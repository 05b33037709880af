import { setTimeout as sleep } from 'node:timers/promises';
import type { ClickHouseClient } from '@laurel/clickhouse';

const POLL_MS = 250;

/** Where events are stored, and the view of what was made of them. */
const LOGS = [
  { table: 'usage_events', view: 'usage' },
  { table: 'outcome_events', view: 'outcomes' },
] as const;

/** How many events of a source are to be there; each source is of one log. */
export type Expected = Readonly<Record<string, number>>;

interface Settling {
  /** Whether all that are expected are in the deduplicated logs. */
  readonly isStored: boolean;
  /** Events of every source in them … */
  readonly logged: number;
  /** … and in the projections. */
  readonly projected: number;
}

/** Waits until the logs have as many events of these sources and every event of the logs is in the projections. */
export async function settled(
  client: ClickHouseClient,
  expected: Expected,
  onProgress: (projected: number, logged: number) => void,
): Promise<void> {
  const total = Object.values(expected).reduce((sum, events) => sum + events, 0);
  for (;;) {
    const { isStored, logged, projected } = await read(client, expected);
    onProgress(Math.min(projected, logged), Math.max(logged, total));
    if (isStored && projected === logged) return;
    await sleep(POLL_MS);
  }
}

async function read(client: ClickHouseClient, expected: Expected): Promise<Settling> {
  const rows = LOGS.map(
    ({ table, view }) =>
      `SELECT source, count() AS logged, 0 AS projected FROM ${table} FINAL WHERE NOT retracted GROUP BY source
       UNION ALL SELECT '', 0, sum(events) FROM ${view}`,
  );
  const result = await client.query({
    query: `SELECT source, sum(logged) AS logged, sum(projected) AS projected FROM (${rows.join(' UNION ALL ')}) GROUP BY source`,
    format: 'JSONEachRow',
  });
  const sources = await result.json<{ source: string; logged: string; projected: string }>();
  const stored = new Map(sources.map((row) => [row.source, Number(row.logged)]));
  return {
    isStored: Object.entries(expected).every(([source, events]) => (stored.get(source) ?? 0) >= events),
    logged: sources.reduce((sum, row) => sum + Number(row.logged), 0),
    projected: sources.reduce((sum, row) => sum + Number(row.projected), 0),
  };
}
