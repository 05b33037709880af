import { tokenFields } from '@laurel/events';
import { DATED_MODEL, thresholds, type SignalId } from '@laurel/fair-play';
import { dayKey, type Day } from '@laurel/usage';
import { IS_ERASED } from '../erasures.js';
import { COUNTED, type Statement } from '../projections.js';
import { literal, TOTAL } from '../sql.js';

/** What signals rest on, and are recomputed by: see `0009_fair_play.sql`. */
export const signalParts = ['hours', 'days', 'history', 'log'] as const;
export type SignalPart = (typeof signalParts)[number];

/** How many days before its own a part looks at. */
export const LOOKS_BACK: Readonly<Record<SignalPart, number>> = {
  hours: 1,
  days: 0,
  history: thresholds.spike.historyDays,
  log: 0,
};

const date = (day: number): string => `toDate('${dayKey(day as Day)}')`;
const startOf = (day: number): string => `toDateTime(${day * 86_400}, 'UTC')`;

/** SQL: the roll that the head of a day names, of the days from one to another. */
const isHead = (from: number, to: number): string =>
  `day BETWEEN ${date(from)} AND ${date(to)} AND (toDateTime(day, 'UTC'), roll_id) IN (
    SELECT bucket, max(roll_id) FROM roll_heads WHERE grain = 'day' AND bucket BETWEEN ${startOf(from)} AND ${startOf(to)} GROUP BY bucket)`;

/**
 * Runs of the hours or minutes in an array that is sorted by them, those alone that end in the day: best first.
 *
 * @param place SQL of an item's place.
 */
const runs = (items: string, place: (item: string) => string, step: number, dayStart: number): string =>
  `arrayFilter(run -> ${place('run[-1]')} >= ${dayStart},
     arraySplit((item, gap) -> gap > ${step}, ${items}, arrayDifference(arrayMap(item -> toInt64(${place('item')}), ${items}))))`;

interface SignalQuery {
  readonly signal: SignalId;
  /** SQL that gives `user_id` and the evidence's figures, under their names. */
  readonly select: string;
  readonly figures: readonly string[];
}

/** The same as the definitions in libs/fair-play; a test holds both together. */
const queriesOf: Readonly<Record<SignalPart, (day: Day) => readonly SignalQuery[]>> = {
  hours: (day) => [unattendedRun(day), unbrokenRun(day), roundTheClock(day)],
  days: (day) => [replayedPrefix(day), tinyModels(day), beforeRelease(day)],
  history: (day) => [spike(day)],
  log: (day) => [repeatedShape(day), sameInstant(day)],
};

function unattendedRun(day: Day): SignalQuery {
  const { hours, tokens } = thresholds.unattended_run;
  return {
    signal: 'unattended_run',
    figures: ['run_start', 'hours', 'tokens'],
    select: `
      SELECT user_id, toInt64(best[1].1) * 3600000 AS run_start, length(best) AS hours, arraySum(hour -> hour.2, best) AS tokens
      FROM (
        SELECT user_id, arraySort(run -> (-toInt64(length(run)), run[1].1),
          arrayFilter(run -> length(run) >= ${hours} AND arraySum(hour -> hour.2, run) >= ${tokens},
            ${runs('idle', (hour) => `${hour}.1`, 1, day * 24)}))[1] AS best
        FROM (
          SELECT user_id, arraySort(arrayFilter(hour -> hour.2 > 0 AND hour.3 = 0, arrayFlatten(groupArray(
            arrayMap((hour, used, own) -> (toUInt32(day) * 24 + hour, used, own), hours, tokens, own_minutes))))) AS idle
          FROM attendance_rolls WHERE ${isHead(day - 1, day)} GROUP BY user_id
        )
      )
      WHERE length(best) > 0`,
  };
}

