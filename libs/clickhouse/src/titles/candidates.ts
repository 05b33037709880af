import { tokenClasses, type TokenClass } from '@laurel/events';
import { LEAST_COHORT, type Metric, type TitleRule } from '@laurel/titles';
import { dayKey, type Window } from '@laurel/usage';
import { isHidden } from '../people.js';
import type { Statement } from '../projections.js';

/** A person who may hold a title, with their competition rank among the eligible. */
export interface Candidate {
  readonly user_id: string;
  /** Of a title of each team the person's; '' else. */
  readonly team: string;
  readonly rank: string;
  /** As the definition's, up to the last bits of a float. */
  readonly amount: number;
}

/** A model whose family has another name. */
export interface Alias {
  readonly model: string;
  readonly family: string;
}

const columnsOf = (classes: readonly TokenClass[]): string => classes.map((name) => `${name}_tokens`).join(' + ');
const TOTAL = columnsOf(tokenClasses);
const INPUTS = columnsOf(tokenClasses.filter((name) => name !== 'output'));
const WITHIN = 'day BETWEEN {first_day:Date} AND {last_day:Date}';

/** Of the aliases in a statement, in bytes: the server parses statements of up to 256 KiB. */
const MAX_ALIAS_BYTES = 128 * 1024;

/**
 * The best `take` eligible people of a title, of each team where it is one of each team, and those of `holders` who are eligible,
 * best first. Nobody who is hidden.
 *
 * It selects people, it does not judge them: their values and evidence are computed by the metric's own definition in
 * libs/titles, from their facts. The formulas here are the same, so that the selection is right; a test holds both
 * together.
 *
 * @param aliases the more used first: of so many that they don't fit into a statement, the others are taken for families.
 */
export function titleCandidates(
  rule: TitleRule,
  window: Window,
  aliases: readonly Alias[],
  take: number,
  holders: readonly string[],
): Statement {
  const { min_tokens, min_active_days, min_sessions, min_tenure_days } = rule.eligibility;
  const measured = measuredBy(rule.metric, aliases);
  const hasOwnDays = rule.metric.kind === 'effective_models';
  const needsVolume = min_tokens > 0 || (min_active_days > 0 && !hasOwnDays);
  const conditions = [
    'value > 0',
    `NOT ${isHidden()}`,
    ...(min_tokens > 0 ? ['tokens >= {min_tokens:UInt64}'] : []),
    ...(min_active_days > 0 ? [`${hasOwnDays ? 'own_active_days' : 'active_days'} >= {min_active_days:UInt32}`] : []),
    ...(min_sessions > 0 ? ['sessions >= {min_sessions:UInt32}'] : []),
    ...(min_tenure_days > 0 ? ['tenure_days >= {min_tenure_days:UInt32}'] : []),
  ];
  const isOfTeams = rule.scope === 'each_team';
  const among = isOfTeams ? 'PARTITION BY team ' : '';
  return {
    query: `WITH measured AS (${measured})
      SELECT user_id, team, place AS rank, toFloat64(value) AS amount FROM (
        SELECT user_id, ${isOfTeams ? 'team' : "'' AS team"}, value,
          rank() OVER (${among}ORDER BY value DESC) AS place,
          row_number() OVER (${among}ORDER BY value DESC, user_id ASC) AS position
        FROM measured
        ${isOfTeams ? `INNER JOIN (${TEAMS}) AS teams USING user_id` : ''}
        ${needsVolume ? `INNER JOIN (${VOLUME}) AS volume USING user_id` : ''}
        ${min_sessions > 0 ? `INNER JOIN (${SESSIONS}) AS sessions_of USING user_id` : ''}
        ${min_tenure_days > 0 ? `INNER JOIN (${TENURE}) AS tenure USING user_id` : ''}
        WHERE ${conditions.join(' AND ')}
      )
      WHERE position <= {take:UInt32} OR user_id IN {holders:Array(String)}
      ORDER BY team, position`,
    query_params: {
      ...windowParams(window),
      ...rule.metric,
      min_tokens,
      min_active_days,
      min_sessions,
      min_tenure_days,
      take,
      holders,
    },
  };
}

export const windowParams = (window: Window): Readonly<Record<string, string>> => ({
  first_day: dayKey(window.firstDay),
  last_day: dayKey(window.lastDay),
});

