import { tokenClasses, type TokenClass } from '@laurel/events';
import { LEAST_COHORT, type Metric, type TitleRule } from '@laurel/titles';
import { dayKey, windowBefore, type Window } from '@laurel/usage';
import { isHidden } from '../people.js';
import type { Statement } from '../projections.js';
import { literal, tokensOf, TOTAL } from '../sql.js';
import { longestSession } from './longest-session.js';
import { outcomesPerUsd, pointsIn, thriftGain } from './outcome-metrics.js';
import { leftOutParams, lookedAt, windowParams, type LookedAt } from './window-sql.js';

/** A person who may hold a title, with their competition rank among the eligible. */
export interface Candidate {
  readonly user_id: string;
  /** The team or model family in which they are compared; '' in a title of the company. */
  readonly part: string;
  readonly rank: string;
  /** As the definition's, up to the last bits of a float. */
  readonly amount: number;
}

/** What values rest on of everybody, where that is known; it has to be where a database has some people alone. */
export interface KnownOfAll {
  /** The company's share of cache reads, where the metric asks for it, else 0. */
  readonly company_share: number;
  /** Everybody's tokens for a point before the window, where the metric asks for it; else, and where nobody has enough, 0. */
  readonly median_before: number;
}

/** A model whose family has another name. */
export interface Alias {
  readonly model: string;
  readonly family: string;
}

const INPUTS = tokensOf(tokenClasses.filter((name) => name !== 'output'));

/**
 * SQL: the days that people are measured by, and which columns make a person: in each model family they are another one. Days of
 * models, with their `family`, where a rule asks for models.
 */
interface Source {
  readonly table: string;
  /** Which of its rows a rule looks at. */
  readonly rows: string;
  readonly keys: string;
}

const everything = (looked: LookedAt): Source => ({
  table: 'usage_by_day',
  rows: `counted AND ${looked.days}`,
  keys: 'user_id',
});

function sourceOf(rule: TitleRule, aliases: readonly Alias[], looked: LookedAt): Source {
  if (!asksFamilies(rule)) return everything(looked);
  const conditions = [
    `counted AND ${looked.days}`,
    ...(rule.usage?.providers === undefined ? [] : ['provider IN {providers:Array(String)}']),
    ...(rule.usage?.model_families === undefined ? [] : ['family IN {model_families:Array(String)}']),
  ];
  return {
    table: `(SELECT *, ${familyOf(aliases)} AS family FROM model_usage_by_day WHERE ${conditions.join(' AND ')})`,
    rows: 'true',
    keys: rule.scope === 'each_model_family' ? 'user_id, family' : 'user_id',
  };
}

/** Whether it is some models' usage that counts. */
const asksSome = ({ scope, usage }: TitleRule): boolean => scope === 'each_model_family' || usage !== undefined;

/** Whether a statement has to know which models are of which family. */
export const asksFamilies = (rule: TitleRule): boolean => rule.metric.kind === 'effective_models' || asksSome(rule);

/** SQL: in which column the parts of the company are, in which people are compared. */
function partOf({ scope }: TitleRule): string | undefined {
  switch (scope) {
    case 'company':
      return undefined;
    case 'each_team':
      return 'team';
    case 'each_model_family':
      return 'family';
    default:
      return scope satisfies never;
  }
}

/** Of the aliases in a statement, in bytes: the server parses statements of up to 256 KiB. */
const MAX_ALIAS_BYTES = 128 * 1024;

/**
 * The best `take` eligible people of a title, in each of its scopes, and those of `holders` who are eligible, best first. Nobody who is
 * hidden.
 *
 * It selects people, it does not judge them: their values and evidence are computed by the metric's own definition in
 * libs/titles, from their facts. The formulas here are the same, so that the selection is right; a test holds both
 * together.
 *
 * @param aliases the more used first: of so many that they don't fit into a statement, the others are taken for families.
 * @param known not of a title of each model family.
 */
export function titleCandidates(
  rule: TitleRule,
  window: Window,
  aliases: readonly Alias[],
  take: number,
  holders: readonly string[],
  known?: KnownOfAll,
): Statement {
  const eligible = eligiblePeople(rule, aliases, known !== undefined);
  return {
    query: `SELECT user_id, part, place AS rank, toFloat64(value) AS amount FROM (${eligible})
      WHERE position <= {take:UInt32} OR user_id IN {holders:Array(String)}
      ORDER BY part, position`,
    query_params: { ...ruleParams(rule, window), ...known, take, holders },
  };
}