function unbrokenRun(day: Day): SignalQuery {
  const { minutes, pauseMinutes } = thresholds.unbroken_run;
  const [from, to] = [startOf(day - 1), startOf(day + 1)];
  return {
    signal: 'unbroken_run',
    figures: ['run_start', 'minutes', 'own_minutes'],
    select: `
      SELECT user_id, best[1] * 60000 AS run_start, best[-1] - best[1] + 1 AS minutes, length(best) AS own_minutes
      FROM (
        SELECT user_id, arraySort(run -> (run[1] - run[-1], run[1]), arrayFilter(run -> run[-1] - run[1] + 1 >= ${minutes},
          ${runs('own', (minute) => minute, pauseMinutes, day * 1440)}))[1] AS best
        FROM (
          SELECT user_id, arraySort(arrayFlatten(groupArray(arrayMap(bit -> toInt64(intDiv(toUnixTimestamp(hour), 60)) + toInt64(bit), bitPositionsToArray(bits))))) AS own
          FROM (
            SELECT user_id, hour, groupBitOr(active_minutes) AS bits FROM session_rolls
            WHERE hour >= ${from} AND hour < ${to} AND (hour, roll_id) IN (
              SELECT bucket, max(roll_id) FROM roll_heads WHERE grain = 'hour' AND bucket >= ${from} AND bucket < ${to} GROUP BY bucket)
            GROUP BY user_id, hour HAVING bits != 0
          )
          GROUP BY user_id HAVING count() * 60 >= ${minutes}
        )
      )
      WHERE length(best) > 0`,
  };
}

const roundTheClock = (day: Day): SignalQuery => ({
  signal: 'round_the_clock',
  figures: ['own_hours'],
  select: `
    SELECT user_id, sum(arrayCount(own -> own > 0, own_minutes)) AS own_hours FROM attendance_rolls WHERE ${isHead(day, day)}
    GROUP BY user_id HAVING own_hours >= ${thresholds.round_the_clock.ownHours}`,
});

function replayedPrefix(day: Day): SignalQuery {
  const { cacheRead, readsPerOutputAbove } = thresholds.replayed_prefix;
  return {
    signal: 'replayed_prefix',
    figures: ['cache_read', 'output'],
    select: `
      SELECT user_id, sum(cache_read_tokens) AS cache_read, sum(output_tokens) AS output FROM day_user_rolls WHERE counted AND ${isHead(day, day)}
      GROUP BY user_id HAVING cache_read >= ${cacheRead} AND cache_read > toUInt128(output) * ${readsPerOutputAbove}`,
  };
}

function tinyModels(day: Day): SignalQuery {
  const { models, perMilleBelow } = thresholds.tiny_models;
  return {
    signal: 'tiny_models',
    figures: ['models', 'tiny_models', 'tokens'],
    select: `
      SELECT user_id, count() AS models, countIf(toUInt128(used) * 1000 < toUInt128(all_used) * ${perMilleBelow}) AS tiny_models, any(all_used) AS tokens
      FROM (
        SELECT user_id, used, sum(used) OVER (PARTITION BY user_id) AS all_used, count() OVER (PARTITION BY user_id) AS all_models
        FROM (
          SELECT user_id, model, sum(${TOTAL}) AS used FROM day_model_rolls WHERE counted AND ${isHead(day, day)} GROUP BY user_id, model
        )
      )
      WHERE all_models >= ${models}
      GROUP BY user_id HAVING tiny_models >= ${models}`,
  };
}

const beforeRelease = (day: Day): SignalQuery => ({
  signal: 'before_release',
  figures: ['model', 'released', 'calls'],
  select: `
    SELECT user_id, model, released, calls
    FROM (
      SELECT user_id, model, sum(events) AS calls, arrayStringConcat(arraySlice(extractGroups(model, ${literal(DATED_MODEL)}), 1, 3), '-') AS released
      FROM day_model_rolls WHERE counted AND ${isHead(day, day)} GROUP BY user_id, model
      HAVING released > '${dayKey((day + thresholds.before_release.daysAbove) as Day)}'
    )
    ORDER BY user_id, released DESC, model ASC LIMIT 1 BY user_id`,
});