const ACTIVE_DAYS = `
  SELECT user_id, day, sum(${TOTAL}) AS day_tokens FROM usage_by_day WHERE counted AND ${WITHIN}
  GROUP BY user_id, day HAVING day_tokens > 0`;

const VOLUME = `SELECT user_id, sum(day_tokens) AS tokens, count() AS active_days FROM (${ACTIVE_DAYS}) GROUP BY user_id`;

/** Each person's team: that of most of their tokens, of equal ones the first by its bytes. */
export const TEAM_OF_EACH = `
  SELECT user_id, team FROM (
    SELECT user_id, team, sum(${TOTAL}) AS team_tokens FROM usage_by_day WHERE counted AND ${WITHIN} AND team != '' GROUP BY user_id, team
  )
  ORDER BY user_id, team_tokens DESC, team ASC LIMIT 1 BY user_id`;

const TEAMS = `
  SELECT user_id, team FROM (SELECT user_id, team, count() OVER (PARTITION BY team) AS people FROM (${TEAM_OF_EACH}))
  WHERE people >= ${LEAST_COHORT}`;

/** From the day of the first counted event of all time. */
export const TENURE = `
  SELECT user_id, toUInt32({last_day:Date} - min(day) + 1) AS tenure_days FROM usage_by_day
  WHERE counted AND day <= {last_day:Date} GROUP BY user_id`;

const SESSIONS = `
  SELECT user_id, uniqExact(session_id) AS sessions FROM session_activity
  WHERE toDate(hour) BETWEEN {first_day:Date} AND {last_day:Date} GROUP BY user_id`;

function measuredBy(metric: Metric, aliases: readonly Alias[]): string {
  switch (metric.kind) {
    case 'capped_tokens':
      return `
        SELECT user_id, sum(least(day_tokens, {daily_cap:UInt64})) AS value
        FROM (SELECT user_id, day, sum(${columnsOf(metric.classes)}) AS day_tokens FROM usage_by_day WHERE counted AND ${WITHIN} GROUP BY user_id, day)
        GROUP BY user_id`;
    case 'effective_models':
      return effectiveModels(familyOf(aliases));
    case 'cache_share':
      return `
        WITH (SELECT if(sum(${INPUTS}) = 0, 0, sum(cache_read_tokens) / sum(${INPUTS})) FROM usage_by_day WHERE counted AND ${WITHIN}) AS company_share
        SELECT user_id, if(sum(inputs) + {prior_tokens:UInt64} = 0, 0,
          round((toFloat64(sum(least(reads, {reads_per_output:UInt64} * toUInt128(outputs)))) + {prior_tokens:UInt64} * company_share) / (sum(inputs) + {prior_tokens:UInt64}), 12)) AS value
        FROM (
          SELECT user_id, day, sum(${INPUTS}) AS inputs, sum(cache_read_tokens) AS reads, sum(output_tokens) AS outputs
          FROM usage_by_day WHERE counted AND ${WITHIN} GROUP BY user_id, day
        )
        GROUP BY user_id`;
    case 'longest_session':
      return LONGEST_SESSION;
    case 'list_cost':
      return costs('list_cost_usd');
    case 'cache_saving':
      return costs('cache_saving_usd');
    case 'active_days':
      return `SELECT user_id, count() AS value FROM (${ACTIVE_DAYS}) GROUP BY user_id`;
    case 'longest_streak':
      return longestStreak(metric.weekends === 'count' ? (day) => day : weekdaysBefore);
    default:
      return metric satisfies never;
  }
}

/** In whole millionths of a US dollar, rounded down. */
const costs = (column: 'list_cost_usd' | 'cache_saving_usd'): string =>
  `SELECT user_id, toInt64(floor(sum(${column}) * 1000000)) AS value FROM usage_by_day WHERE counted AND ${WITHIN} GROUP BY user_id`;

