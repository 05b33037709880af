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
    query: `SELECT (SELECT toFloat64(toUnixTimestamp64Milli(max(written_at))) FROM ingest_ledger WHERE topic IN {topics:Array(String)}) AS newest,
              ${sums('hour', 'INTERVAL 1 HOUR')}, ${sums('day', 'INTERVAL 1 DAY')}
            FROM ingest_ledger FINAL WHERE topic IN {topics:Array(String)} AND written_at >= now64(3) - INTERVAL 1 DAY`,
    query_params: { topics },
    format: 'JSONEachRow',
  });
  const [row = {}] = await result.json<Record<string, number>>();
  const pace = (of: string): LedgerPace => ({
    stored: row[`${of}_rows`] ?? 0,
    dead: row[`${of}_dead`] ?? 0,
    duplicates: row[`${of}_duplicates`] ?? 0,
  });
  const newest = row['newest'] ?? 0;
  return { lastHour: pace('hour'), lastDay: pace('day'), newestAtMs: newest > 0 ? newest : null };
}
