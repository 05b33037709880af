import { COSTS, isGuarded, isHidden, type Statement } from '@laurel/clickhouse';
import { tokenClasses, tokenFields } from '@laurel/events';
import { LEAST_COHORT } from '@laurel/policy';
import { dayKey, type Window } from '@laurel/usage';
import type { ScopeParameter } from '../http/parameters.js';
import { boardColumns } from './board.js';

const sumOf = (columns: readonly string[]): string => columns.map((column) => `t.${column}`).join(' + ');
const TOTAL = sumOf(tokenClasses.map((name) => `${name}_tokens`));
const MEASURES = [...tokenFields.map((field) => `${field}_tokens`), 'events', 'cost_micro_usd'];
const COST_MEASURES = ['list_cost_usd', 'cache_saving_usd', 'unpriced_events'];
/** Qualified, so that an alias does not stand for the column that it sums. */
const SUMS = MEASURES.map((column) => `sum(t.${column}) AS ${column}`).join(', ');
const WITHIN = 't.day BETWEEN {first_day:Date} AND {last_day:Date}';

/** What a leaderboard may be ordered by, in terms of a row's columns; every event counts, whatever its status and origin. */
const METRICS = {
  total_tokens: TOTAL,
  input_tokens: 't.input_tokens',
  cache_read_tokens: 't.cache_read_tokens',
  /** Of all lifetimes; the column `cache_write_tokens` has those of unknown lifetime alone. */
  all_cache_write_tokens: sumOf(['cache_write_5m_tokens', 'cache_write_1h_tokens', 'cache_write_tokens']),
  output_tokens: 't.output_tokens',
  events: 't.events',
  cost_micro_usd: 't.cost_micro_usd',
  /** Millionths of a US dollar, those of the sum that are whole. */
  list_cost_micro_usd: 't.list_cost_usd * 1000000',
} as const;

export type BoardMetric = keyof typeof METRICS;
export const boardMetrics = Object.keys(METRICS) as [BoardMetric, ...BoardMetric[]];

export const windowParams = (window: Window): Readonly<Record<string, string>> => ({
  first_day: dayKey(window.firstDay),
  last_day: dayKey(window.lastDay),
});

/** A board's window, and the one that it is compared with. */
export interface BoardWindows {
  readonly window: Window;
  /** The window of the same name as it was at the end of yesterday. */
  readonly previous: Window;
}

const CURRENT = 't.day >= {first_day:Date}';
const PREVIOUS = 't.day BETWEEN {previous_first_day:Date} AND {previous_last_day:Date}';
const ifCurrent = (columns: readonly string[]): string =>
  columns.map((column) => `sumIf(t.${column}, ${CURRENT}) AS ${column}`).join(', ');

/**
 * Everybody who is not hidden by a metric with their competition ranks ("1224"), as `boardColumns`. The greater value first, of equal values the
 * smaller user id by its bytes. The place before is by the same metric, among those who were on the board of the previous window; 0
 * for whoever was not. One reading has both, so that they are of one state of the figures.
 */
export function leaderboard(metric: BoardMetric, { window, previous }: BoardWindows, scope: ScopeParameter): Statement {
  return {
    query: `SELECT ${boardColumns.join(', ')}
      FROM (
        SELECT *, rank() OVER (PARTITION BY is_on ORDER BY value DESC) AS place,
          if(was_on, rank() OVER (PARTITION BY was_on ORDER BY previous_value DESC), 0) AS previous_place
        FROM (
          SELECT t.user_id AS user_id, arraySort(groupUniqArrayIf(t.team, t.team != '' AND ${CURRENT})) AS teams,
            countIf(${CURRENT}) > 0 AS is_on, countIf(${PREVIOUS}) > 0 AS was_on,
            toUInt64(sumIf(${METRICS[metric]}, ${CURRENT})) AS value,
            toUInt64(sumIf(${METRICS[metric]}, ${PREVIOUS})) AS previous_value,
            ${ifCurrent([...MEASURES, ...COST_MEASURES])}
          FROM usage_by_day AS t
          WHERE t.day BETWEEN {from_day:Date} AND {last_day:Date}
            ${scope.kind === 'team' ? 'AND t.team = {team:String}' : ''}
          GROUP BY t.user_id
        )
        WHERE NOT ${isHidden()}
      )
      WHERE is_on
      ORDER BY value DESC, user_id ASC`,
    query_params: {
      ...windowParams(window),
      from_day: dayKey(window.firstDay < previous.firstDay ? window.firstDay : previous.firstDay),
      previous_first_day: dayKey(previous.firstDay),
      previous_last_day: dayKey(previous.lastDay),
      ...(scope.kind === 'team' ? { team: scope.team } : {}),
    },
  };
}