/**
 * SQL: everybody who is eligible for a title and not hidden, with the `value` of its metric, the competition rank `place`, and the
 * `position` by value and user id, both in their `part` of the company, see `Candidate`. Its parameters are `ruleParams`.
 *
 * @param isAllKnown whether those of `KnownOfAll` are among the parameters; else all is found out by the way.
 */
export function eligiblePeople(rule: TitleRule, aliases: readonly Alias[], isAllKnown = false): string {
  const { min_tokens, min_active_days, min_sessions, min_tenure_days, min_list_cost_usd } = rule.eligibility;
  const hasOwnDays = rule.metric.kind === 'effective_models';
  const needsVolume = min_tokens > 0 || (min_active_days > 0 && !hasOwnDays);
  const conditions = [
    'value > 0',
    `NOT ${isHidden()}`,
    ...(min_tokens > 0 ? ['tokens >= {min_tokens:UInt64}'] : []),
    ...(min_active_days > 0 ? [`${hasOwnDays ? 'own_active_days' : 'active_days'} >= {min_active_days:UInt32}`] : []),
    ...(min_sessions > 0 ? ['sessions >= {min_sessions:UInt32}'] : []),
    ...(min_list_cost_usd > 0 ? ['list_cost >= {min_list_cost_usd:UInt64}'] : []),
    ...(min_tenure_days > 0 ? ['tenure_days >= {min_tenure_days:UInt32}'] : []),
  ];
  const looked = lookedAt(rule);
  const source = sourceOf(rule, aliases, looked);
  const some = asksSome(rule) ? source : everything(looked);
  const part = partOf(rule);
  const among = part === undefined ? '' : `PARTITION BY ${part} `;
  return `
    WITH measured AS (${measuredBy(rule.metric, source, looked, isAllKnown)})
    SELECT user_id, ${part ?? "''"} AS part, value,
      rank() OVER (${among}ORDER BY value DESC) AS place,
      row_number() OVER (${among}ORDER BY value DESC, user_id ASC) AS position
    FROM measured
    ${rule.scope === 'each_team' ? `INNER JOIN (${teamsOf(rule, source, looked)}) AS teams USING user_id` : ''}
    ${rule.scope === 'each_model_family' ? `INNER JOIN (${familiesOf(source)}) AS families USING family` : ''}
    ${needsVolume ? `INNER JOIN (${volumeOf(some)}) AS volume USING (${source.keys})` : ''}
    ${min_sessions > 0 ? `INNER JOIN (${sessionsOf(looked, min_sessions)}) AS sessions_of USING user_id` : ''}
    ${min_list_cost_usd > 0 ? `INNER JOIN (${listCostOf(some)}) AS cost_of USING (${source.keys})` : ''}
    ${min_tenure_days > 0 ? `INNER JOIN (${TENURE}) AS tenure USING user_id` : ''}
    WHERE ${conditions.join(' AND ')}`;
}

export const ruleParams = (rule: TitleRule, window: Window): Readonly<Record<string, unknown>> => ({
  ...windowParams(window),
  first_day_before: dayKey(windowBefore(window).firstDay),
  ...leftOutParams(rule),
  ...(rule.metric.kind === 'quotient' ? { ...rule.metric.of, ...rule.metric.per } : rule.metric),
  ...rule.usage,
  ...rule.eligibility,
});

const activeDays = ({ table, rows, keys }: Source): string => `
  SELECT ${keys}, day, sum(${TOTAL}) AS day_tokens FROM ${table} WHERE ${rows}
  GROUP BY ${keys}, day HAVING day_tokens > 0`;

const volumeOf = (source: Source): string =>
  `SELECT ${source.keys}, sum(day_tokens) AS tokens, count() AS active_days FROM (${activeDays(source)}) GROUP BY ${source.keys}`;

/** The model families that enough people used. */
const familiesOf = ({ table, rows, keys }: Source): string => `
  SELECT family FROM (SELECT ${keys} FROM ${table} WHERE ${rows} GROUP BY ${keys})
  GROUP BY family HAVING count() >= ${LEAST_COHORT}`;

/** Each person's team: that of most of their tokens, of equal ones the first by its bytes. */
export const teamOfEach = ({ days }: Pick<LookedAt, 'days'>): string => `
  SELECT user_id, team FROM (
    SELECT user_id, team, sum(${TOTAL}) AS team_tokens FROM usage_by_day WHERE counted AND ${days} AND team != '' GROUP BY user_id, team
  )
  ORDER BY user_id, team_tokens DESC, team ASC LIMIT 1 BY user_id`;

