import { TupleParam, type ClickHouseClient } from '@clickhouse/client';
import type { OutcomeKind } from '@laurel/events';
import type { DayOutcomes, MetricOf, PersonBefore, TitleRule } from '@laurel/titles';
import { dayKey, parseDayKey, type Day, type Window } from '@laurel/usage';
import { activeDaysIn, mediansOfTokensPerPoint } from './outcome-metrics.js';
import { TOTAL } from '../sql.js';
import { leftOutParams, lookedAt, windowParams } from './window-sql.js';

type FairPlay = Pick<TitleRule, 'fair_play'>;
type OfUser<T> = ReadonlyMap<string, T>;

/** What came of these people's active days in the window, by UTC day and kind. */
export async function outcomesOf(
  client: ClickHouseClient,
  users: readonly string[],
  window: Window,
  asked: FairPlay,
): Promise<OfUser<readonly DayOutcomes[]>> {
  const result = await client.query({
    query: `SELECT user_id, toString(o.day) AS day_key, kind, sum(o.quantity) AS quantity FROM outcomes AS o
            WHERE o.day BETWEEN {first_day:Date} AND {last_day:Date} AND user_id IN {users:Array(String)}
              AND (user_id, o.day) IN (${activeDaysIn(lookedAt(asked).days)} AND user_id IN {users:Array(String)})
            GROUP BY user_id, day_key, kind`,
    query_params: { ...windowParams(window), ...leftOutParams(asked), users },
    format: 'JSONEachRow',
  });
  const all = new Map<string, DayOutcomes[]>();
  for (const row of await result.json<{ user_id: string; day_key: string; kind: OutcomeKind; quantity: string }>()) {
    const day = parseDayKey(row.day_key);
    if (day === undefined) throw new Error(`ClickHouse returned the day ${row.day_key}`);
    const own = all.get(row.user_id) ?? [];
    own.push({ day, kind: row.kind, quantity: BigInt(row.quantity) });
    all.set(row.user_id, own);
  }
  return all;
}

/** What those of these people who have counted usage in the days before a window have there. */
export async function beforeOf(
  client: ClickHouseClient,
  users: readonly string[],
  before: Window,
  asked: FairPlay,
): Promise<OfUser<PersonBefore>> {
  const [usage, outcomes] = await Promise.all([
    client.query({
      query: `SELECT user_id, sum(${TOTAL}) AS tokens FROM usage_by_day
              WHERE counted AND ${lookedAt(asked).days} AND user_id IN {users:Array(String)} GROUP BY user_id`,
      query_params: { ...windowParams(before), ...leftOutParams(asked), users },
      format: 'JSONEachRow',
    }),
    outcomesOf(client, users, before, asked),
  ]);
  const rows = await usage.json<{ user_id: string; tokens: string }>();
  return new Map(
    rows.map(({ user_id: userId, tokens }) => [
      userId,
      { tokens: BigInt(tokens), outcomes: outcomes.get(userId) ?? [] },
    ]),
  );
}

/** The median of everybody's tokens for each point over these days; null where nobody has enough of them. */
export async function medianOf(
  client: ClickHouseClient,
  metric: MetricOf<'thrift_gain'>,
  before: Window,
  rule: FairPlay,
): Promise<number | null> {
  return (await mediansOf(client, metric, [before], rule))[0] ?? null;
}

/** The same of each of these windows, in their order. */
export async function mediansOf(
  client: ClickHouseClient,
  metric: MetricOf<'thrift_gain'>,
  windows: readonly Pick<Window, 'firstDay' | 'lastDay'>[],
  rule: FairPlay,
): Promise<readonly (number | null)[]> {
  const firstDay = Math.min(...windows.map((one) => one.firstDay)) as Day;
  const lastDay = Math.max(...windows.map((one) => one.lastDay)) as Day;
  const result = await client.query({
    query: mediansOfTokensPerPoint(lookedAt(rule)),
    query_params: {
      ...metric,
      ...windowParams({ firstDay, lastDay }),
      ...leftOutParams(rule),
      windows: windows.map((one) => new TupleParam([dayKey(one.firstDay), dayKey(one.lastDay)])),
    },
    format: 'JSONEachRow',
  });
  const rows = await result.json<{ place: number; median: number }>();
  const medians = new Map(rows.map(({ place, median }) => [place, median]));
  return windows.map((_, index) => medians.get(index + 1) ?? null);
}
