import type { ClickHouseClient } from '@clickhouse/client';
import { COUNTED, SECONDS_PER, type BucketStart, type Closures, type Grain, type Statement } from '../projections.js';
import { IS_ERASED } from '../erasures.js';
import type { EventTable } from './identities.js';
import { COST_SUMS, PRICED, pricesOn } from '../prices/roll-costs.js';

/** What is compared of a bucket, in this order. */
export const figureNames = [
  'events',
  'input_tokens',
  'cache_read_tokens',
  'cache_write_5m_tokens',
  'cache_write_1h_tokens',
  'cache_write_tokens',
  'output_tokens',
  'reasoning_tokens',
  'cost_micro_usd',
  'list_cost_usd',
  'cache_saving_usd',
  'unpriced_events',
  /** A checksum over whose they are: each event's dimensions, hashed, times its tokens. It tells of what sums can't. */
  'attribution',
  'sessions',
  'active_minutes',
] as const;

/** What is compared of a day's outcomes, in this order. */
export const outcomeFigureNames = ['outcomes', 'quantity', 'attribution'] as const;

/** Figures as decimal text, in the order of `figureNames` or `outcomeFigureNames`; of days, attendance alone has sessions. */
export type Figures = readonly string[];

/** One bucket as readers find it. */
export interface Rolled {
  /** As decimal text. */
  readonly rollId: string;
  readonly figures: Figures;
}

/** All that is compared of one UTC day. Keys are bucket starts. */
export interface DayFigures {
  /** How many distinct events the day has, of usage and outcomes, retracted ones too. */
  readonly identities: number;
  /** From the log: of each closed hour and each open minute that has events, by grain; and of the day's outcomes. */
  readonly log: ReadonlyMap<string, Figures>;
  /** Of the same grains and of the day's three tables: from the roll that the head names. */
  readonly rolls: ReadonlyMap<string, Rolled>;
  /** What the hours' rolls add up to for a closed day: of `day_user`, `day_model` and `day_attendance`. */
  readonly hours: ReadonlyMap<string, Figures>;
  /** The greatest roll_id of each bucket that has a head, as decimal text. */
  readonly heads: ReadonlyMap<string, string>;
}

/** Where a bucket's figures are. */
export type FiguresOf = 'minute' | 'hour' | 'day_user' | 'day_model' | 'day_attendance' | 'outcomes';

export const figuresKey = (of: FiguresOf | Grain, bucket: BucketStart): string => `${of} ${bucket}`;

const TOTAL =
  'input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens + cache_write_tokens + output_tokens';
const MEASURES = [
  'input_tokens',
  'cache_read_tokens',
  'cache_write_5m_tokens',
  'cache_write_1h_tokens',
  'cache_write_tokens',
  'output_tokens',
  'reasoning_tokens',
];

/** Linear in the figures and modulo 2^64, so that it comes to the same from the log, an hour's roll or a day's. */
const attribution = (events: string, dimensions: string): string =>
  `cityHash64(${dimensions}) * (${events} + ${TOTAL})`;

const HOUR_DIMENSIONS = 'user_id, provider, model, team, toString(origin), toString(status)';
const MINUTE_DIMENSIONS = `${HOUR_DIMENSIONS}, session_id`;

const dayBounds = (column: string, day: BucketStart): string =>
  `${column} >= toDateTime(${day}, 'UTC') AND ${column} < toDateTime(${day + SECONDS_PER.day}, 'UTC')`;

