import { asksBefore, standingsNeeded, type TierFigures, type TitleRule, type UsageHistory } from '@laurel/titles';
import { dayKey, dayOf, dayStartMs, windowBefore, windowOf, type Day } from '@laurel/usage';
import type { ClickHouseClient } from '@clickhouse/client';
import type { ClickHouseConnection } from '../client.js';
import { isErased } from '../erasures.js';
import { COUNTED } from '../projections.js';
import { TOTAL } from '../sql.js';
import { CopyDatabase, MEASURES } from './copy-database.js';
import { nothingTogether } from './facts.js';
import { mediansOf } from './outcome-facts.js';
import { PastHours } from './past-hours.js';
import { PastLeaders, type MediansAt } from './past-leaders.js';
import { rankedByValue, sketchedStandings, standingsOf, titleMeasurement, titleStandings } from './standings.js';
import { inParts, PEOPLE_AT_ONCE, tierFigures, TierReader } from './tiers.js';

const FIRST_HOUR = "toDateTime(day, 'UTC')";
const INSTANT = '(SELECT argMax(at, step) FROM instants)';

/** What is looked back to. */
export interface PastRange {
  readonly rules: readonly TitleRule[];
  /** Whole hours, ms since the epoch, ascending; at least one. */
  readonly instants: readonly number[];
}

/**
 * A copy of the figures that titles are judged by, in a database of its own, whose views show them as they were at an earlier
 * instant: of usage that had occurred by then. What came late or was corrected since is there as it is known now; people are hidden,
 * named and erased as they are now.
 *
 * Queries of titles work in it as in the live database.
 */
export class Past implements UsageHistory {
  private readonly tierReader = new TierReader();
  private step = 0;
  private instantMs: number | undefined;
  private leaders: PastLeaders | undefined;

  private constructor(private readonly copy: CopyDatabase) {}

  /** Sees usage before the instant last gone to; none at first. */
  get client(): ClickHouseClient {
    return this.copy.client;
  }

