import { COSTS, isGuarded, isHidden, type Statement } from '@laurel/clickhouse';
import { tokenClasses, tokenFields } from '@laurel/events';
import { LEAST_COHORT } from '@laurel/policy';
import { dayKey, type Window } from '@laurel/usage';
import type { ScopeParameter } from '../http/parameters.js';
import { boardColumns } from './board.js';

const sumOf = (columns: readonly string[]): string => columns.map((column) => `t.${column}`).join(' + ');
const TOTAL = sumOf(tokenClasses.map((name) => `${name}_tokens`));
const MEASURES = [...tokenFields.map((field) => `${field}_tokens`), 'events', 'cost_micro_usd'];
/** Qualified, so that an alias does not stand for the column that it sums. */
const SUMS = MEASURES.map((column) => `sum(t.${column}) AS ${column}`).join(', ');
const WITHIN = 't.day BETWEEN {first_day:Date} AND {last_day:Date}';
const TEAMS = "arraySort(groupUniqArrayIf(t.team, t.team != ''))";

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
} as const;

export type BoardMetric = keyof typeof METRICS;
export const boardMetrics = Object.keys(METRICS) as [BoardMetric, ...BoardMetric[]];

export const windowParams = (window: Window): Readonly<Record<string, string>> => ({
  first_day: dayKey(window.firstDay),
  last_day: dayKey(window.lastDay),
});

/**
 * Everybody who is not hidden by a metric with their competition ranks ("1224"), as `boardColumns`. The greater value first, of equal values the
 * smaller user id by its bytes.
 */
export function leaderboard(metric: BoardMetric, window: Window, scope: ScopeParameter): Statement {
  return {
    query: `SELECT ${boardColumns.join(', ')}
      FROM (
        SELECT *, rank() OVER (ORDER BY value DESC) AS place
        FROM (
          SELECT t.user_id AS user_id, ${TEAMS} AS teams, sum(${METRICS[metric]}) AS value, ${SUMS}
          FROM usage_by_day AS t
          WHERE ${WITHIN} ${scope.kind === 'team' ? 'AND t.team = {team:String}' : ''}
          GROUP BY t.user_id
        )
        WHERE NOT ${isHidden()}
      )
      ORDER BY value DESC, user_id ASC`,
    query_params: { ...windowParams(window), ...(scope.kind === 'team' ? { team: scope.team } : {}) },
  };
}

/** One text that is another one as soon as any figure can be: what the views read is named by the heads and the boundaries;
 * whom a board lists by people's choices. */
export const figuresVersion: Statement = {
  query: `SELECT toString(sum(cityHash64(grain, bucket, head))) AS heads, (SELECT toString(groupArray((grain, closed_before))) FROM
      (SELECT grain, max(closed_before) AS closed_before FROM closures GROUP BY grain ORDER BY grain)) AS boundaries,
      (SELECT toString(sum(cityHash64(user_id, version))) FROM people_choices) AS choices
    FROM (SELECT grain, bucket, max(roll_id) AS head FROM roll_heads GROUP BY grain, bucket)`,
  query_params: {},
};

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