/** The log's figures, by closed hour and open minute. One read of the day with FINAL; the grouping may go to the server's disk. */
function logFigures(day: BucketStart, closedHour: BucketStart): Statement {
  const isClosed = `toStartOfMinute(occurred_at) < toDateTime(${closedHour}, 'UTC')`;
  return {
    query: `
      SELECT grain, toUnixTimestamp(bucket) AS start, retracted,
        ${texts([
          'sum(events)',
          ...MEASURES.map((one) => `sum(own_${one})`),
          'sum(cost)',
          'sum(list_cost)',
          'sum(saving)',
          'sum(unpriced)',
          'sum(attributed)',
          "if(grain = 'hour', countIf(in_session), 0)",
          "if(grain = 'hour', sum(bitCount(active)), 0)",
        ])} AS figures
      FROM (
        WITH ${PRICED}
        SELECT if(${isClosed}, 'hour', 'minute') AS grain,
          if(${isClosed}, toStartOfHour(occurred_at), toStartOfMinute(occurred_at)) AS bucket, user_id, session_id, retracted,
          count() AS events, ${MEASURES.map((one) => `sum(${one}) AS own_${one}`).join(', ')}, sum(ifNull(cost_micro_usd, 0)) AS cost,
          ${COST_SUMS[0]} AS list_cost, ${COST_SUMS[1]} AS saving, ${COST_SUMS[2]} AS unpriced,
          sum(if(${isClosed}, ${attribution('1', HOUR_DIMENSIONS)}, ${attribution('1', MINUTE_DIMENSIONS)})) AS attributed,
          countIf(${COUNTED}) > 0 AS in_session,
          groupBitOr(if(${COUNTED} AND origin = 'main', bitShiftLeft(toUInt64(1), toMinute(occurred_at)), 0)) AS active
        FROM usage_events AS e FINAL ${pricesOn(day / SECONDS_PER.day)}
        WHERE toDate(occurred_at) = toDate(${day / SECONDS_PER.day})
        GROUP BY grain, bucket, user_id, session_id, retracted
        HAVING NOT ${IS_ERASED}
      )
      GROUP BY grain, bucket, retracted
      SETTINGS do_not_merge_across_partitions_select_final = 1, max_bytes_before_external_group_by = 1000000000`,
    query_params: {},
  };
}

const heads = (grain: Grain, day: BucketStart): string =>
  `(SELECT bucket, max(roll_id) FROM roll_heads WHERE grain = '${grain}' AND ${dayBounds('bucket', day)} GROUP BY bucket)`;

const rolledSums = (dimensions: string): readonly string[] => [
  'sum(events)',
  ...MEASURES.map((one) => `sum(${one})`),
  'sum(cost_micro_usd)',
  'sum(list_cost_usd)',
  'sum(cache_saving_usd)',
  'sum(unpriced_events)',
  `sum(${attribution('events', dimensions)})`,
];

/** As texts, as some are wider than others. */
const texts = (figures: readonly string[]): string => `[${figures.map((one) => `toString(${one})`).join(', ')}]`;

/** Of rolls of one grain; tells nothing where no bucket of it has a head. */
interface GrainStatement extends Statement {
  readonly grain: Grain;
}

