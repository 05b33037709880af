import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';

/** What stands for an erased person: SHA-256 of the pseudonym's UTF-8 bytes, in hex. */
export const userHashOf = (userId: string): string => createHash('sha256').update(userId).digest('hex');

/** SQL: the row's person was erased. While nobody was, the server folds it to a constant and hashes nothing. */
export const IS_ERASED = isErased('erasures');

/** @param list the erasure list, where it is not that of this database. */
export function isErased(list: string): string {
  return `((SELECT count() FROM ${list}) > 0 AND SHA256(user_id) IN (SELECT user_hash FROM ${list}))`;
}

/** How far the clocks of two servers of a cluster may be apart, in seconds. */
const CLOCK_SKEW_SECONDS = 600;

/** The erasure list, as a process holds it: what is on it once stays on it. */
export class Erasures {
  private readonly hashes = new Set<string>();
  /** The server's time of the newest erasure known, in its own words. */
  private newest = '1970-01-01 00:00:00.000';

  constructor(private readonly client: ClickHouseClient) {}

  /** Takes in what was added since the last time. */
  async refresh(): Promise<void> {
    const result = await this.client.query({
      query: `SELECT lower(hex(user_hash)) AS hash, toString(erased_at) AS at FROM erasures
              WHERE erased_at >= toDateTime64({newest:String}, 3, 'UTC') - ${CLOCK_SKEW_SECONDS}`,
      query_params: { newest: this.newest },
      format: 'JSONEachRow',
    });
    for (const { hash, at } of await result.json<{ hash: string; at: string }>()) {
      this.hashes.add(hash);
      if (at > this.newest) this.newest = at;
    }
  }

  get isEmpty(): boolean {
    return this.hashes.size === 0;
  }

  has(userId: string): boolean {
    return !this.isEmpty && this.hashes.has(userHashOf(userId));
  }
}

/** Puts a person on the list: from now on nothing of theirs is stored or rolled. */
export async function recordErasure(client: ClickHouseClient, userHash: string): Promise<void> {
  await client.command({
    query: 'INSERT INTO erasures (user_hash) SELECT unhex({hash:String})',
    query_params: { hash: userHash },
  });
}

/** The tables that hold anything of a person. */
const PERSONAL_TABLES = [
  'usage_events',
  'usage_by_minute',
  'usage_by_hour',
  'usage_by_day_user',
  'usage_by_day_model',
  'session_minutes',
  'outcome_events',
  'outcomes_by_day',
  'attendance_by_day',
  'fair_play_signals',
  'fair_play_reviews',
  'people_choices',
  'access_log',
] as const;

/** Where pseudonyms stand besides, or instead of, user_id. */
const PSEUDONYMS: Readonly<Partial<Record<string, readonly string[]>>> = { access_log: ['user_id', 'reader'] };

/** SQL: somebody in the row was erased. */
const namesErased = (table: string): string =>
  (PSEUDONYMS[table] ?? ['user_id'])
    .map((column) => `SHA256(${column}) IN (SELECT user_hash FROM erasures)`)
    .join(' OR ');

/** How many rows each table still has of people who were erased. */
export async function erasedRows(
  client: ClickHouseClient,
  tables: readonly string[] = PERSONAL_TABLES,
): Promise<readonly { readonly table: string; readonly rows: number }[]> {
  const counts = tables.map(
    (table) =>
      `SELECT '${table}' AS table, count() AS rows FROM ${table}
       WHERE (SELECT count() FROM erasures) > 0 AND (${namesErased(table)})`,
  );
  const result = await client.query({ query: counts.join(' UNION ALL '), format: 'JSONEachRow' });
  return (await result.json<{ table: string; rows: string }>())
    .map(({ table, rows }) => ({ table, rows: Number(rows) }))
    .filter(({ rows }) => rows > 0);
}

const MUTATION_POLL_MS = 100;

/**
 * Deletes the rows of erased people from a table, for good: the parts are written anew, and the old ones go when no query
 * reads them any more (old_parts_lifetime, 8 minutes). Resolves when that is done, which takes as long as reading the table.
 * The statement names nobody, as ClickHouse keeps it in system.mutations.
 */
export async function deleteErased(client: ClickHouseClient, table: string): Promise<void> {
  await client.command({
    query: `ALTER TABLE ${table} DELETE WHERE ${namesErased(table)}`,
    clickhouse_settings: { mutations_sync: '0' },
  });
  for (;;) {
    const result = await client.query({
      query: `SELECT latest_fail_reason AS failure FROM system.mutations
              WHERE database = currentDatabase() AND table = {table:String} AND NOT is_done`,
      query_params: { table },
      format: 'JSONEachRow',
    });
    const waiting = await result.json<{ failure: string }>();
    if (waiting.length === 0) return;
    const failure = waiting.find((one) => one.failure !== '')?.failure;
    if (failure !== undefined) throw new Error(`${table} could not be rewritten: ${failure}`);
    await sleep(MUTATION_POLL_MS);
  }
}

/**
 * Deletes what there still is of anybody who was erased.
 *
 * @returns how many rows, by table.
 */
export async function sweepErased(
  client: ClickHouseClient,
  tables: readonly string[] = PERSONAL_TABLES,
): Promise<ReadonlyMap<string, number>> {
  const deleted = new Map<string, number>();
  for (const { table, rows } of await erasedRows(client, tables)) {
    await deleteErased(client, table);
    deleted.set(table, rows);
  }
  return deleted;
}

/** What is to be rolled again of one UTC day. */
export interface TouchedDay {
  /** Days since the epoch, UTC. */
  readonly day: number;
  /** Of usage: 0 to 1439, ascending. */
  readonly minutes: readonly number[];
  /** Whether the day's outcomes are. */
  readonly outcomes: boolean;
}

/** By table, where a person's rows lie: of usage by minutes, of outcomes by days. */
const PLACES = [
  ['toStartOfMinute(occurred_at)', 'usage_events'],
  ['minute', 'usage_by_minute'],
  ['hour', 'usage_by_hour'],
  ['hour', 'session_minutes'],
  ["toDateTime(day, 'UTC')", 'usage_by_day_user'],
  ["toDateTime(day, 'UTC')", 'usage_by_day_model'],
  ["toDateTime(day, 'UTC')", 'attendance_by_day'],
  ['toStartOfDay(occurred_at)', 'outcome_events'],
  ["toDateTime(day, 'UTC')", 'outcomes_by_day'],
] as const;

/**
 * SQL: of all rows of events and rolls that a condition holds for, the days that they lie in, ascending, as `TouchedDay`; one minute stands
 * for a rolled hour or day.
 */
export function touchedDaysWhere(condition: string): string {
  const places = PLACES.map(
    ([minute, table]) =>
      `SELECT ${minute} AS minute, ${table.startsWith('outcome') ? 'true' : 'false'} AS is_outcome FROM ${table} WHERE ${condition}`,
  );
  return `SELECT toUInt32(toRelativeDayNum(minute)) AS day,
            arraySort(groupUniqArrayIf(toUInt32(toHour(minute) * 60 + toMinute(minute)), NOT is_outcome)) AS minutes,
            max(is_outcome) AS outcomes
          FROM (${places.join(' UNION DISTINCT ')}) GROUP BY day ORDER BY day`;
}

/** Where a person's events and rolls lie. Days ascending. */
export async function daysOfUser(client: ClickHouseClient, userId: string): Promise<readonly TouchedDay[]> {
  const result = await client.query({
    query: touchedDaysWhere('user_id = {user:String}'),
    query_params: { user: userId },
    format: 'JSONEachRow',
  });
  return result.json<TouchedDay>();
}
