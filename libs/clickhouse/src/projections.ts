import type { ClickHouseClient } from '@clickhouse/client';
import { IS_ERASED } from './erasures.js';
import { COST_COLUMNS, COST_MEASURES, PRICED, pricesOn, ROLLED_COSTS } from './prices/roll-costs.js';
import { TOTAL } from './sql.js';

/** Bucket starts are whole seconds since the epoch (UTC), as ClickHouse's DateTime holds them. */
export type BucketStart = number;
/** `outcome_day`: the outcomes of a UTC day, which have heads of their own. */
export type Grain = 'minute' | 'hour' | 'day' | 'outcome_day';

export const SECONDS_PER: Readonly<Record<Grain, number>> = {
  minute: 60,
  hour: 3600,
  day: 86_400,
  outcome_day: 86_400,
};

/** Where rolls of usage and outcomes lie, and the start of a row's bucket as SQL. */
export const USAGE_TABLES: readonly { readonly table: string; readonly grain: Grain; readonly bucket: string }[] = [
  { table: 'usage_by_minute', grain: 'minute', bucket: 'minute' },
  { table: 'usage_by_hour', grain: 'hour', bucket: 'hour' },
  { table: 'session_minutes', grain: 'hour', bucket: 'hour' },
  { table: 'usage_by_day_user', grain: 'day', bucket: "toDateTime(day, 'UTC')" },
  { table: 'usage_by_day_model', grain: 'day', bucket: "toDateTime(day, 'UTC')" },
  { table: 'attendance_by_day', grain: 'day', bucket: "toDateTime(day, 'UTC')" },
  { table: 'outcomes_by_day', grain: 'outcome_day', bucket: "toDateTime(day, 'UTC')" },
];

/** A statement and its parameters as a value, so that it can be tested, logged and explained. */
export interface Statement {
  readonly query: string;
  readonly query_params: Readonly<Record<string, unknown>>;
}

const EVENT_MEASURES = `
  count() AS events,
  sum(input_tokens), sum(cache_read_tokens), sum(cache_write_5m_tokens), sum(cache_write_1h_tokens),
  sum(cache_write_tokens), sum(output_tokens), sum(reasoning_tokens), sum(ifNull(cost_micro_usd, 0)),
  ${COST_MEASURES}`;

const ROLL_MEASURES = `
  sum(events), sum(input_tokens), sum(cache_read_tokens), sum(cache_write_5m_tokens), sum(cache_write_1h_tokens),
  sum(cache_write_tokens), sum(output_tokens), sum(reasoning_tokens), sum(cost_micro_usd),
  ${ROLLED_COSTS}`;

const MEASURE_COLUMNS = `events, input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens,
  cache_write_tokens, output_tokens, reasoning_tokens, cost_micro_usd, ${COST_COLUMNS}`;

/** What titles count; the views of 0003 and 0008 say the same. */
export const COUNTED = "status = 'ok' AND origin IN ('main', 'subagent')";

/** Identities never cross a day, and a day is a partition, so FINAL need not merge across partitions. */
const FINAL_SETTINGS = 'SETTINGS do_not_merge_across_partitions_select_final = 1';

/** `[start, end)` ranges that cover the buckets, neighbours joined. Buckets ascending. */
export function rangesOf(buckets: readonly BucketStart[], width: number): readonly (readonly [number, number])[] {
  const ranges: [number, number][] = [];
  for (const start of buckets) {
    const last = ranges.at(-1);
    if (last?.[1] === start) last[1] = start + width;
    else ranges.push([start, start + width]);
  }
  return ranges;
}

/** In terms of the table's first key column, so that only these minutes are read. */
function eventsWithin(buckets: readonly BucketStart[], grain: Grain): string {
  const ranges = rangesOf(buckets, SECONDS_PER[grain]).map(
    ([from, to]) =>
      `(toStartOfMinute(occurred_at) >= toDateTime(${from}, 'UTC') AND toStartOfMinute(occurred_at) < toDateTime(${to}, 'UTC'))`,
  );
  const days = [...new Set(buckets.map((bucket) => Math.floor(bucket / SECONDS_PER.day)))];
  return `toDate(occurred_at) IN (${days.map((day) => `toDate(${day})`).join(', ')}) AND (${ranges.join(' OR ')})`;
}

