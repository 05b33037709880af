import type { ClickHouseClient } from '@clickhouse/client';
import { PART_BUCKET, PART_HEADS } from './fair-play/signal-heads.js';
import { USAGE_TABLES, type BucketStart, type Grain } from './projections.js';

/** SQL: `bucket` and `head`, the roll that readers take of it. */
const headsOf = (grain: Grain): string =>
  `SELECT bucket, max(roll_id) AS head FROM roll_heads WHERE grain = '${grain}' GROUP BY bucket`;

const ROLLED_TABLES = [
  ...USAGE_TABLES.map(({ table, bucket, grain }) => ({ table, bucket, heads: headsOf(grain) })),
  { table: 'fair_play_signals', bucket: PART_BUCKET, heads: PART_HEADS },
];

/** The rows of one table that one roll wrote for one bucket, as SQL's tuple (start, roll_id). */
type HeadlessRoll = string;

/**
 * Either below the head of its bucket, for good: it may have been the head before. Or beyond it: it has never been the head,
 * and becomes it if its attempt is still under way.
 */
type Place = 'below' | 'beyond';

/** By table, the rolls of buckets that are not their head. */
export type HeadlessRolls = ReadonlyMap<string, ReadonlyMap<HeadlessRoll, Place>>;

/** Rolls that no reader who begins now would take. */
export async function headlessRolls(client: ClickHouseClient): Promise<HeadlessRolls> {
  const found = new Map<string, ReadonlyMap<HeadlessRoll, Place>>();
  for (const { table, bucket, heads } of ROLLED_TABLES) {
    const result = await client.query({
      query: `SELECT toUnixTimestamp(bucket) AS start, toString(roll_id) AS roll, if(roll_id < ifNull(head, 0), 'below', 'beyond') AS place
        FROM (SELECT DISTINCT ${bucket} AS bucket, roll_id FROM ${table}) AS rolls
        LEFT JOIN (${heads}) AS heads USING bucket
        WHERE roll_id != ifNull(head, 0)`,
      format: 'JSONEachRow',
    });
    const rolls = await result.json<{ start: number; roll: string; place: Place }>();
    found.set(table, new Map(rolls.map(({ start, roll, place }) => [`(${start}, toUInt128('${roll}'))`, place])));
  }
  return found;
}

/** Below the server's bound of a statement's length (max_query_size, 256 KiB). */
const ROLLS_A_STATEMENT = 1000;

/**
 * Deletes rolls. That none of them is a head is asked again, in the statement itself. A table is left alone while an earlier
 * deletion from it is under way, which a request that ran out of time leaves behind: they would pile up, and each rewrites parts anew.
 */
export async function deleteRolls(client: ClickHouseClient, rolls: HeadlessRolls): Promise<void> {
  const busy = await tablesWithDeletions(client);
  for (const { table, bucket, heads } of ROLLED_TABLES) {
    const all = busy.has(table) ? [] : [...(rolls.get(table)?.keys() ?? [])];
    for (let from = 0; from < all.length; from += ROLLS_A_STATEMENT) {
      const some = all.slice(from, from + ROLLS_A_STATEMENT);
      await client.command({
        query: `DELETE FROM ${table}
          WHERE (toUnixTimestamp(${bucket}), roll_id) IN (${some.join(', ')})
            AND (${bucket}, roll_id) NOT IN (SELECT bucket, head FROM (${heads}))`,
      });
    }
  }
}

async function tablesWithDeletions(client: ClickHouseClient): Promise<ReadonlySet<string>> {
  const result = await client.query({
    query: 'SELECT DISTINCT table FROM system.mutations WHERE database = currentDatabase() AND NOT is_done',
    format: 'JSONEachRow',
  });
  return new Set((await result.json<{ table: string }>()).map(({ table }) => table));
}

/**
 * Drops the minutes of hours that were closed before `hour`, and their heads; only long after, as a reader may still hold the
 * old boundary.
 *
 * @returns how many partitions, which are hours, were dropped.
 */
export async function dropMinutesBefore(client: ClickHouseClient, hour: BucketStart): Promise<number> {
  const result = await client.query({
    query: `SELECT DISTINCT partition_id AS id FROM system.parts
      WHERE database = currentDatabase() AND table = 'usage_by_minute' AND active AND max_time < toDateTime(${hour}, 'UTC')`,
    format: 'JSONEachRow',
  });
  const partitions = await result.json<{ id: string }>();
  for (const { id } of partitions) {
    await client.command({ query: 'ALTER TABLE usage_by_minute DROP PARTITION ID {id:String}', query_params: { id } });
  }
  if (partitions.length > 0) {
    await client.command({
      query: `DELETE FROM roll_heads WHERE grain = 'minute' AND bucket < toDateTime(${hour}, 'UTC')`,
    });
  }
  return partitions.length;
}

/** What a sweep saw, and when by a clock that is never set. */
interface Sight {
  readonly atMs: number;
  readonly closedHour: BucketStart;
  readonly rolls: HeadlessRolls;
}

/**
 * Deletes what nobody reads any more. Nothing of it rests on the time of day, which may be set: only what a sweep saw without
 * a head long ago, and in the same place, goes. What was below the head then has not been the head since, and whoever read
 * it as that is done. What was beyond it and still is has never been the head, and its attempt is over. But what was beyond
 * it then and is below it now may have been the head until a moment ago.
 */
export class Sweeper {
  private sights: Sight[] = [];

  /**
   * @param longAgoMs well beyond any attempt's deadline and any reader's query, in ms.
   */
  constructor(
    private readonly client: ClickHouseClient,
    private readonly longAgoMs: number,
  ) {}

  /** @param clock one that is never set, such as performance.now; in ms. */
  async sweep(clock: () => number, closedHour: BucketStart): Promise<void> {
    const rolls = await headlessRolls(this.client);
    // Dated when it is over: whatever it saw was there before, so a sight is never taken for older than it is.
    const nowMs = clock();
    const old = this.sights.findLast((sight) => nowMs - sight.atMs >= this.longAgoMs);
    if (old !== undefined) {
      await deleteRolls(this.client, inBoth(old.rolls, rolls));
      await dropMinutesBefore(this.client, Math.min(old.closedHour, closedHour));
      this.sights = this.sights.filter((sight) => sight.atMs >= old.atMs);
    }
    this.sights.push({ atMs: nowMs, closedHour, rolls });
  }
}

/** In the same place. */
const inBoth = (one: HeadlessRolls, other: HeadlessRolls): HeadlessRolls =>
  new Map(
    [...one].map(([table, rolls]) => [
      table,
      new Map([...rolls].filter(([roll, place]) => other.get(table)?.get(roll) === place)),
    ]),
  );
