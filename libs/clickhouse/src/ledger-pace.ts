import type { ClickHouseClient } from '@clickhouse/client';

/** What became of records since some time ago, by the ledger. */
export interface LedgerPace {
  readonly stored: number;
  /** Records that became dead letters. */
  readonly dead: number;
  /** Records that were the same as others of their batch. */
  readonly duplicates: number;
}

export interface LedgerNow {
  readonly lastHour: LedgerPace;
  readonly lastDay: LedgerPace;
  /** When the newest batch was stored, in ms; null before the first. */
  readonly newestAtMs: number | null;
}

/** What ingest took of some topics lately, of all of them together. */
export async function ledgerNow(client: ClickHouseClient, topics: readonly string[]): Promise<LedgerNow> {
  const sums = (name: string, since: string): string =>
    ['rows', 'dead', 'duplicates']
      .map((of) => `toFloat64(sumIf(${of}, written_at >= now64(3) - ${since})) AS ${name}_${of}`)
      .join(', ');
  const result = await client.query({
    query: `SELECT toFloat64(toUnixTimestamp64Milli(max(written_at))) AS newest, ${sums('hour', 'INTERVAL 1 HOUR')}, ${sums('day', 'INTERVAL 1 DAY')}
            FROM ingest_ledger FINAL WHERE topic IN {topics:Array(String)} AND written_at >= now64(3) - INTERVAL 1 DAY
            UNION ALL
            SELECT toFloat64(toUnixTimestamp64Milli(max(written_at))), 0, 0, 0, 0, 0, 0
            FROM ingest_ledger WHERE topic IN {topics:Array(String)}`,
    query_params: { topics },
    format: 'JSONEachRow',
  });
  const rows = await result.json<Record<string, number>>();
  const sum = (name: string): number => rows.reduce((all, row) => all + (row[name] ?? 0), 0);
  const pace = (of: string): LedgerPace => ({
    stored: sum(`${of}_rows`),
    dead: sum(`${of}_dead`),
    duplicates: sum(`${of}_duplicates`),
  });
  const newest = Math.max(...rows.map((row) => row['newest'] ?? 0));
  return { lastHour: pace('hour'), lastDay: pace('day'), newestAtMs: newest > 0 ? newest : null };
}
