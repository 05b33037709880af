import type { Data, Float64, List } from 'apache-arrow';
import { tokenClasses } from '@laurel/events';
import {
  countedRows,
  pointKinds,
  type Hours,
  type Models,
  type OutcomeColumn,
  type PersonHours,
  type SessionHours,
  type TitleRule,
  type UsageColumn,
  type UsageHours,
} from '@laurel/titles';
import { modelFamily } from '@laurel/usage';
import type { ClickHouseClient } from '@clickhouse/client';
import { isHidden } from '../people.js';
import { allEnded } from './all-ended.js';
import { askedBy } from './facts.js';
import { inParts } from './tiers.js';

/** People whose hours are read at once: one’s are some tens of kilobytes. */
const PEOPLE_AT_ONCE = 2500;

/** SQL: exact as a double; costs in pico-US-dollars. */
const USAGE: Readonly<Record<UsageColumn, string>> = {
  ...(Object.fromEntries(tokenClasses.map((name) => [name, `${name}_tokens`])) as Record<
    (typeof tokenClasses)[number],
    string
  >),
  list_cost: 'list_cost_usd * 1000000000000',
  cache_saving: 'cache_saving_usd * 1000000000000',
  unpriced_events: 'unpriced_events',
  events: 'events',
};
const usageColumns = Object.keys(USAGE) as UsageColumn[];

/** SQL: numbers a model: so much of its hash as a double holds. */
const MODEL = 'toFloat64(bitShiftRight(cityHash64(provider, model), 11))';
const HOUR = 'toFloat64(intDiv(toUnixTimestamp(hour), 3600))';

const doubles = (columns: Readonly<Record<string, string>>): string =>
  Object.entries(columns)
    .map(([name, sql]) => `toFloat64(${sql}) AS ${name}`)
    .join(', ');
const listsOf = (names: readonly string[]): string => names.map((name) => `groupArray(${name}) AS ${name}`).join(', ');

/** SQL: a run of people, in the order of their ids. */
const AMONG = 'user_id BETWEEN {first:String} AND {last:String}';

/**
 * SQL: each person's rows as lists of doubles, of which each row has `user_id` and these columns; by ascending hours, as far as the server
 * keeps the order that it reads in.
 */
const ofPeople = (names: readonly string[], rows: string): string =>
  `SELECT user_id, ${listsOf(names)} FROM (${rows}) GROUP BY user_id`;

const USAGE_OF_PEOPLE = ofPeople(
  ['at', 'model_number', ...usageColumns],
  `SELECT user_id, ${HOUR} AS at, ${MODEL} AS model_number, ${doubles(USAGE)} FROM hours WHERE ${AMONG} ORDER BY user_id, hour`,
);

const SESSIONS_OF_PEOPLE = `
  SELECT user_id, groupArray(${HOUR}) AS at, arrayMap(one -> toFloat64(one), arrayEnumerateDense(groupArray(cityHash64(session_id)))) AS session,
    groupArray(toFloat64(bitAnd(active_minutes, 4294967295))) AS early, groupArray(toFloat64(bitShiftRight(active_minutes, 32))) AS late
  FROM (SELECT user_id, hour, session_id, active_minutes FROM session_hours WHERE ${AMONG} ORDER BY user_id, hour) GROUP BY user_id`;

const ATTENDED_OF_PEOPLE = ofPeople(
  ['at', 'tokens', 'own_minutes'],
  `SELECT user_id, toFloat64(toUInt32(day) * 24 + hour) AS at, toFloat64(hour_tokens) AS tokens, toFloat64(minutes) AS own_minutes
   FROM (SELECT * FROM attended_days WHERE ${AMONG} ORDER BY user_id, day) AS t
   ARRAY JOIN t.hours AS hour, t.tokens AS hour_tokens, t.own_minutes AS minutes`,
);

const OUTCOMES = doubles(Object.fromEntries(pointKinds.map((kind) => [kind, `if(kind = '${kind}', quantity, 0)`])));
const OUTCOMES_OF_PEOPLE = ofPeople(
  ['at', ...pointKinds],
  `SELECT user_id, ${HOUR} AS at, ${OUTCOMES} FROM outcome_hours WHERE ${AMONG} ORDER BY user_id, hour`,
);

type Lists = Readonly<Record<string, Float64Array>>;
const NOTHING = new Float64Array();