/** The figures of the rolls that heads name, of one table a statement; read through the views, as readers do (decision 0007). */
function rollFigures(day: BucketStart, closed: Closures): readonly GrainStatement[] {
  const statement = (
    of: FiguresOf,
    bucket: string,
    figures: readonly string[],
    from: string,
    where: string,
    grain: Grain,
  ): GrainStatement => ({
    grain,
    query: `SELECT '${of}' AS of, toUnixTimestamp(${bucket}) AS start, toString(roll_id) AS roll, ${texts(figures)} AS figures
      FROM ${from} WHERE ${where} AND (${bucket}, roll_id) IN ${heads(grain, day)} GROUP BY start, roll_id`,
    query_params: {},
  });
  const open = `minute >= toDateTime(${closed.hour}, 'UTC')`;
  const over = `hour < toDateTime(${closed.hour}, 'UTC')`;
  const hoursWithSessions: GrainStatement = {
    grain: 'hour',
    query: `
      SELECT 'hour' AS of, toUnixTimestamp(hour) AS start, toString(roll) AS roll,
        arrayConcat(sums, ${texts(['sessions', 'active'])}) AS figures
      FROM (
        SELECT hour, roll_id AS roll, ${texts(rolledSums(HOUR_DIMENSIONS))} AS sums
        FROM hour_rolls WHERE ${dayBounds('hour', day)} AND ${over} AND (hour, roll_id) IN ${heads('hour', day)} GROUP BY hour, roll
      ) AS h
      LEFT JOIN (
        SELECT hour, roll_id AS roll, count() AS sessions, sum(bitCount(active_minutes)) AS active
        FROM session_rolls WHERE ${dayBounds('hour', day)} AND ${over} GROUP BY hour, roll
      ) AS s USING (hour, roll)`,
    query_params: {},
  };
  const minutes = statement(
    'minute',
    'minute',
    [...rolledSums(MINUTE_DIMENSIONS), '0', '0'],
    'minute_rolls',
    `${dayBounds('minute', day)} AND ${open}`,
    'minute',
  );
  if (day >= closed.day) return [hoursWithSessions, minutes];
  const date = `day = toDate(${day / SECONDS_PER.day})`;
  const dayOf = (of: FiguresOf, dimensions: string, from: string): GrainStatement =>
    statement(of, "toDateTime(day, 'UTC')", rolledSums(dimensions), from, date, 'day');
  return [
    hoursWithSessions,
    minutes,
    dayOf('day_user', DAY_USER, 'day_user_rolls'),
    dayOf('day_model', DAY_MODEL, 'day_model_rolls'),
    statement(
      'day_attendance',
      "toDateTime(day, 'UTC')",
      attendance(
        `sum(arraySum((hour, own_tokens, minutes) -> ${attended('hour', 'own_tokens', 'minutes')}, hours, tokens, own_minutes))
          + sum(arraySum((session, hour, minutes) -> ${inSession('session', 'hour', 'minutes')}, session_ids, session_hours, session_active_minutes))`,
        'sum(length(session_ids))',
        'sum(arraySum(own_minutes))',
      ),
      'attendance_rolls',
      date,
      'day',
    ),
  ];
}

/** Of attendance only whose it is, the sessions of each hour, and the own minutes. */
const attendance = (attribution: string, sessions: string, minutes: string): readonly string[] => [
  ...Array<string>(figureNames.indexOf('attribution')).fill('0'),
  attribution,
  sessions,
  minutes,
];
const attended = (hour: string, tokens: string, minutes: string): string =>
  `cityHash64(user_id, toUInt8(${hour})) * (${tokens} + 1000003 * toUInt64(${minutes}))`;
const inSession = (session: string, hour: string, minutes: string): string =>
  `cityHash64(user_id, ${session}, toUInt8(${hour})) * (1 + ${minutes})`;

const DAY_USER = 'user_id, team, toUInt8(counted)';
const DAY_MODEL = 'user_id, provider, model, toUInt8(counted)';

/** What the heads of the hours add up to, for each of the day's tables. */
function hoursOfDay(day: BucketStart): Statement {
  const counted = (dimensions: string): string => dimensions.replace('counted', COUNTED);
  const sums = (dimensions: string): string => texts(rolledSums(counted(dimensions)));
  return {
    query: `SELECT ${sums(DAY_USER)} AS user, ${sums(DAY_MODEL)} AS model, count() AS rows
      FROM hour_rolls WHERE ${dayBounds('hour', day)} AND (hour, roll_id) IN ${heads('hour', day)}`,
    query_params: {},
  };
}

/** Likewise for its attendance. */
function attendedHoursOfDay(day: BucketStart): Statement {
  return {
    query: `SELECT ${texts(
      attendance(
        `sum(${attended('toHour(hour)', 'hour_tokens', 'bitCount(bits)')}) + sum(hour_sessions.1)`,
        'sum(hour_sessions.2)',
        'sum(bitCount(bits))',
      ),
    )} AS attendance, count() AS rows
      FROM (
        SELECT hour, user_id, sum(one_tokens) AS hour_tokens, groupBitOr(one_bits) AS bits,
          (sumIf(${inSession('session_id', 'toHour(hour)', 'one_bits')}, session_id != ''), countIf(session_id != '')) AS hour_sessions
        FROM (
          SELECT hour, roll_id, user_id, '' AS session_id, ${TOTAL} AS one_tokens, toUInt64(0) AS one_bits FROM hour_rolls
          WHERE ${dayBounds('hour', day)} AND ${COUNTED}
          UNION ALL
          SELECT hour, roll_id, user_id, session_id, 0, active_minutes FROM session_rolls WHERE ${dayBounds('hour', day)}
        )
        WHERE (hour, roll_id) IN ${heads('hour', day)}
        GROUP BY hour, user_id
      )`,
    query_params: {},
  };
}