function spike(day: Day): SignalQuery {
  const { tokens, times, historyDays, activeDays, teamPeople } = thresholds.spike;
  return {
    signal: 'spike',
    figures: ['tokens', 'own_median', 'active_days', 'team_median', 'team_people'],
    select: `
      WITH of_team AS (
        SELECT user_id, sum(team_tokens) AS today,
          argMin(team, (-toInt128(if(team = '', 0, team_tokens)), team = '', team)) AS own_team
        FROM (SELECT user_id, team, sum(${TOTAL}) AS team_tokens FROM day_user_rolls WHERE counted AND ${isHead(day, day)} GROUP BY user_id, team)
        GROUP BY user_id
      )
      SELECT user_id, today AS tokens, own_median, active_days,
        if(people >= ${teamPeople}, toString(median), '') AS team_median, if(people >= ${teamPeople}, toString(people), '') AS team_people
      FROM (SELECT user_id, today, own_team FROM of_team WHERE today >= ${tokens}) AS many
      INNER JOIN (
        SELECT user_id, quantileExactLow(0.5)(used) AS own_median, count() AS active_days
        FROM (
          SELECT user_id, day, sum(${TOTAL}) AS used FROM day_user_rolls
          WHERE counted AND ${isHead(day - historyDays, day - 1)} AND user_id IN (SELECT user_id FROM of_team WHERE today >= ${tokens})
          GROUP BY user_id, day HAVING used > 0
        )
        GROUP BY user_id HAVING active_days >= ${activeDays}
      ) AS usual USING user_id
      LEFT JOIN (
        SELECT own_team, quantileExactLow(0.5)(today) AS median, count() AS people FROM of_team WHERE own_team != '' AND today > 0 GROUP BY own_team
      ) AS teams USING own_team
      WHERE today >= own_median * ${times} AND (people < ${teamPeople} OR today >= median * ${times})`,
  };
}

const SHAPE = ['provider', 'model', ...tokenFields.map((field) => `${field}_tokens`)].join(', ');

const loggedOn = (day: Day): string =>
  `usage_events FINAL WHERE toDate(occurred_at) = ${date(day)} AND NOT retracted AND ${COUNTED}`;

function repeatedShape(day: Day): SignalQuery {
  const { calls, tokens } = thresholds.repeated_shape;
  return {
    signal: 'repeated_shape',
    figures: ['calls', 'all_calls', 'model', 'tokens'],
    select: `
      SELECT user_id, best.1 AS calls, all_calls, best.2 AS model, best.3 AS tokens
      FROM (
        SELECT user_id, sum(alike) AS all_calls, argMinIf((alike, of_model, used), (-toInt64(alike), -toInt128(used), of_model),
          alike >= ${calls} AND used >= ${tokens}) AS best
        FROM (
          SELECT user_id, sipHash128(${SHAPE}) AS shape, count() AS alike, any(model) AS of_model, any(${TOTAL}) AS used
          FROM ${loggedOn(day)} GROUP BY user_id, shape
        )
        GROUP BY user_id
      )
      WHERE calls > 0`,
  };
}

const sameInstant = (day: Day): SignalQuery => ({
  signal: 'same_instant',
  figures: ['instant', 'calls'],
  select: `
    SELECT user_id, toUnixTimestamp64Milli(occurred_at) AS instant, count() AS calls FROM ${loggedOn(day)}
    GROUP BY user_id, occurred_at HAVING calls >= ${thresholds.same_instant.calls}
    ORDER BY user_id, calls DESC, instant ASC LIMIT 1 BY user_id`,
});

/**
 * Computes a part of a closed day’s signals, but for erased people. In one thread, as nobody waits for it; what it groups may go to the
 * server’s disk.
 */
export function rollSignals(part: SignalPart, day: Day, rollId: bigint): readonly Statement[] {
  return queriesOf[part](day).map(({ signal, select, figures }) => ({
    query: `INSERT INTO fair_play_signals (day, part, roll_id, user_id, signal, evidence)
      SELECT ${date(day)} AS on_day, '${part}' AS of_part, {roll:UInt128} AS new_roll, user_id, '${signal}' AS of_signal,
        mapFilter((name, figure) -> figure != '', map(${figures.map((name) => `'${name}', toString(${name})`).join(', ')})) AS of_evidence
      FROM (${select}) AS found
      WHERE NOT ${IS_ERASED}
      SETTINGS do_not_merge_across_partitions_select_final = 1, max_threads = 1, max_bytes_before_external_group_by = 500000000`,
    query_params: { roll: String(rollId) },
  }));
}