const dayOf = ([first = 0]: readonly BucketStart[]): number => Math.floor(first / SECONDS_PER.day);

/** Recomputes whole minutes from the log, but for erased people, as every roll does. `minutes` ascending, at least one, of one day. */
export function rollMinutes(minutes: readonly BucketStart[], rollId: bigint): readonly Statement[] {
  return [
    {
      query: `INSERT INTO usage_by_minute (minute, roll_id, user_id, session_id, provider, model, team, origin, status, ${MEASURE_COLUMNS})
        WITH ${PRICED}
        SELECT toStartOfMinute(occurred_at) AS minute, {roll:UInt128} AS roll_id,
          user_id, session_id, provider, model, team, origin, status, ${EVENT_MEASURES}
        FROM usage_events AS e FINAL ${pricesOn(dayOf(minutes))}
        WHERE ${eventsWithin(minutes, 'minute')} AND NOT retracted
        GROUP BY minute, user_id, session_id, provider, model, team, origin, status
        HAVING NOT ${IS_ERASED}
        ${FINAL_SETTINGS}`,
      query_params: { roll: String(rollId) },
    },
  ];
}

/**
 * Recomputes whole hours, and the minutes that sessions were active in, from the log; with those outside of any session, whose id
 * is ''. `hours` ascending, of one day.
 *
 * @param log the table to compute from, where it is not this database's own.
 */
export function rollHours(hours: readonly BucketStart[], rollId: bigint, log = 'usage_events'): readonly Statement[] {
  const query_params = { roll: String(rollId) };
  return [
    {
      query: `INSERT INTO usage_by_hour (hour, roll_id, user_id, provider, model, team, origin, status, ${MEASURE_COLUMNS})
        WITH ${PRICED}
        SELECT toStartOfHour(occurred_at) AS hour, {roll:UInt128} AS roll_id,
          user_id, provider, model, team, origin, status, ${EVENT_MEASURES}
        FROM ${log} AS e FINAL ${pricesOn(dayOf(hours))}
        WHERE ${eventsWithin(hours, 'hour')} AND NOT retracted
        GROUP BY hour, user_id, provider, model, team, origin, status
        HAVING NOT ${IS_ERASED}
        ${FINAL_SETTINGS}`,
      query_params,
    },
    {
      query: `INSERT INTO session_minutes (hour, roll_id, user_id, session_id, active_minutes)
        SELECT toStartOfHour(occurred_at) AS hour, {roll:UInt128} AS roll_id, user_id, session_id,
          groupBitOr(if(origin = 'main', bitShiftLeft(toUInt64(1), toMinute(occurred_at)), 0))
        FROM ${log} FINAL
        WHERE ${eventsWithin(hours, 'hour')} AND NOT retracted AND ${COUNTED}
        GROUP BY hour, user_id, session_id
        HAVING NOT ${IS_ERASED}
        ${FINAL_SETTINGS}`,
      query_params,
    },
  ];
}

/**
 * Recomputes one day from the heads of its hours: sums of sums, so equal to a sum over the log. It reads them as the
 * views do, through `hour_rolls`, so that the snapshot of the rows is taken after the heads.
 */