async function rowsOf<Row>(client: ClickHouseClient, { query, query_params }: Statement): Promise<Row[]> {
  const result = await client.query({ query, query_params, format: 'JSONEachRow' });
  return result.json<Row>();
}

const OUTCOME_DIMENSIONS = 'user_id, team, toString(kind)';

/** The log's outcomes, retracted ones apart. */
function logOutcomes(day: BucketStart): Statement {
  return {
    query: `
      SELECT retracted, ${texts(['sum(events)', 'sum(quantities)', 'sum(attributed)'])} AS figures
      FROM (
        SELECT user_id, retracted, count() AS events, sum(quantity) AS quantities,
          sum(cityHash64(${OUTCOME_DIMENSIONS}) * (1 + quantity)) AS attributed
        FROM outcome_events FINAL
        WHERE toDate(occurred_at) = toDate(${day / SECONDS_PER.day})
        GROUP BY user_id, retracted
        HAVING NOT ${IS_ERASED}
      )
      GROUP BY retracted
      SETTINGS do_not_merge_across_partitions_select_final = 1`,
    query_params: {},
  };
}

/** The outcomes of the roll that the day's head names. */
function rolledOutcomes(day: BucketStart): GrainStatement {
  const sums = ['sum(events)', 'sum(quantity)', `sum(cityHash64(${OUTCOME_DIMENSIONS}) * (events + quantity))`];
  return {
    grain: 'outcome_day',
    query: `SELECT 'outcomes' AS of, toUnixTimestamp(toDateTime(day, 'UTC')) AS start, toString(roll_id) AS roll, ${texts(sums)} AS figures
      FROM outcome_rolls
      WHERE day = toDate(${day / SECONDS_PER.day}) AND (toDateTime(day, 'UTC'), roll_id) IN ${heads('outcome_day', day)}
      GROUP BY start, roll_id`,
    query_params: {},
  };
}

interface Head {
  readonly grain: Grain;
  readonly start: BucketStart;
  /** The greatest roll_id, as decimal text. */
  readonly roll: string;
}

/** Of each bucket of the day that has one. */
const dayHeads = (client: ClickHouseClient, day: BucketStart): Promise<readonly Head[]> =>
  rowsOf(client, {
    query: `SELECT grain, toUnixTimestamp(bucket) AS start, toString(max(roll_id)) AS roll FROM roll_heads
      WHERE ${dayBounds('bucket', day)} GROUP BY grain, bucket`,
    query_params: {},
  });

/** SQL: which tables have rows of which days, by the start of the day. */
const EVENT_PARTS = `
  SELECT table, toUnixTimestamp(toDateTime(toDate(partition), 'UTC')) AS day FROM system.parts
  WHERE database = currentDatabase() AND table IN ('usage_events', 'outcome_events') AND active`;

/** The tables that have rows of the day, old versions and erased people's too. */
async function tablesOfDay(client: ClickHouseClient, day: BucketStart): Promise<ReadonlySet<EventTable>> {
  const rows = await rowsOf<{ name: EventTable }>(client, {
    query: `SELECT DISTINCT table AS name FROM (${EVENT_PARTS}) WHERE day = {day:UInt32}`,
    query_params: { day },
  });
  return new Set(rows.map(({ name }) => name));
}

/**
 * All figures of one day, read one statement after the other: they may differ only because the day changed meanwhile.
 * Heads come first, so a roll with another id than its head's is one that came since.
 *
 * Where there are neither rows nor heads nothing is asked: to plan a statement takes longer than to read a small day.
 */