/** People of teams in which there are enough who are measured. */
const teamsOf = (rule: TitleRule, { table }: Source, looked: LookedAt): string => `
  SELECT user_id, team FROM (
    SELECT user_id, team, count() OVER (PARTITION BY team) AS people FROM (${teamOfEach(looked)})
    ${asksFamilies(rule) ? `WHERE user_id IN (SELECT user_id FROM ${table})` : ''}
  )
  WHERE people >= ${LEAST_COHORT}`;

/** From the day of the first counted event of all time. */
export const TENURE = `
  SELECT user_id, toUInt32({last_day:Date} - min(day) + 1) AS tenure_days FROM usage_by_day
  WHERE counted AND day <= {last_day:Date} GROUP BY user_id`;

/** Up to this many sessions are counted no further than need be. Each one is compared with all before it. */
const FEW_SESSIONS = 32;

/** SQL: how many sessions, as far as `least` of them are asked for. */
const sessionsOf = ({ days }: LookedAt, least: number): string => `
  SELECT user_id, ${least <= FEW_SESSIONS ? `uniqUpTo(${least})` : 'uniqExact'}(session_id) AS sessions
  FROM session_activity WHERE ${days} GROUP BY user_id`;

/** In US dollars, exact. */
const listCostOf = ({ table, rows, keys }: Source): string =>
  `SELECT ${keys}, sum(list_cost_usd) AS list_cost FROM ${table} WHERE ${rows} GROUP BY ${keys}`;

/** Hours, sessions and outcomes are not told of each model: metrics of them are of everything, see `titleRuleSchema`. */
function measuredBy(metric: Metric, source: Source, looked: LookedAt, isAllKnown: boolean): string {
  const { keys } = source;
  switch (metric.kind) {
    case 'capped_tokens':
      return `
        SELECT ${keys}, sum(least(day_tokens, {daily_cap:UInt64})) AS value
        FROM (${metric.tokens_per_own_minute === undefined ? dayTokens(metric.classes, source) : attendedTokens(looked)})
        GROUP BY ${keys}`;
    case 'effective_models':
      return effectiveModels(source);
    case 'cache_share':
      return cacheShare(source, isAllKnown);
    case 'longest_session':
      return longestSession(looked, metric);
    case 'list_cost':
      return costs('list_cost_usd', source);
    case 'cache_saving':
      return costs('cache_saving_usd', source);
    case 'outcomes':
      return `SELECT user_id, points AS value FROM (${pointsIn(looked.days)})`;
    case 'outcomes_per_usd':
      return outcomesPerUsd(looked);
    case 'thrift_gain':
      return thriftGain(looked, isAllKnown);
    case 'quotient':
      // The names of both ones' parameters differ, as their kinds do.
      return `
        SELECT ${keys}, if(divisor.value = 0, 0, round(dividend.value / divisor.value, 12)) AS value
        FROM (${measuredBy(metric.of, source, looked, isAllKnown)}) AS dividend INNER JOIN (${measuredBy(metric.per, source, looked, isAllKnown)}) AS divisor USING (${keys})`;
    case 'active_days':
      return `SELECT ${keys}, count() AS value FROM (${activeDays(source)}) GROUP BY ${keys}`;
    case 'longest_streak':
      return longestStreak(source, metric.weekends === 'count' ? (day) => day : weekdaysBefore);
    default:
      return metric satisfies never;
  }
}

const dayTokens = (classes: readonly TokenClass[], { table, rows, keys }: Source): string =>
  `SELECT ${keys}, day, sum(${tokensOf(classes)}) AS day_tokens FROM ${table} WHERE ${rows} GROUP BY ${keys}, day`;

/** Of each hour what its own minutes bring in. */
const attendedTokens = ({ days }: LookedAt): string => `
  SELECT user_id, day, sum(arraySum(
    (hour_tokens, minutes) -> least(hour_tokens, minutes * {tokens_per_own_minute:UInt64}), t.tokens, t.own_minutes)) AS day_tokens
  FROM attendance AS t WHERE ${days} GROUP BY user_id, day`;

