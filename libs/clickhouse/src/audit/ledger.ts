import type { ClickHouseClient } from '@clickhouse/client';

/** Offsets of one partition, both inclusive. */
export interface OffsetRange {
  readonly from: number;
  readonly to: number;
}

/** One partition of a topic, named with its prefix. */
export interface LedgerPartition {
  readonly topic: string;
  readonly partition: number;
}

/** How many offsets one query compares, which bounds what the server sorts. */
const CHUNK = 4_000_000;

/**
 * The offsets from `from` (inclusive) to `end` (exclusive) that no entry of the ledger covers, ascending. Most are no loss:
 * markers of transactions and aborted records have no outcome.
 *
 * @param chunk how many offsets one query compares.
 */
export async function* ledgerHoles(
  client: ClickHouseClient,
  { topic, partition }: LedgerPartition,
  from: number,
  end: number,
  chunk = CHUNK,
): AsyncGenerator<OffsetRange> {
  let pending: { from: number; to: number } | undefined;
  for (let start = from; start < end; start += chunk) {
    const stop = Math.min(start + chunk, end);
    const result = await client.query({
      // The two bounds stand in as entries, so that a hole at either end is found as any other.
      query: `SELECT covered + 1 AS hole_from, from_offset - 1 AS hole_to FROM (
          SELECT from_offset, max(to_offset) OVER (ORDER BY from_offset, to_offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS covered
          FROM (
            SELECT toInt64(from_offset) AS from_offset, toInt64(to_offset) AS to_offset FROM ingest_ledger
            WHERE topic = {topic:String} AND partition = {partition:UInt32} AND from_offset < {stop:UInt64} AND to_offset >= {start:UInt64}
            UNION ALL SELECT toInt64(-1), toInt64({start:UInt64}) - 1
            UNION ALL SELECT toInt64({stop:UInt64}), toInt64({stop:UInt64})
          )
        ) WHERE from_offset > covered + 1 AND from_offset > toInt64({start:UInt64}) ORDER BY hole_from`,
      query_params: { topic, partition, start, stop },
      format: 'JSONEachRow',
    });
    for (const row of await result.json<{ hole_from: string; hole_to: string }>()) {
      const hole = { from: Number(row.hole_from), to: Number(row.hole_to) };
      if (pending?.to === hole.from - 1) pending.to = hole.to;
      else {
        if (pending !== undefined) yield pending;
        pending = hole;
      }
    }
  }
  if (pending !== undefined) yield pending;
}

/** What the ledger knows of a topic's partition. */
export interface LedgerTotals {
  readonly partition: number;
  /** The first offset that has an outcome. */
  readonly first: number;
  /** Records that became rows, repeats of batches included. */
  readonly rows: number;
  readonly dead: number;
  readonly erased: number;
}

export async function ledgerTotals(client: ClickHouseClient, topic: string): Promise<readonly LedgerTotals[]> {
  const result = await client.query({
    query: `SELECT partition, min(from_offset) AS first, sum(rows) AS rows, sum(dead) AS dead, sum(erased) AS erased
            FROM ingest_ledger FINAL WHERE topic = {topic:String} GROUP BY partition ORDER BY partition`,
    query_params: { topic },
    format: 'JSONEachRow',
  });
  const rows = await result.json<{ partition: number; first: string; rows: string; dead: string; erased: string }>();
  return rows.map(({ partition, first, rows: stored, dead, erased }) => ({
    partition,
    first: Number(first),
    rows: Number(stored),
    dead: Number(dead),
    erased: Number(erased),
  }));
}

/** A record's place in a topic. */
export interface Place {
  readonly partition: number;
  readonly offset: number;
}

/** Which of these records lie in a batch of which some became dead letters. */
export async function inBatchesWithDeadLetters(
  client: ClickHouseClient,
  topic: string,
  places: readonly Place[],
): Promise<readonly Place[]> {
  if (places.length === 0) return [];
  const result = await client.query({
    query: `SELECT DISTINCT place.1 AS at_partition, place.2 AS at_offset
            FROM (SELECT partition, from_offset, to_offset, arrayJoin(${tuples(places)}) AS place
                  FROM ingest_ledger WHERE topic = {topic:String} AND dead > 0)
            WHERE place.1 = partition AND place.2 BETWEEN from_offset AND to_offset`,
    query_params: { topic },
    format: 'JSONEachRow',
  });
  return (await result.json<{ at_partition: number; at_offset: string }>()).map((row) => ({
    partition: row.at_partition,
    offset: Number(row.at_offset),
  }));
}

/** As a literal of type Array(Tuple(UInt32, UInt64)): within the query, as a URL would be too short for parameters. */
export const tuples = (places: readonly Place[]): string =>
  `CAST([${places.map(({ partition, offset }) => `(${partition}, ${offset})`).join(', ')}] AS Array(Tuple(UInt32, UInt64)))`;
