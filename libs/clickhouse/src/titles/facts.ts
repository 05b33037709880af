import type { ClickHouseClient } from '@clickhouse/client';
import { tokenFields, type TokenCounts } from '@laurel/events';
import {
  asksBefore,
  asksEverybody,
  asksHours,
  asksOutcomes,
  asksSessions,
  countedPeople,
  groupBy,
  type ModelDay,
  type PersonFacts,
  type TitleRule,
  type WindowFacts,
} from '@laurel/titles';
import {
  addCosts,
  addFigures,
  hourInDay,
  modelFamily,
  noCosts,
  noFigures,
  parseDayKey,
  picoUsdOf,
  windowBefore,
  type AttendedHour,
  type CostFigures,
  type Day,
  type Figures,
  type Minute,
  type SessionMinutes,
  type Window,
} from '@laurel/usage';
import { allEnded } from './all-ended.js';
import { teamOfEach, TENURE } from './candidates.js';
import { beforeOf, medianOf, outcomesOf } from './outcome-facts.js';
import { LEFT_OUT, leftOutParams, lookedAt, windowParams, type LookedAt } from './window-sql.js';

type CountColumns = Readonly<Record<`${keyof TokenCounts}_tokens`, string>> & {
  readonly events: string;
  readonly cost_micro_usd: string;
};

const SUMS = [...tokenFields.map((field) => `${field}_tokens`), 'events', 'cost_micro_usd']
  .map((column) => `sum(t.${column}) AS ${column}`)
  .join(', ');

/** Decimals as text, as a JSON number would round them. */
export const COSTS = `toString(sum(t.list_cost_usd)) AS list_cost_usd, toString(sum(t.cache_saving_usd)) AS cache_saving_usd,
  sum(t.unpriced_events) AS unpriced_events`;

export interface CostColumns {
  readonly list_cost_usd: string;
  readonly cache_saving_usd: string;
  readonly unpriced_events: string;
}

export const costsOfRow = (row: CostColumns): CostFigures => ({
  listCost: picoUsdOf(row.list_cost_usd),
  cacheSaving: picoUsdOf(row.cache_saving_usd),
  unpricedEvents: Number(row.unpriced_events),
});

const MAX_MODELS = 10_000;

/** Sums come as quoted 64-bit integers, so that none is rounded. */
export function figuresOfRow(row: CountColumns): Figures {
  const tokens = { ...noFigures.tokens } as Record<keyof TokenCounts, bigint>;
  for (const field of tokenFields) tokens[field] = BigInt(row[`${field}_tokens`]);
  return { events: Number(row.events), tokens, costMicroUsd: BigInt(row.cost_micro_usd) };
}

type FairPlay = Pick<TitleRule, 'fair_play'>;

/**
 * What a rule's metric needs to know of these people, and of everybody together.
 *
 * @param ofEverybody where that is known.
 */
export async function windowFacts(
  client: ClickHouseClient,
  rule: TitleRule,
  users: readonly string[],
  window: Window,
  ofEverybody?: EverybodyFacts,
): Promise<WindowFacts> {
  const [people, everybody] = await Promise.all([
    personFacts(client, users, window, askedBy([rule])),
    ofEverybody ?? everybodyFacts(client, rule, window),
  ]);
  return { ...everybody, people: countedPeople(rule, people) };
}

/**
 * What titles need to know of these people, by their rules: read once for all titles that look at the same days. More than a title asks for
 * may be there.
 */
export async function factsOfTitles(
  client: ClickHouseClient,
  users: readonly string[],
  titles: readonly { readonly rule: TitleRule; readonly window: Window }[],
): Promise<ReadonlyMap<TitleRule, readonly PersonFacts[]>> {
  const sameDays = groupBy(titles, ({ rule, window }) => JSON.stringify([window, rule.fair_play]));
  const facts = [...sameDays.values()].map(async (own) => {
    const { window } = own[0] as (typeof own)[number];
    const rules = own.map(({ rule }) => rule);
    const people = await personFacts(client, users, window, askedBy(rules));
    return rules.map((rule) => [rule, people] as const);
  });
  return new Map((await allEnded(facts)).flat());
}