/** The lists by ascending hours, `at`, as they mostly come: ClickHouse does not promise to keep an order into a group. */
function inOrder(lists: Lists): Lists {
  const at = lists['at'] ?? NOTHING;
  if (at.every((hour, row) => row === 0 || (at[row - 1] as number) <= hour)) return lists;
  const order = Uint32Array.from(at, (_, row) => row).sort((a, b) => (at[a] as number) - (at[b] as number));
  return Object.fromEntries(
    Object.entries(lists).map(([name, list]) => {
      // A loop, as there are millions: `from` calls a function for each.
      const ordered = new Float64Array(order.length);
      for (let row = 0; row < order.length; row += 1) ordered[row] = list[order[row] as number] as number;
      return [name, ordered];
    }),
  );
}

const columnsOf = <Column extends string>(
  lists: Lists,
  names: readonly Column[],
): Readonly<Record<Column, ArrayLike<number>>> =>
  Object.fromEntries(names.map((name) => [name, lists[name] ?? NOTHING])) as Record<Column, Float64Array>;

const hoursOf = <Column extends string>(lists: Lists = {}, names: readonly Column[]): Hours<Column> => {
  const ordered = inOrder(lists);
  return { hours: ordered['at'] ?? NOTHING, columns: columnsOf(ordered, names) };
};

function usageOf(lists: Lists = {}): UsageHours {
  const ordered = inOrder(lists);
  return {
    hours: ordered['at'] ?? NOTHING,
    models: ordered['model_number'] ?? NOTHING,
    columns: columnsOf(ordered, usageColumns),
  };
}

function sessionsOf(lists: Lists = {}): SessionHours {
  const { at = NOTHING, session = NOTHING, early = NOTHING, late = NOTHING } = inOrder(lists);
  return { hours: at, sessions: session, early, late };
}

/** Reads people's hours from a copy that looks back, see `Past`, whatever instant it has gone to. */
export class PastHours {
  private constructor(
    private readonly client: ClickHouseClient,
    readonly models: Models,
    private readonly asked: { readonly sessions: boolean; readonly attended: boolean; readonly outcomes: boolean },
  ) {}

  static async open(client: ClickHouseClient, rules: readonly TitleRule[]): Promise<PastHours> {
    const result = await client.query({
      query: `SELECT DISTINCT provider, model, ${MODEL} AS number FROM model_days`,
      format: 'JSONEachRow',
    });
    const rows = await result.json<{ provider: string; model: string; number: number }>();
    const { hours: attended, outcomes } = askedBy(rules);
    return new PastHours(
      client,
      new Map(rows.map(({ provider, model, number }) => [number, { provider, family: modelFamily(model) }])),
      {
        // A course has no evidence, for which sessions are asked for too.
        sessions: rules.some(
          ({ metric, eligibility }) => metric.kind === 'longest_session' || eligibility.min_sessions > 0,
        ),
        attended,
        outcomes,
      },
    );
  }

  /** Everybody who is not hidden, some at a time, in the order of their ids. */
  async *people(): AsyncGenerator<readonly PersonHours[], void, undefined> {
    const result = await this.client.query({
      query: `SELECT user_id, toUInt32(min(day)) AS first_day FROM user_days WHERE NOT ${isHidden()} GROUP BY user_id ORDER BY user_id`,
      format: 'JSONEachRow',
    });
    const people = await result.json<{ user_id: string; first_day: number }>();
    const parts = [...inParts(people, PEOPLE_AT_ONCE)].map((part) => () => this.some(part));
    // The next are read while the caller looks at these.
    let next = parts[0]?.();
    try {
      for (const [index] of parts.entries()) {
        const own = await next;
        next = parts[index + 1]?.();
        // It may fail while the caller looks at these, when nobody waits for it yet.
        next?.catch(() => undefined);
        if (own !== undefined) yield own;
      }
    } finally {
      // Nothing shall read the copy any more when it is dropped.
      await Promise.allSettled([next]);
    }
  }