/** A person's figures by day and model. Days, models and totals are sums of these rows, so that they agree. */
export function userDaysAndModels(userId: string, window: Window): Statement {
  return {
    query: `SELECT toString(t.day) AS day_key, t.provider AS provider, t.model AS model, ${SUMS}, ${COSTS}
      FROM model_usage_by_day AS t
      WHERE ${WITHIN} AND t.user_id = {user:String}
      GROUP BY day_key, provider, model`,
    query_params: { ...windowParams(window), user: userId },
  };
}

/** Tokens of some people by model and day, each model's days as two arrays: days since 1970-01-01, and their tokens. */
export function daysOfPeople(userIds: readonly string[], window: Window): Statement {
  return {
    query: `SELECT t.user_id AS user_id, t.model AS model, sumMap([toUInt16(t.day)], [${TOTAL}]) AS by_day
      FROM model_usage_by_day AS t
      WHERE ${WITHIN} AND t.user_id IN {users:Array(String)}
      GROUP BY user_id, model`,
    query_params: { ...windowParams(window), users: userIds },
  };
}

/** A person's sessions: of each, its days and the distinct minutes of each day in which the person themselves asked. */
export function sessionDays(userId: string, window: Window): Statement {
  return {
    query: `SELECT arraySort(groupArray((day_number, day_minutes))) AS by_day
      FROM (
        SELECT session_id, toUInt16(t.day) AS day_number, sum(bitCount(active_minutes)) AS day_minutes
        FROM session_activity AS t
        WHERE t.day BETWEEN {first_day:Date} AND {last_day:Date} AND user_id = {user:String}
        GROUP BY session_id, day_number
      )
      GROUP BY session_id`,
    query_params: { ...windowParams(window), user: userId },
  };
}

/** One row when the person has usage on any day. */
export function anyUsage(userId: string): Statement {
  return {
    query: 'SELECT 1 AS found FROM usage_by_day AS t WHERE t.user_id = {user:String} LIMIT 1',
    query_params: { user: userId },
  };
}

/** Columns of a `Cohort`. */
const COHORT = `uniqExact(t.user_id) AS users, groupUniqArray(${LEAST_COHORT})(t.user_id) AS people,
  groupUniqArrayIf(${LEAST_COHORT})(t.user_id, ${isHidden('t.user_id')}) AS hidden,
  groupUniqArrayIf(${LEAST_COHORT})(t.user_id, ${isGuarded('t.user_id')}) AS guarded`;

/** Each team's usage, that of the empty name is without a team: the most tokens first, of equals by name. */
export function teamUsage(window: Window): Statement {
  return {
    query: `SELECT t.team AS team, ${COHORT}, sum(${TOTAL}) AS total, ${SUMS}, ${COSTS}
      FROM usage_by_day AS t
      WHERE ${WITHIN}
      GROUP BY team
      ORDER BY total DESC, team ASC`,
    query_params: windowParams(window),
  };
}

/** Each provider's models: the most tokens first, of equals by provider and model. */
export function modelUsage(window: Window): Statement {
  return {
    query: `SELECT t.provider AS provider, t.model AS model, ${COHORT}, sum(${TOTAL}) AS total, ${SUMS}, ${COSTS}
      FROM model_usage_by_day AS t
      WHERE ${WITHIN}
      GROUP BY provider, model
      ORDER BY total DESC, provider ASC, model ASC`,
    query_params: windowParams(window),
  };
}

/** The same by day. */
export function modelDays(window: Window): Statement {
  return {
    query: `SELECT toString(t.day) AS day_key, t.model AS model, ${COHORT}, ${SUMS}, ${COSTS}
      FROM model_usage_by_day AS t
      WHERE ${WITHIN}
      GROUP BY day_key, model`,
    query_params: windowParams(window),
  };
}