/** What not every title asks for: it is not read then, and 0 or none. */
export interface AskedFacts extends FairPlay {
  readonly sessions: boolean;
  readonly team: boolean;
  /** Takes a look at all of the history. */
  readonly tenure: boolean;
  readonly hours: boolean;
  readonly outcomes: boolean;
  /** As many days before the window. */
  readonly before: boolean;
}

/** What rules ask for together; they leave out the same days. */
export const askedBy = (
  rules: readonly Pick<TitleRule, 'metric' | 'scope' | 'eligibility' | 'fair_play'>[],
): AskedFacts => {
  const fairPlay = rules[0]?.fair_play;
  return {
    ...(fairPlay === undefined ? {} : { fair_play: fairPlay }),
    sessions: rules.some(({ metric, eligibility }) => eligibility.min_sessions > 0 || asksSessions(metric)),
    team: rules.some(({ scope }) => scope === 'each_team'),
    tenure: rules.some(({ eligibility }) => eligibility.min_tenure_days > 0),
    hours: rules.some(({ metric }) => asksHours(metric)),
    outcomes: rules.some(({ metric }) => asksOutcomes(metric.kind)),
    before: rules.some(({ metric }) => asksBefore(metric.kind)),
  };
};

export type EverybodyFacts = Omit<WindowFacts, 'people'>;

/** For metrics that don't ask for everybody's figures together. */
export const nothingTogether: Pick<WindowFacts, 'company' | 'families'> = { company: noFigures, families: new Map() };

type AskedTogether = Pick<TitleRule, 'metric' | 'usage' | 'scope' | 'fair_play'>;

/** Equal for rules that need to know the same of everybody together, see `everybodyFacts`. */
export function everybodyKey({ metric, usage, scope, fair_play: fairPlay }: AskedTogether, window: Window): string {
  const together = asksEverybody(metric.kind) && [usage, scope === 'each_model_family'];
  return JSON.stringify([window, fairPlay, together, asksBefore(metric.kind) && metric]);
}

/** What a rule's metric needs to know of everybody together. */
export async function everybodyFacts(
  client: ClickHouseClient,
  rule: AskedTogether,
  window: Window,
): Promise<EverybodyFacts> {
  const { metric } = rule;
  const [ofCompany, median] = await Promise.all([
    asksEverybody(metric.kind) ? companyFacts(client, rule, window) : nothingTogether,
    metric.kind === 'thrift_gain' ? medianOf(client, metric, windowBefore(window), rule) : null,
  ]);
  return { ...ofCompany, medianBefore: () => median };
}

async function companyFacts(
  client: ClickHouseClient,
  rule: Pick<TitleRule, 'usage' | 'scope' | 'fair_play'>,
  window: Window,
): Promise<Pick<WindowFacts, 'company' | 'families'>> {
  if (rule.usage === undefined && rule.scope !== 'each_model_family') {
    return { company: await companyFigures(client, window, rule), families: new Map() };
  }
  const families = await familyFigures(client, rule, window);
  return { company: [...families.values()].reduce(addFigures, noFigures), families };
}

/** Everybody's counted events in the window, as far as they count for a title, summed by model family. */
async function familyFigures(
  client: ClickHouseClient,
  rule: Pick<TitleRule, 'usage' | 'fair_play'>,
  window: Window,
): Promise<ReadonlyMap<string, Figures>> {
  const { usage } = rule;
  const result = await client.query({
    query: `SELECT t.model AS model, ${SUMS} FROM model_usage_by_day AS t
            WHERE t.counted AND ${lookedAt(rule).days}
              ${usage?.providers === undefined ? '' : 'AND t.provider IN {providers:Array(String)}'}
            GROUP BY model`,
    query_params: { ...windowParams(window), ...leftOutParams(rule), ...usage },
    format: 'JSONEachRow',
  });
  const families = new Map<string, Figures>();
  for (const row of await result.json<CountColumns & { model: string }>()) {
    const family = modelFamily(row.model);
    if (usage?.model_families?.includes(family) === false) continue;
    families.set(family, addFigures(families.get(family) ?? noFigures, figuresOfRow(row)));
  }
  return families;
}