export function rollDay(day: BucketStart, rollId: bigint): readonly Statement[] {
  const query_params = { roll: String(rollId) };
  const ofDay = `hour >= toDateTime(${day}, 'UTC') AND hour < toDateTime(${day + SECONDS_PER.day}, 'UTC')`;
  const isHead = `(hour, roll_id) IN (
            SELECT bucket, max(roll_id) FROM roll_heads
            WHERE grain = 'hour' AND bucket >= toDateTime(${day}, 'UTC') AND bucket < toDateTime(${day + SECONDS_PER.day}, 'UTC')
            GROUP BY bucket)`;
  const source = `FROM hour_rolls WHERE ${ofDay} AND ${isHead}`;
  return [
    {
      query: `INSERT INTO usage_by_day_user (day, roll_id, user_id, team, counted, ${MEASURE_COLUMNS})
        SELECT toDate(hour) AS day, {roll:UInt128} AS new_roll, user_id, team, ${COUNTED} AS counted, ${ROLL_MEASURES}
        ${source}
        GROUP BY day, user_id, team, counted`,
      query_params,
    },
    {
      query: `INSERT INTO usage_by_day_model (day, roll_id, user_id, provider, model, counted, ${MEASURE_COLUMNS})
        SELECT toDate(hour) AS day, {roll:UInt128} AS new_roll, user_id, provider, model, ${COUNTED} AS counted, ${ROLL_MEASURES}
        ${source}
        GROUP BY day, user_id, provider, model, counted`,
      query_params,
    },
    {
      query: `INSERT INTO attendance_by_day
          (day, roll_id, user_id, hours, tokens, own_minutes, session_ids, session_hours, session_active_minutes)
        SELECT toDate(${day / SECONDS_PER.day}) AS day, {roll:UInt128} AS new_roll, user_id, arrayMap(one -> one.1, attended) AS hours,
          arrayMap(one -> one.2, attended) AS tokens, arrayMap(one -> one.3, attended) AS own_minutes,
          arrayMap(one -> one.1, sessions) AS session_ids, arrayMap(one -> one.2, sessions) AS session_hours,
          arrayMap(one -> one.3, sessions) AS session_active_minutes
        FROM (
          SELECT user_id, arraySort(groupArray((hour_of_day, hour_tokens, toUInt8(bitCount(minutes))))) AS attended,
            arraySort(groupArrayArray(arrayMap(one -> (one.1, hour_of_day, one.2), of_hour))) AS sessions
          FROM (
            SELECT toUInt8(toHour(hour)) AS hour_of_day, user_id, sum(own_tokens) AS hour_tokens, groupBitOr(own_minutes) AS minutes,
              groupArrayIf((session_id, own_minutes), session_id != '') AS of_hour
            FROM (
              SELECT hour, roll_id, user_id, '' AS session_id, ${TOTAL} AS own_tokens, toUInt64(0) AS own_minutes FROM hour_rolls WHERE ${ofDay} AND ${COUNTED}
              UNION ALL
              SELECT hour, roll_id, user_id, session_id, toUInt64(0) AS own_tokens, active_minutes AS own_minutes FROM session_rolls WHERE ${ofDay}
            )
            WHERE ${isHead}
            GROUP BY hour, user_id
          )
          GROUP BY user_id
        )`,
      query_params,
    },
  ];
}

/**
 * Recomputes the outcomes of one whole day from their log, but for erased people, as every roll does.
 *
 * @param log the table to compute from, where it is not this database's own.
 */
export function rollOutcomes(day: BucketStart, rollId: bigint, log = 'outcome_events'): readonly Statement[] {
  return [
    {
      query: `INSERT INTO outcomes_by_day (day, roll_id, user_id, team, kind, events, quantity)
        SELECT toDate(occurred_at) AS day, {roll:UInt128} AS roll_id, user_id, team, kind, count(), sum(quantity)
        FROM ${log} FINAL
        WHERE toDate(occurred_at) = toDate(${day / SECONDS_PER.day}) AND NOT retracted
        GROUP BY day, user_id, team, kind
        HAVING NOT ${IS_ERASED}
        ${FINAL_SETTINGS}`,
      query_params: { roll: String(rollId) },
    },
  ];
}

/** The epoch of roll ids: raised only when usage.stored.v1 is replaced by a new topic. */
export const ROLL_EPOCH = 0n;

/**
 * A roll id that compares as (epoch, offset, time of the attempt).
 *
 * @param offset the last announcement on usage.stored.v1 that the roll covers; -1 for none.
 * @param random below 2^20, so that two attempts in one millisecond differ.
 */