  /**
   * Takes the copy: as long as the live database needs to read these days once. And finds in it the best at each instant.
   *
   * @param onPeople how many people were looked at.
   * @param signal ends it early; it then throws the signal's reason.
   */
  static async open(
    live: ClickHouseClient,
    connection: ClickHouseConnection,
    { rules, instants }: PastRange,
    onPeople: (count: number) => void = () => undefined,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<Past> {
    const [firstMs, lastMs] = [instants[0], instants.at(-1)];
    if (firstMs === undefined || lastMs === undefined) throw new RangeError('there is no instant to look back to');
    const range = { firstMs, lastMs, from: firstDayNeeded(rules, firstMs) };
    const copy = await CopyDatabase.create(live, connection, 'past', (from) => statements(from, range));
    const past = new Past(copy);
    try {
      const hours = await PastHours.open(past.client, rules);
      // From there all days before the windows of all instants are seen whole.
      await past.goTo(lastMs);
      past.leaders = await PastLeaders.find(hours, rules, instants, past.mediansAt, onPeople, signal);
      return past;
    } catch (error) {
      await past.close();
      throw error;
    }
  }

  /** @param instantMs the end of an hour. */
  async goTo(instantMs: number): Promise<void> {
    if (instantMs === this.instantMs) return;
    this.step += 1;
    await this.client.insert({
      table: 'instants',
      format: 'JSONEachRow',
      values: [{ step: this.step, at: Math.floor(instantMs / 1000) }],
    });
    this.instantMs = instantMs;
  }

  readonly standings: UsageHistory['standings'] = async (rule, window, holders, atMs) => {
    await this.goTo(atMs);
    const best = this.leaders?.at(rule, holders, atMs);
    const median = this.leaders?.medianBefore(rule, atMs);
    const everybody = median === undefined ? undefined : { ...nothingTogether, medianBefore: () => median };
    if (best?.areRanksTrue !== true) {
      return titleStandings(this.client, rule, window, holders, standingsNeeded(rule), everybody);
    }
    const candidates = best.standings.map(({ userId, rank }) => ({ user_id: userId, part: '', rank: String(rank) }));
    const byScope = await standingsOf(this.client, rule, window, holders, candidates, everybody);
    return new Map([...byScope].map(([scope, standings]) => [scope, rankedByValue(standings)]));
  };

  readonly sketch: UsageHistory['sketch'] = async (rule, window, holders, atMs) => {
    const best = this.leaders?.at(rule, holders, atMs);
    if (best !== undefined) return new Map([['company', best.standings]]);
    await this.goTo(atMs);
    return sketchedStandings(this.client, rule, window, holders);
  };

  readonly value: UsageHistory['value'] = async (rule, userId, window, scope, atMs) => {
    await this.goTo(atMs);
    return (await titleMeasurement(this.client, rule, userId, window, scope))?.value ?? 0;
  };

  readonly tierFigures: UsageHistory['tierFigures'] = async (rule, window, tiers, atMs) => {
    await this.goTo(atMs);
    const candidates = await this.tierReader.candidates(this.client, rule, window, tiers);
    const figures: TierFigures[] = [];
    for (const some of inParts(candidates, PEOPLE_AT_ONCE)) {
      figures.push(...(await tierFigures(this.client, rule, window, some)));
    }
    return figures;
  };

  readonly mayTiersChange: UsageHistory['mayTiersChange'] = async (rule, window, tiers, atMs) => {
    await this.goTo(atMs);
    return (await this.tierReader.candidates(this.client, rule, window, tiers)).length > 0;
  };

  /** The part of all counted tokens of some days that these people used, before the instant gone to; 0 of none. */
  async shareOfTokens(users: readonly string[], first: Day, last: Day): Promise<number> {
    const result = await this.client.query({
      query: `SELECT if(sum(tokens) = 0, 0, sumIf(tokens, user_id IN {users:Array(String)}) / sum(tokens)) AS share
              FROM (SELECT user_id, ${TOTAL} AS tokens FROM usage_by_day
                    WHERE day BETWEEN {first:Date} AND {last:Date})`,
      query_params: { users, first: dayKey(first), last: dayKey(last) },
      format: 'JSONEachRow',
    });
    return (await result.json<{ share: number }>())[0]?.share ?? 0;
  }

  private readonly mediansAt: MediansAt = (rule, metric, instants) =>
    mediansOf(
      this.client,
      metric,
      instants.map((atMs) => windowBefore(windowOf(rule.window, atMs))),
      rule,
    );

  /** Drops the copy. */
  async close(): Promise<void> {
    await this.copy.drop();
  }
}

/** From which day on rules look at usage, from an instant on; undefined: all of history. */
export function firstDayNeeded(
  rules: readonly Pick<TitleRule, 'metric' | 'window' | 'eligibility'>[],
  firstMs: number,
): Day | undefined {
  const days = rules.map(({ metric, window: name, eligibility }) => {
    if (name === 'all' || eligibility.min_tenure_days > 0) return undefined;
    const window = windowOf(name, firstMs);
    return (asksBefore(metric.kind) ? windowBefore(window) : window).firstDay;
  });
  const known = days.filter((day) => day !== undefined);
  return known.length < days.length ? undefined : (Math.min(...known, dayOf(firstMs)) as Day);
}

interface CopiedRange {
  readonly firstMs: number;
  readonly lastMs: number;
  /** All of history, if it is undefined. */
  readonly from: Day | undefined;
}

/** Of few people at a time, who have few rows. */
const byPerson = (time: 'day' | 'hour'): string =>
  `ENGINE = MergeTree ORDER BY (user_id, ${time}) SETTINGS index_granularity = 1024`;

/**
 * Days whole from the day views, those of the instants by their hours; in tables of hours a day that is only looked at as a whole is in its
 * first one. Rows are not added up here: whoever reads them does that, and to do it for everybody takes longer than all else.
 */
function statements(live: string, { firstMs, lastMs, from }: CopiedRange): readonly string[] {
  const [first, last] = [dayOf(firstMs), dayOf(lastMs)];
  const firstHour = `toDateTime(${dayStartMs(first) / 1000}, 'UTC')`;
  const endHour = `toDateTime(${dayStartMs((last + 1) as Day) / 1000}, 'UTC')`;
  const since = from === undefined ? '' : `day >= '${dayKey(from)}' AND `;
  const days = `${since}day <= '${dayKey(last)}'`;
  const before = `day < '${dayKey(first)}'`;
  const view = (name: string, days: string, keys: string): string => `
    CREATE VIEW ${name} AS
    SELECT day, ${keys}, true AS counted, ${MEASURES} FROM ${days} WHERE day < toDate(${INSTANT}, 'UTC')
    UNION ALL
    SELECT toDate(hour, 'UTC') AS day, ${keys}, true AS counted, ${MEASURES} FROM hours
    WHERE hour >= toStartOfDay(${INSTANT}, 'UTC') AND hour < ${INSTANT}`;
  return [
    "CREATE TABLE instants (step UInt64, at DateTime('UTC')) ENGINE = Memory",
    `CREATE TABLE user_days ${byPerson('day')} AS
     SELECT day, user_id, team, ${MEASURES} FROM ${live}.usage_by_day WHERE counted AND ${days}`,
    `CREATE TABLE model_days ${byPerson('day')} AS
     SELECT day, user_id, provider, model, ${MEASURES} FROM ${live}.model_usage_by_day WHERE counted AND ${days}`,
    `CREATE TABLE hours ${byPerson('hour')} AS
     SELECT hour, user_id, team, provider, model, ${MEASURES} FROM ${live}.usage
     WHERE ${COUNTED} AND hour >= ${firstHour} AND hour < ${endHour}`,
    `INSERT INTO hours SELECT ${FIRST_HOUR} AS hour, user_id, '' AS team, provider, model, ${MEASURES} FROM model_days WHERE ${before}`,
    `CREATE TABLE session_hours ${byPerson('hour')} AS
     SELECT day, hour, user_id, session_id, active_minutes FROM ${live}.session_activity WHERE ${days}`,
    view('usage_by_day', 'user_days', 'user_id, team'),
    view('model_usage_by_day', 'model_days', 'user_id, provider, model'),
    `CREATE VIEW session_activity AS SELECT * FROM session_hours WHERE hour < ${INSTANT}`,
    `CREATE TABLE outcome_days ${byPerson('day')} AS
     SELECT day, user_id, kind, quantity FROM ${live}.outcomes WHERE ${days}`,
    `CREATE TABLE outcome_hours ${byPerson('hour')} AS
     SELECT toStartOfHour(occurred_at) AS hour, user_id, kind, quantity FROM ${live}.outcome_events FINAL
     WHERE toDate(occurred_at) BETWEEN '${dayKey(first)}' AND '${dayKey(last)}' AND NOT retracted AND NOT ${isErased(`${live}.erasures`)}
     SETTINGS do_not_merge_across_partitions_select_final = 1`,
    `INSERT INTO outcome_hours SELECT ${FIRST_HOUR} AS hour, user_id, kind, quantity FROM outcome_days WHERE ${before}`,
    `CREATE VIEW outcomes AS
     SELECT day, user_id, kind, quantity FROM outcome_days WHERE day < toDate(${INSTANT}, 'UTC')
     UNION ALL
     SELECT toDate(hour, 'UTC') AS day, user_id, kind, quantity FROM outcome_hours
     WHERE hour >= toStartOfDay(${INSTANT}, 'UTC') AND hour < ${INSTANT}`,
    `CREATE TABLE attended_days ${byPerson('day')} AS
     SELECT day, user_id, hours, tokens, own_minutes FROM ${live}.attendance WHERE ${days}`,
    `CREATE VIEW attendance AS
     SELECT day, user_id, hours, tokens, own_minutes FROM attended_days WHERE day < toDate(${INSTANT}, 'UTC')
     UNION ALL
     SELECT day, user_id, arrayFilter(hour -> hour < toHour(${INSTANT}), hours) AS hours,
       arrayFilter((one, hour) -> hour < toHour(${INSTANT}), tokens, attended_days.hours) AS tokens,
       arrayFilter((one, hour) -> hour < toHour(${INSTANT}), own_minutes, attended_days.hours) AS own_minutes
     FROM attended_days WHERE day = toDate(${INSTANT}, 'UTC')`,
    `CREATE TABLE flagged_days ${byPerson('day')} AS
     SELECT day, user_id, signal, evidence, counts FROM ${live}.fair_play_flags
     WHERE NOT counts AND ${since}day < '${dayKey(last)}'`,
    // A day has its signals once it is closed.
    `CREATE VIEW fair_play_flags AS SELECT * FROM flagged_days WHERE day < toDate(${INSTANT}, 'UTC')`,
  ];
}
