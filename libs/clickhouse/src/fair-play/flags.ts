import type { ClickHouseClient } from '@clickhouse/client';
import type { Signal, SignalEvidence, SignalId } from '@laurel/fair-play';
import { dayKey, parseDayKey, type Day } from '@laurel/usage';
import { TOTAL } from '../sql.js';

/** Which of the signals are asked for; all where nothing is said. */
export interface FlagSelection {
  /** UTC days, both included. */
  readonly first: Day;
  readonly last: Day;
  readonly userId?: string;
  readonly signals?: readonly SignalId[];
  /** The newest so many. */
  readonly limit?: number;
}

/** What was found of a person's day, and by whoever looked into it. */
export interface Flag extends Signal {
  /** null where nobody has; the latest one's. */
  readonly review: Review | null;
}

/** What came of looking into a day that stands out. */
export interface Review {
  /** Whether the day counts for titles whose rules leave such days out. */
  readonly counts: boolean;
  readonly reason: string;
}

/** What was found of closed days; the newest first, then by person and signal. */
export async function readFlags(
  client: ClickHouseClient,
  { first, last, userId, signals, limit }: FlagSelection,
): Promise<readonly Flag[]> {
  const result = await client.query({
    query: `SELECT toString(day) AS day_key, user_id, signal, evidence, is_reviewed, counts, reason FROM fair_play_flags
            LEFT JOIN (SELECT day, user_id, signal, reason, true AS is_reviewed FROM fair_play_reviews FINAL) AS reviews USING (day, user_id, signal)
            WHERE day BETWEEN {first:Date} AND {last:Date}
              ${userId === undefined ? '' : 'AND user_id = {user:String}'}
              ${signals === undefined ? '' : 'AND signal IN {signals:Array(String)}'}
            ORDER BY day DESC, user_id, signal ${limit === undefined ? '' : 'LIMIT {limit:UInt32}'}`,
    query_params: {
      first: dayKey(first),
      last: dayKey(last),
      user: userId ?? '',
      signals: signals ?? [],
      limit: limit ?? 0,
    },
    format: 'JSONEachRow',
  });
  const rows = await result.json<{
    day_key: string;
    user_id: string;
    signal: SignalId;
    evidence: SignalEvidence;
    is_reviewed: boolean;
    counts: boolean;
    reason: string;
  }>();
  return rows.map(({ day_key, user_id, signal, evidence, is_reviewed, counts, reason }) => ({
    userId: user_id,
    day: parseDayKey(day_key) as Day,
    signal,
    evidence,
    review: is_reviewed ? { counts, reason } : null,
  }));
}

/** Writes what came of looking into some flags; it stands until there is another one of the same. */
export async function writeReview(
  client: ClickHouseClient,
  flags: readonly Signal[],
  { counts, reason }: Review,
): Promise<void> {
  await client.insert({
    table: 'fair_play_reviews',
    format: 'JSONEachRow',
    values: flags.map(({ userId, day, signal }) => ({ day: dayKey(day), user_id: userId, signal, counts, reason })),
  });
}

/** How much some signals flag, but for what counts by a review. */
export interface FlaggedUsage {
  /** Days of people with at least one of the signals. */
  readonly personDays: number;
  readonly people: number;
  /** Counted ones of those days. */
  readonly tokens: bigint;
  /** Days of people with a signal, by signal; those without any are left out. */
  readonly bySignal: Readonly<Partial<Record<SignalId, number>>>;
}

/** @param first a UTC day, as `last`; both are included. */
export async function flaggedUsage(
  client: ClickHouseClient,
  signals: readonly SignalId[],
  first: Day,
  last: Day,
): Promise<FlaggedUsage> {
  const flagged = `FROM fair_play_flags WHERE signal IN {signals:Array(String)} AND NOT counts AND day BETWEEN {first:Date} AND {last:Date}`;
  const result = await client.query({
    query: `SELECT toUInt32(uniqExact(day, user_id)) AS person_days, toUInt32(uniqExact(user_id)) AS people,
        (SELECT toString(sum(${TOTAL})) FROM usage_by_day
         WHERE counted AND day BETWEEN {first:Date} AND {last:Date} AND (day, user_id) IN (SELECT day, user_id ${flagged})) AS tokens,
        (SELECT groupArray((signal, days)) FROM (SELECT signal, toUInt32(count()) AS days ${flagged} GROUP BY signal ORDER BY signal)) AS by_signal
      ${flagged}`,
    query_params: { signals, first: dayKey(first), last: dayKey(last) },
    format: 'JSONEachRow',
  });
  const [row] = await result.json<{
    person_days: number;
    people: number;
    tokens: string;
    by_signal: readonly [SignalId, number][];
  }>();
  return {
    personDays: row?.person_days ?? 0,
    people: row?.people ?? 0,
    tokens: BigInt(row?.tokens ?? '0'),
    bySignal: Object.fromEntries(row?.by_signal ?? []),
  };
}