export function rollIdOf(offset: number, attemptMs: number, random: number): bigint {
  return (ROLL_EPOCH << 112n) | (BigInt(offset + 1) << 64n) | (BigInt(attemptMs) << 20n) | BigInt(random);
}

/** The offset that a roll id was made with. */
export const offsetOfRoll = (rollId: bigint): number => Number((rollId >> 64n) & 0xffff_ffff_ffffn) - 1;

/** Makes a roll the head of its buckets, unless one that knows more is there. Only after the roll is complete. */
export async function writeHeads(
  client: ClickHouseClient,
  grain: Grain,
  buckets: readonly BucketStart[],
  rollId: bigint,
): Promise<void> {
  await client.insert({
    table: 'roll_heads',
    format: 'JSONEachRow',
    values: buckets.map((bucket) => ({ grain, bucket, roll_id: String(rollId) })),
  });
}

export async function runAll(client: ClickHouseClient, statements: readonly Statement[]): Promise<void> {
  for (const { query, query_params } of statements) await client.command({ query, query_params });
}

/** `closed_before` of each grain; 0 while nothing was ever closed. */
export interface Closures {
  readonly hour: BucketStart;
  readonly day: BucketStart;
}

export async function readClosures(client: ClickHouseClient): Promise<Closures> {
  const result = await client.query({
    query: `SELECT toUnixTimestamp(maxIf(closed_before, grain = 'hour')) AS hour,
                   toUnixTimestamp(maxIf(closed_before, grain = 'day')) AS day FROM closures`,
    format: 'JSONEachRow',
  });
  const [row] = await result.json<{ hour: number; day: number }>();
  return row ?? { hour: 0, day: 0 };
}

/** The server's time in ms since the epoch. */
export async function serverNowMs(client: ClickHouseClient): Promise<number> {
  const result = await client.query({
    query: 'SELECT toUnixTimestamp64Milli(now64(3)) AS now',
    format: 'JSONEachRow',
  });
  const [row] = await result.json<{ now: string }>();
  return Number(row?.now);
}

/** Raises `closed_before`; a lower value than the present one changes nothing. */
export async function writeClosure(
  client: ClickHouseClient,
  grain: 'hour' | 'day',
  closedBefore: BucketStart,
): Promise<void> {
  await client.insert({ table: 'closures', format: 'JSONEachRow', values: [{ grain, closed_before: closedBefore }] });
}

/**
 * Closes what is over where nothing was ever closed, else does nothing. In one statement and by the server's clock, so that
 * two who begin at once agree.
 */
export async function writeFirstClosures(client: ClickHouseClient, hourCloseDelayMs: number): Promise<void> {
  await client.command({
    query: `INSERT INTO closures (grain, closed_before)
      WITH now('UTC') - {delay:UInt32} AS open
      SELECT grain, closed_before FROM (
        SELECT 'day' AS grain, toStartOfDay(open) AS closed_before UNION ALL SELECT 'hour', toStartOfHour(open)
      )
      WHERE (SELECT count() FROM closures) = 0`,
    query_params: { delay: Math.round(hourCloseDelayMs / 1000) },
  });
}

/** The greatest announcement offset that any head of these days rests on; -1 for none. */
export async function greatestHeadOffset(client: ClickHouseClient, days: readonly BucketStart[]): Promise<number> {
  if (days.length === 0) return -1;
  const result = await client.query({
    query: `SELECT toString(max(roll_id)) AS roll FROM roll_heads WHERE toDate(bucket) IN (${days.map((d) => `toDate(${d / SECONDS_PER.day})`).join(', ')})`,
    format: 'JSONEachRow',
  });
  const [row] = await result.json<{ roll: string }>();
  return offsetOfRoll(BigInt(row?.roll ?? '0'));
}

/** Every day that has a head. */
export async function daysWithHeads(client: ClickHouseClient): Promise<readonly BucketStart[]> {
  const result = await client.query({
    query: 'SELECT DISTINCT toUnixTimestamp(toStartOfDay(bucket)) AS day FROM roll_heads',
    format: 'JSONEachRow',
  });
  return (await result.json<{ day: number }>()).map(({ day }) => day);
}