export async function dayFigures(client: ClickHouseClient, day: BucketStart, closed: Closures): Promise<DayFigures> {
  const headsBefore = await dayHeads(client, day);
  const tables = await tablesOfDay(client, day);
  const logged = tables.has('usage_events')
    ? await rowsOf<{ grain: Grain; start: number; retracted: boolean; figures: string[] }>(
        client,
        logFigures(day, closed.hour),
      )
    : [];
  const outcomes = tables.has('outcome_events')
    ? await rowsOf<{ retracted: boolean; figures: string[] }>(client, logOutcomes(day))
    : [];
  // Minutes keep their heads for some time after their hour was closed.
  const grains = new Set(
    headsBefore.flatMap(({ grain, start }) => (grain !== 'minute' || start >= closed.hour ? grain : [])),
  );
  const rolls = new Map<string, Rolled>();
  for (const statement of [...rollFigures(day, closed), rolledOutcomes(day)]) {
    if (!grains.has(statement.grain)) continue;
    const rows = await rowsOf<{ of: FiguresOf; start: number; roll: string; figures: string[] }>(client, statement);
    for (const { of, start, roll, figures } of rows) rolls.set(figuresKey(of, start), { rollId: roll, figures });
  }
  const hours = new Map<string, Figures>();
  if (day < closed.day && grains.has('hour')) {
    const [sums] = await rowsOf<{ user: string[]; model: string[]; rows: string }>(client, hoursOfDay(day));
    if (sums !== undefined && sums.rows !== '0') {
      hours.set(figuresKey('day_user', day), sums.user);
      hours.set(figuresKey('day_model', day), sums.model);
    }
    const [attended] = await rowsOf<{ attendance: string[]; rows: string }>(client, attendedHoursOfDay(day));
    if (attended !== undefined && attended.rows !== '0') {
      hours.set(figuresKey('day_attendance', day), attended.attendance);
    }
  }
  return {
    identities: [...logged, ...outcomes].reduce((sum, { figures }) => sum + Number(figures[0]), 0),
    log: new Map([
      ...logged.flatMap(({ grain, start, retracted, figures }) =>
        retracted ? [] : [[figuresKey(grain, start), figures] as const],
      ),
      ...outcomes.flatMap(({ retracted, figures }) =>
        retracted ? [] : [[figuresKey('outcomes', day), figures] as const],
      ),
    ]),
    rolls,
    hours,
    heads: new Map(headsBefore.map(({ grain, start, roll }) => [figuresKey(grain, start), roll])),
  };
}

/** Every day that has events or heads, from `since` on, ascending. */
export async function daysToAudit(client: ClickHouseClient, since: BucketStart): Promise<readonly BucketStart[]> {
  const rows = await rowsOf<{ day: number }>(client, {
    query: `SELECT DISTINCT day FROM (
        SELECT day FROM (${EVENT_PARTS})
        UNION ALL SELECT toUnixTimestamp(toStartOfDay(bucket)) FROM roll_heads
      ) WHERE day >= {since:UInt32} ORDER BY day`,
    query_params: { since },
  });
  return rows.map(({ day }) => day);
}

/** The last record of each partition of a topic that has a row in these buckets of its table. */
export async function lastRecordsIn(
  client: ClickHouseClient,
  table: EventTable,
  topic: string,
  buckets: readonly { readonly start: BucketStart; readonly seconds: number }[],
): Promise<ReadonlyMap<number, number>> {
  if (buckets.length === 0) return new Map();
  const within = buckets.map(
    ({ start, seconds }) =>
      `(toDate(occurred_at) = toDate(${Math.floor(start / SECONDS_PER.day)}) AND toStartOfMinute(occurred_at) >= toDateTime(${start}, 'UTC') AND toStartOfMinute(occurred_at) < toDateTime(${start + seconds}, 'UTC'))`,
  );
  const rows = await rowsOf<{ partition: number; last: string }>(client, {
    query: `SELECT kafka_partition AS partition, max(kafka_offset) AS last FROM ${table}
      WHERE kafka_topic = {topic:String} AND (${within.join(' OR ')}) GROUP BY kafka_partition`,
    query_params: { topic },
  });
  return new Map(rows.map(({ partition, last }) => [partition, Number(last)]));
}