/** Everybody's counted events in the window, summed; but for the days that the rule leaves out. */
async function companyFigures(client: ClickHouseClient, window: Window, rule: FairPlay): Promise<Figures> {
  const result = await client.query({
    query: `SELECT ${SUMS} FROM usage_by_day AS t WHERE t.counted AND ${lookedAt(rule).days}`,
    query_params: { ...windowParams(window), ...leftOutParams(rule) },
    format: 'JSONEachRow',
  });
  const [row] = await result.json<CountColumns>();
  return row === undefined ? noFigures : figuresOfRow(row);
}

/** The most used models of the window, in events; many more than anybody uses who doesn't make names up. */
export async function modelsOf(client: ClickHouseClient, window: Window): Promise<readonly string[]> {
  const result = await client.query({
    query: `SELECT model FROM model_usage_by_day WHERE counted AND day BETWEEN {first_day:Date} AND {last_day:Date}
            GROUP BY model ORDER BY sum(events) DESC, model LIMIT ${MAX_MODELS}`,
    query_params: windowParams(window),
    format: 'JSONEachRow',
  });
  return (await result.json<{ model: string }>()).map(({ model }) => model);
}

/** What the metrics of libs/titles need to know of each of these people; those without a counted event are left out. */
export async function personFacts(
  client: ClickHouseClient,
  users: readonly string[],
  window: Window,
  asked: AskedFacts,
): Promise<readonly PersonFacts[]> {
  if (users.length === 0) return [];
  const query_params = { ...windowParams(window), ...leftOutParams(asked), users };
  const looked = lookedAt(asked);
  const [usage, sessions, teams, tenure, hours, leftOut, outcomes, before] = await Promise.all([
    client.query({
      query: `SELECT t.user_id AS user_id, toString(t.day) AS day_key, t.provider AS provider, t.model AS model, ${SUMS}, ${COSTS}
              FROM model_usage_by_day AS t
              WHERE t.counted AND ${looked.days} AND t.user_id IN {users:Array(String)}
              GROUP BY user_id, day_key, provider, model`,
      query_params,
      format: 'JSONEachRow',
    }),
    asked.sessions ? sessionsOf(client, query_params, looked) : undefined,
    asked.team ? teamsOf(client, query_params, looked) : undefined,
    asked.tenure ? tenureOf(client, query_params) : undefined,
    asked.hours ? hoursOf(client, query_params, looked.days) : undefined,
    asked.fair_play === undefined ? undefined : leftOutDays(client, query_params),
    asked.outcomes ? outcomesOf(client, users, window, asked) : undefined,
    asked.before ? beforeOf(client, users, windowBefore(window), asked) : undefined,
  ]);
  const rows = new Map<string, ModelDay[]>();
  for (const row of await usage.json<
    CountColumns & CostColumns & { user_id: string; day_key: string; provider: string; model: string }
  >()) {
    const day = parseDayKey(row.day_key);
    if (day === undefined) throw new Error(`ClickHouse returned the day ${row.day_key}`);
    const own = rows.get(row.user_id) ?? [];
    const { user_id: userId, provider, model } = row;
    own.push({ userId, day, provider, model, figures: figuresOfRow(row), costs: costsOfRow(row) });
    rows.set(userId, own);
  }
  return [...rows].map(([userId, own]) => {
    const ownSessions = [...(sessions?.get(userId)?.values() ?? [])];
    return {
      userId,
      team: teams?.get(userId) ?? null,
      rows: own,
      figures: own.reduce((sum, { figures }) => addFigures(sum, figures), noFigures),
      costs: own.reduce((sum, { costs }) => addCosts(sum, costs), noCosts),
      sessions: ownSessions.length,
      sessionMinutes: ownSessions.filter(({ minutes }) => minutes.length > 0),
      hours: hours?.get(userId) ?? [],
      leftOutDays: leftOut?.get(userId) ?? 0,
      tenureDays: tenure?.get(userId) ?? 0,
      outcomes: outcomes?.get(userId) ?? [],
      before: before?.get(userId) ?? { tokens: 0n, outcomes: [] },
    };
  });
}

async function sessionsOf(
  client: ClickHouseClient,
  query_params: Readonly<Record<string, unknown>>,
  { days }: LookedAt,
): Promise<ReadonlyMap<string, ReadonlyMap<string, SessionMinutes>>> {
  const result = await client.query({
    query: `SELECT user_id, session_id, intDiv(toUnixTimestamp(hour), 60) AS first_minute,
              bitPositionsToArray(active_minutes) AS active
            FROM session_activity
            WHERE ${days} AND user_id IN {users:Array(String)}
            ORDER BY user_id, session_id, hour`,
    query_params,
    format: 'JSONEachRow',
  });
  return sessionsByUser(await result.json<SessionHour>());
}