/** SQL: the family of `model`. Within the statement, as parameters travel in the URL, which anybody's model names could make too long. */
function familyOf(aliases: readonly Alias[]): string {
  const models: string[] = [];
  const families: string[] = [];
  let bytes = 0;
  for (const alias of aliases) {
    const [model, family] = [literal(alias.model), literal(alias.family)];
    bytes += Buffer.byteLength(model) + Buffer.byteLength(family);
    if (bytes > MAX_ALIAS_BYTES) break;
    models.push(model);
    families.push(family);
  }
  return models.length === 0 ? 'model' : `transform(model, [${models.join(', ')}], [${families.join(', ')}], model)`;
}

/** A text in SQL. Source: ClickHouse's "Syntax", String. */
const literal = (text: string): string =>
  `'${text.replace(/[\\'\0]/g, (sign) => (sign === '\0' ? '\\0' : `\\${sign}`))}'`;

/** Tokens by user, day and family; small families out; the mean daily share of each; the exponential of their entropy. */
const effectiveModels = (family: string): string => `
  SELECT user_id, round(exp(-sum(share * log(share))), 12) AS value, max(user_days) AS own_active_days
  FROM (
    SELECT user_id, family, max(user_days) AS user_days, sum(tokens / day_tokens) / user_days AS share
    FROM (
      SELECT user_id, family, tokens, day_tokens,
        uniqExact(day) OVER (PARTITION BY user_id) AS user_days
      FROM (
        SELECT user_id, day, family, tokens, sum(tokens) OVER (PARTITION BY user_id, day) AS day_tokens
        FROM (
          SELECT user_id, day, family, tokens,
            sum(tokens) OVER (PARTITION BY user_id) AS user_tokens,
            sum(tokens) OVER (PARTITION BY user_id, family) AS family_tokens
          FROM (
            SELECT user_id, day, ${family} AS family, sum(${TOTAL}) AS tokens
            FROM model_usage_by_day WHERE counted AND ${WITHIN}
            GROUP BY user_id, day, family HAVING tokens > 0
          )
        )
        WHERE family_tokens * 1000 >= {min_share_per_mille:UInt64} * user_tokens
      )
    )
    GROUP BY user_id, family
  )
  GROUP BY user_id`;

/** SQL: the weekdays before a day (a number), from some Monday on; as `weekdaysBefore` of libs/titles. */
const weekdaysBefore = (day: string): string => `(5 * intDiv(${day} + 3, 7) + least((${day} + 3) % 7, 5))`;

/**
 * A person's active days in order, cut wherever a day was missed that counts; of the parts the longest.
 *
 * @param daysBefore SQL: how many of the days before a day, which is a number, count as missed when they are not active.
 */
const longestStreak = (daysBefore: (day: string) => string): string => `
  SELECT user_id, arrayMax(arrayMap(streak -> length(streak), arraySplit((day, missed) -> missed > 0, days, arrayMap(
      (day, previous) -> ${daysBefore('day')} - ${daysBefore('(previous + 1)')},
      days, arrayPushFront(arrayPopBack(days), days[1]))))) AS value
  FROM (SELECT user_id, arraySort(groupArray(toInt64(toUInt16(day)))) AS days FROM (${ACTIVE_DAYS}) GROUP BY user_id)`;

/** Active minutes of each session in order, cut at the gaps; of each run the capped days' sum; of the runs the greatest. */
const LONGEST_SESSION = `
  SELECT user_id, max(arrayMax(arrayMap(run -> arraySum(day -> least({daily_cap_minutes:UInt64},
      arrayCount(minute -> intDiv(minute, 1440) = day, run)), arrayDistinct(arrayMap(minute -> intDiv(minute, 1440), run))), runs))) AS value
  FROM (
    SELECT user_id, arraySplit((minute, gap) -> gap > {max_gap_minutes:UInt64}, minutes, arrayDifference(minutes)) AS runs
    FROM (
      SELECT user_id, session_id, arraySort(arrayFlatten(groupArray(
        arrayMap(bit -> toInt64(intDiv(toUnixTimestamp(hour), 60)) + toInt64(bit), bitPositionsToArray(bits))))) AS minutes
      FROM (
        SELECT user_id, session_id, hour, groupBitOr(active_minutes) AS bits FROM session_activity
        WHERE toDate(hour) BETWEEN {first_day:Date} AND {last_day:Date}
        GROUP BY user_id, session_id, hour HAVING bits != 0
      )
      GROUP BY user_id, session_id
    )
  )
  GROUP BY user_id`;
