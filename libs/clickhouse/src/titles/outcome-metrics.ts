import { TOTAL } from '../sql.js';
import type { LookedAt } from './window-sql.js';

/** SQL: of these days, those on which somebody has counted usage; of others no outcomes are looked at. */
export const activeDaysIn = (days: string): string => `SELECT user_id, day FROM usage_by_day WHERE counted AND ${days}`;

/** SQL: points by person and day. A kind without a weight gives 0; 128 bits hold more than any log. */
const pointsByDay = (days: string): string => `
  SELECT user_id, day, toUInt64(least(sum(toUInt128(quantity) * {weights:Map(String, UInt64)}[toString(kind)]), {daily_cap:UInt64})) AS day_points
  FROM outcomes WHERE ${days} AND (user_id, day) IN (${activeDaysIn(days)})
  GROUP BY user_id, day`;

/** SQL: points by person. */
export const pointsIn = (days: string): string =>
  `SELECT user_id, sum(day_points) AS points FROM (${pointsByDay(days)}) GROUP BY user_id`;

export const outcomesPerUsd = ({ days }: LookedAt): string => `
  SELECT user_id, if(cost > 0 AND unpriced * 1000 <= {max_unpriced_per_mille:UInt64} * calls, round(points / (cost / 1000000), 12), 0) AS value
  FROM (
    SELECT user_id, toInt64(floor(sum(list_cost_usd) * 1000000)) AS cost, sum(unpriced_events) AS unpriced, sum(events) AS calls
    FROM usage_by_day WHERE counted AND ${days} GROUP BY user_id
  ) AS costs
  INNER JOIN (${pointsIn(days)}) AS made USING user_id`;

/** SQL: of what somebody has in some days; with less of either, tokens for each point say little. */
const ENOUGH = 'tokens >= {min_tokens_each:UInt64} AND points >= {min_points_each:UInt64}';

/** SQL: `tokens` and `points` of everybody who has enough of both in these days. */
const enoughIn = (days: string): string => `
  SELECT user_id, tokens, points
  FROM (SELECT user_id, sum(${TOTAL}) AS tokens FROM usage_by_day WHERE counted AND ${days} GROUP BY user_id) AS used
  INNER JOIN (${pointsIn(days)}) AS made USING user_id
  WHERE ${ENOUGH}`;

/** Tokens for each point now, against those of everybody's own before, up to some way above the median. */
export const thriftGain = ({ days, before }: LookedAt, isAllKnown: boolean): string => `
  SELECT user_id, greatest(0, round(1 - now.tokens / now.points / least(each, median * (1000 + {most_over_median_per_mille:UInt64}) / 1000), 12)) AS value
  FROM (
    SELECT user_id, tokens / points AS each, ${isAllKnown ? '{median_before:Float64}' : 'quantileExactLow(0.5)(tokens / points) OVER ()'} AS median FROM (${enoughIn(before)})
  ) AS before
  INNER JOIN (${enoughIn(days)}) AS now USING user_id`;

/**
 * The median over each of `{windows:Array(Tuple(Date, Date))}`, by its place among them from 1 on; none where nobody has enough.
 *
 * @param days all of theirs, as far as they are looked at.
 */
export const mediansOfTokensPerPoint = ({ days }: LookedAt): string => `
  SELECT place, quantileExactLow(0.5)(tokens / points) AS median
  FROM (
    SELECT user_id, place, sum(day_tokens) AS tokens, sum(day_points) AS points
    FROM (
      SELECT user_id, day, sum(${TOTAL}) AS day_tokens, 0 AS day_points FROM usage_by_day WHERE counted AND ${days} GROUP BY user_id, day
      UNION ALL
      SELECT user_id, day, 0 AS day_tokens, day_points FROM (${pointsByDay(days)})
    )
    ARRAY JOIN arrayFilter((_, span) -> day BETWEEN span.1 AND span.2, arrayEnumerate({windows:Array(Tuple(Date, Date))}), {windows:Array(Tuple(Date, Date))}) AS place
    GROUP BY user_id, place
    HAVING ${ENOUGH}
  )
  GROUP BY place`;