async function teamsOf(
  client: ClickHouseClient,
  query_params: Readonly<Record<string, unknown>>,
  looked: Pick<LookedAt, 'days'>,
): Promise<ReadonlyMap<string, string>> {
  const result = await client.query({
    query: teamOfEach({ days: `${looked.days} AND user_id IN {users:Array(String)}` }),
    query_params,
    format: 'JSONEachRow',
  });
  const rows = await result.json<{ user_id: string; team: string }>();
  return new Map(rows.map((row) => [row.user_id, row.team]));
}

async function tenureOf(
  client: ClickHouseClient,
  query_params: Readonly<Record<string, unknown>>,
): Promise<ReadonlyMap<string, number>> {
  const result = await client.query({
    query: `SELECT user_id, tenure_days FROM (${TENURE}) WHERE user_id IN {users:Array(String)}`,
    query_params,
    format: 'JSONEachRow',
  });
  const rows = await result.json<{ user_id: string; tenure_days: number }>();
  return new Map(rows.map((row) => [row.user_id, row.tenure_days]));
}

async function leftOutDays(
  client: ClickHouseClient,
  query_params: Readonly<Record<string, unknown>>,
): Promise<ReadonlyMap<string, number>> {
  const result = await client.query({
    query: `SELECT user_id, toUInt32(uniqExact(day)) AS days FROM (${LEFT_OUT}) WHERE user_id IN {users:Array(String)} GROUP BY user_id`,
    query_params,
    format: 'JSONEachRow',
  });
  return new Map((await result.json<{ user_id: string; days: number }>()).map((row) => [row.user_id, row.days]));
}

async function hoursOf(
  client: ClickHouseClient,
  query_params: Readonly<Record<string, unknown>>,
  lookedAtDays: string,
): Promise<ReadonlyMap<string, readonly AttendedHour[]>> {
  const result = await client.query({
    query: `SELECT t.user_id AS user_id, toUInt32(toRelativeDayNum(t.day)) AS day_number, t.hours AS hours, t.tokens AS tokens,
              t.own_minutes AS own_minutes
            FROM attendance AS t
            WHERE ${lookedAtDays} AND t.user_id IN {users:Array(String)}`,
    query_params,
    format: 'JSONEachRow',
  });
  const hours = new Map<string, AttendedHour[]>();
  for (const row of await result.json<AttendedDay>()) {
    const own = hours.get(row.user_id) ?? [];
    hours.set(row.user_id, own);
    row.hours.forEach((hour, index) => {
      own.push({
        userId: row.user_id,
        hour: hourInDay(row.day_number as Day, hour),
        tokens: BigInt(row.tokens[index] ?? 0),
        ownMinutes: row.own_minutes[index] ?? 0,
      });
    });
  }
  return hours;
}

/** Some hours of a day; the lists are equally long. */
interface AttendedDay {
  readonly user_id: string;
  readonly day_number: number;
  readonly hours: readonly number[];
  readonly tokens: readonly string[];
  readonly own_minutes: readonly number[];
}

interface SessionHour {
  readonly user_id: string;
  readonly session_id: string;
  readonly first_minute: number;
  /** Minutes of the hour, ascending. */
  readonly active: readonly string[];
}

/** Rows come in the order of their hours, so the minutes are ascending. */
function sessionsByUser(hours: readonly SessionHour[]): ReadonlyMap<string, ReadonlyMap<string, SessionMinutes>> {
  const users = new Map<string, Map<string, { userId: string; sessionId: string; minutes: Minute[] }>>();
  for (const { user_id: userId, session_id: sessionId, first_minute, active } of hours) {
    const sessions = users.get(userId) ?? new Map<string, { userId: string; sessionId: string; minutes: Minute[] }>();
    const session = sessions.get(sessionId) ?? { userId, sessionId, minutes: [] };
    for (const minute of active) session.minutes.push((first_minute + Number(minute)) as Minute);
    sessions.set(sessionId, session);
    users.set(userId, sessions);
  }
  return users;
}