/** In whole millionths of a US dollar, rounded down. */
const costs = (column: 'list_cost_usd' | 'cache_saving_usd', { table, rows, keys }: Source): string =>
  `SELECT ${keys}, toInt64(floor(sum(${column}) * 1000000)) AS value FROM ${table} WHERE ${rows} GROUP BY ${keys}`;

/** The company's share is of everybody, whoever is eligible; of a model family's usage, of its own. */
function cacheShare({ table, rows, keys }: Source, isAllKnown: boolean): string {
  const everybody = keys === 'user_id' ? 'OVER ()' : 'OVER (PARTITION BY family)';
  return `
    SELECT ${keys}, if(inputs + {prior_tokens:UInt64} = 0, 0,
      round((toFloat64(counted) + {prior_tokens:UInt64} * company_share) / (inputs + {prior_tokens:UInt64}), 12)) AS value
    FROM (
      SELECT ${keys}, sum(day_inputs) AS inputs, sum(least(day_reads, {reads_per_output:UInt64} * toUInt128(day_outputs))) AS counted,
        sum(sum(day_inputs)) ${everybody} AS company_inputs, sum(sum(day_reads)) ${everybody} AS company_reads,
        ${isAllKnown ? '{company_share:Float64}' : 'if(company_inputs = 0, 0, company_reads / company_inputs)'} AS company_share
      FROM (
        SELECT ${keys}, day, sum(${INPUTS}) AS day_inputs, sum(cache_read_tokens) AS day_reads, sum(output_tokens) AS day_outputs
        FROM ${table} WHERE ${rows} GROUP BY ${keys}, day
      )
      GROUP BY ${keys}
    )`;
}

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

/**
 * Small families out; the mean daily share of each of the others; the exponential of their entropy. In arrays of each person, as a person's
 * few days and models are grouped in a fraction of the time that it takes to group everybody's.
 */
const effectiveModels = ({ table, rows }: Source): string => `
  SELECT user_id, value, own_active_days FROM (
    SELECT user_id,
      arrayReduce('sumMap', [families], [tokens]) AS of_families,
      arraySum(of_families.2) AS all_tokens,
      arrayFilter((family, own) -> own * 1000 >= {min_share_per_mille:UInt64} * all_tokens, of_families.1, of_families.2) AS kept,
      arrayMap(family -> has(kept, family), families) AS is_kept,
      arrayFilter((family, is) -> is, families, is_kept) AS kept_families,
      arrayFilter((day, is) -> is, days, is_kept) AS kept_days,
      arrayFilter((own, is) -> is, tokens, is_kept) AS kept_tokens,
      arrayReduce('sumMap', [kept_days], [kept_tokens]) AS of_days,
      length(of_days.1) AS own_active_days,
      arrayMap((day, own) -> own / of_days.2[indexOf(of_days.1, day)], kept_days, kept_tokens) AS shares,
      arrayMap(sum -> sum / own_active_days, arrayReduce('sumMap', [kept_families], [shares]).2) AS mean_shares,
      round(exp(-arraySum(share -> share * log(share), mean_shares)), 12) AS value
    FROM (
      SELECT user_id, groupArray(toUInt16(day)) AS days, groupArray(cityHash64(family)) AS families, groupArray(own_tokens) AS tokens
      FROM (SELECT user_id, day, family, ${TOTAL} AS own_tokens FROM ${table} WHERE ${rows})
      WHERE own_tokens > 0
      GROUP BY user_id
    )
  )`;

/** SQL: the weekdays before a day (a number), from some Monday on; as `weekdaysBefore` of libs/titles. */
const weekdaysBefore = (day: string): string => `(5 * intDiv(${day} + 3, 7) + least((${day} + 3) % 7, 5))`;

/**
 * A person's active days in order, cut wherever a day was missed that counts; of the parts the longest.
 *
 * @param daysBefore SQL: how many of the days before a day, which is a number, count as missed when they are not active.
 */
const longestStreak = (source: Source, daysBefore: (day: string) => string): string => `
  SELECT ${source.keys}, arrayMax(arrayMap(streak -> length(streak), arraySplit((day, missed) -> missed > 0, days, arrayMap(
      (day, previous) -> ${daysBefore('day')} - ${daysBefore('(previous + 1)')},
      days, arrayPushFront(arrayPopBack(days), days[1]))))) AS value
  FROM (SELECT ${source.keys}, arraySort(groupArray(toInt64(toUInt16(day)))) AS days FROM (${activeDays(source)}) GROUP BY ${source.keys})`;