  /** Everybody's usage that counts for a rule, those too who are hidden; with `signals` only that of people's days with one of them. */
  async everybody(rule: TitleRule, signals?: readonly string[]): Promise<UsageHours> {
    const flagged =
      signals === undefined
        ? 'true'
        : // With the table's name: a bare `user_id` would be the one that is selected.
          "(toDate(t.hour, 'UTC'), t.user_id) IN (SELECT day, user_id FROM flagged_days WHERE signal IN {signals:Array(String)})";
    const sums = doubles(Object.fromEntries(usageColumns.map((name) => [name, `sum(${USAGE[name]})`])));
    const [row] = await this.lists(
      ofPeople(
        ['at', 'model_number', ...usageColumns],
        `SELECT '' AS user_id, ${HOUR} AS at, ${MODEL} AS model_number, ${sums} FROM hours AS t
         WHERE ${flagged} GROUP BY at, model_number ORDER BY at`,
      ),
      { signals: signals ?? [] },
    );
    return countedRows(rule, usageOf(row?.[1]), this.models);
  }

  private async some(
    people: readonly { readonly user_id: string; readonly first_day: number }[],
  ): Promise<readonly PersonHours[]> {
    const params = { first: people[0]?.user_id ?? '', last: people.at(-1)?.user_id ?? '' };
    const read = async (isAsked: boolean, query: string): Promise<ReadonlyMap<string, Lists>> =>
      new Map(isAsked ? await this.lists(query, params) : []);
    const [usage, sessions, attended, outcomes, flags] = await allEnded([
      read(true, USAGE_OF_PEOPLE),
      read(this.asked.sessions, SESSIONS_OF_PEOPLE),
      read(this.asked.attended, ATTENDED_OF_PEOPLE),
      read(this.asked.outcomes, OUTCOMES_OF_PEOPLE),
      this.flags(params),
    ] as const);
    return people.map(({ user_id: userId, first_day: firstDay }) => ({
      userId,
      firstDay,
      usage: usageOf(usage.get(userId)),
      sessions: sessionsOf(sessions.get(userId)),
      attended: hoursOf(attended.get(userId), ['tokens', 'own_minutes']),
      outcomes: hoursOf<OutcomeColumn>(outcomes.get(userId), pointKinds),
      flags: flags.get(userId) ?? new Map<string, readonly number[]>(),
    }));
  }

  private async flags(
    params: Readonly<Record<string, string>>,
  ): Promise<ReadonlyMap<string, ReadonlyMap<string, readonly number[]>>> {
    const result = await this.client.query({
      query: `SELECT user_id, signal, groupArray(toUInt32(day)) AS days FROM flagged_days WHERE ${AMONG} GROUP BY user_id, signal`,
      query_params: params,
      format: 'JSONEachRow',
    });
    const flags = new Map<string, Map<string, readonly number[]>>();
    for (const { user_id, signal, days } of await result.json<{ user_id: string; signal: string; days: number[] }>()) {
      flags.set(user_id, (flags.get(user_id) ?? new Map<string, readonly number[]>()).set(signal, days));
    }
    return flags;
  }

  /** Rows of a user id and lists of doubles: in Arrow, as millions of numbers would take long as JSON. */
  private async lists(
    query: string,
    query_params: Readonly<Record<string, unknown>>,
  ): Promise<readonly (readonly [userId: string, lists: Lists])[]> {
    const { stream } = await this.client.exec({
      query: `${query} FORMAT ArrowStream`,
      query_params,
      clickhouse_settings: {
        output_format_arrow_compression_method: 'none',
        output_format_arrow_string_as_string: 1,
      },
    });
    const parts: Buffer[] = [];
    for await (const part of stream) parts.push(part as Buffer);
    // Loaded here, as all who never look back would begin later for it.
    const { tableFromIPC } = await import('apache-arrow');
    const table = tableFromIPC(Buffer.concat(parts));
    const names = table.schema.fields.map(({ name }) => name).filter((name) => name !== 'user_id');
    return table.batches.flatMap((batch) => {
      const users = batch.getChild('user_id');
      const columns = names.map((name) => {
        const list = batch.getChild<string>(name)?.data[0] as Data<List<Float64>>;
        return { name, ends: list.valueOffsets as Int32Array, values: list.children[0]?.values as Float64Array };
      });
      return Array.from({ length: batch.numRows }, (_, row) => {
        // The very numbers that came: `get` of a vector would make one of each list, which takes as long as to look at it.
        const lists = columns.map(({ name, ends, values }) => [name, values.subarray(ends[row], ends[row + 1])]);
        return [users?.get(row) as string, Object.fromEntries(lists) as Lists] as const;
      });
    });
  }
}
