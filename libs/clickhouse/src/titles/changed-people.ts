import type { ClickHouseClient } from '@clickhouse/client';
import type { FiguresBasis } from '../figures-version.js';
import { USAGE_TABLES, type BucketStart, type Grain } from '../projections.js';

/** A bucket whose roll is another one than before. */
interface ChangedBucket {
  readonly grain: Grain;
  readonly start: BucketStart;
  /** '0' where it had none, which no roll is called. */
  readonly before: string;
  readonly now: string;
}

/** Who has other figures than before, and from which time on. */
export interface ChangedPeople {
  readonly users: ReadonlySet<string>;
  /** The start of the first bucket in which anybody's changed, in ms since the epoch; Infinity where nobody's did. */
  readonly sinceMs: number;
}

/** More is everything. */
const MOST_BUCKETS = 2000;

/**
 * Everybody any of whose rows are others than they were, as two rolls of a bucket say who are compared row by row.
 *
 * The rolls of `before` have to be there still: the sweep leaves them alone for a quarter of an hour.
 *
 * @returns undefined where that can't be told from rolls: something else has changed on which figures rest.
 */
export async function changedPeople(
  client: ClickHouseClient,
  before: FiguresBasis,
  now: FiguresBasis,
): Promise<ChangedPeople | undefined> {
  if (before.beside !== now.beside) return undefined;
  const buckets = changedBuckets(before.heads, now.heads);
  if (buckets === undefined || buckets.length > MOST_BUCKETS) return undefined;
  const users = new Set<string>();
  await Promise.all(
    USAGE_TABLES.map(async ({ table, grain, bucket }) => {
      const own = buckets.filter((one) => one.grain === grain);
      if (own.length === 0) return;
      const result = await client.query({ query: differing(table, bucket, own), format: 'JSONCompactEachRow' });
      for (const [userId] of await result.json<[string]>()) users.add(userId);
    }),
  );
  return { users, sinceMs: Math.min(...buckets.map(({ start }) => start * 1000)) };
}

/** undefined where one has no roll any more, but for minutes, which go some time after their hour was closed. */
function changedBuckets(
  before: FiguresBasis['heads'],
  now: FiguresBasis['heads'],
): readonly ChangedBucket[] | undefined {
  for (const key of before.keys()) if (!now.has(key) && !key.startsWith('minute ')) return undefined;
  const changed: ChangedBucket[] = [];
  for (const [key, roll] of now) {
    const old = before.get(key) ?? '0';
    const [grain, start] = key.split(' ');
    if (old !== roll) changed.push({ grain: grain as Grain, start: Number(start), before: old, now: roll });
  }
  return changed;
}

/** SQL: whose rows of some buckets are not the same in both rolls. A roll has no row twice. */
function differing(table: string, bucket: string, buckets: readonly ChangedBucket[]): string {
  const rolls = (which: 'before' | 'now'): string =>
    buckets.map((one) => `(toDateTime(${one.start}, 'UTC'), toUInt128('${one[which]}'))`).join(', ');
  return `
    SELECT DISTINCT user_id FROM (
      SELECT ${bucket} AS start, user_id, (start, roll_id) IN (${rolls('now')}) AS is_now, cityHash64(* EXCEPT roll_id) AS content
      FROM ${table} WHERE (${bucket}, roll_id) IN (${rolls('before')}, ${rolls('now')})
    )
    GROUP BY start, user_id
    HAVING sumIf(content, is_now) != sumIf(content, NOT is_now)`;
}
