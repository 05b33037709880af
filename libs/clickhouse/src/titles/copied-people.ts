import type { ClickHouseClient } from '@clickhouse/client';
import { dayKey, type Day } from '@laurel/usage';
import type { ClickHouseConnection } from '../client.js';
import { readClosures, SECONDS_PER, type Grain } from '../projections.js';
import { literal } from '../sql.js';
import { allEnded } from './all-ended.js';
import { CopyDatabase, MEASURES } from './copy-database.js';

/** A table that is filled from the live database. */
interface Copied {
  readonly table: string;
  /** What titles read of the live view of the same name. */
  readonly columns: string;
  readonly rows?: string;
  /** Another table's closed rolls bring those of this one with them. */
  readonly isClosedByOther?: true;
  /** Where the rolls of its closed days lie person by person, and the table here that takes them, if not this one. */
  readonly rolls?: {
    readonly table: string;
    readonly grain: Grain;
    readonly into?: { readonly table: string; readonly columns: string };
    /** Open days have rolls of the same grain: all is in them. */
    readonly hasOpenDays?: true;
  };
}

const COPIED: readonly Copied[] = [
  {
    table: 'model_usage_by_day',
    columns: `day, user_id, provider, model, counted, ${MEASURES}`,
    rows: 'counted',
    rolls: { table: 'usage_by_day_model', grain: 'day' },
  },
  { table: 'session_activity', columns: 'day, hour, user_id, session_id, active_minutes', isClosedByOther: true },
  {
    table: 'attendance',
    columns: 'day, user_id, hours, tokens, own_minutes',
    rolls: {
      table: 'attendance_by_day',
      grain: 'day',
      into: {
        table: 'closed_attendance',
        columns: 'day, user_id, hours, tokens, own_minutes, session_ids, session_hours, session_active_minutes',
      },
    },
  },
  {
    table: 'outcomes',
    columns: 'day, user_id, kind, quantity',
    rolls: { table: 'outcomes_by_day', grain: 'outcome_day', hasOpenDays: true },
  },
  { table: 'fair_play_flags', columns: 'day, user_id, signal, counts', rows: 'NOT counts' },
];
const ROLLS = COPIED.flatMap(({ rolls }) => rolls?.table ?? []);
const list = ROLLS.map((table) => `'${table}'`).join(', ');

/** Beside what is filled: what a closed day tells in one row goes to two tables, and teams are not asked for. */
const DERIVED: readonly string[] = [
  `CREATE VIEW usage_by_day AS SELECT day, user_id, '' AS team, counted, ${MEASURES} FROM model_usage_by_day`,
  `CREATE TABLE closed_attendance
    (day Date, user_id String, hours Array(UInt8), tokens Array(UInt64), own_minutes Array(UInt8),
      session_ids Array(String), session_hours Array(UInt8), session_active_minutes Array(UInt64))
    ENGINE = Null`,
  `CREATE MATERIALIZED VIEW attendance_of_closed TO attendance AS
    SELECT day, user_id, hours, tokens, own_minutes FROM closed_attendance`,
  `CREATE MATERIALIZED VIEW sessions_of_closed TO session_activity AS
    SELECT day, toDateTime(day, 'UTC') + session_hour * 3600 AS hour, user_id, session_id, active_minutes FROM closed_attendance
    ARRAY JOIN session_ids AS session_id, session_hours AS session_hour, session_active_minutes AS active_minutes`,
];

/**
 * What titles of the company read, of some people alone, in a database of its own: they are read once for all titles, and each title in it costs as
 * much as there are people.
 *
 * Closed days are read from the projections `by_user` themselves: left to choose, the server compares numbers of granules, of which a
 * projection of small ones has more, and reads everybody's. They stand in views, so that the rows are those of the heads (see 0003).
 */
export class CopiedPeople {
  private taken = 0;

  private constructor(
    private readonly copy: CopyDatabase,
    /** Not while parts from before migration 0014 are still without. */
    private readonly hasProjections: boolean,
  ) {}

  get client(): ClickHouseClient {
    return this.copy.client;
  }

  static async create(live: ClickHouseClient, connection: ClickHouseConnection): Promise<CopiedPeople> {
    const { database } = connection;
    const copy = await CopyDatabase.create(live, connection, 'some', (from) => [
      'CREATE TABLE people (user_id String) ENGINE = Memory',
      ...COPIED.map(
        ({ table, columns }) =>
          `CREATE TABLE ${table} ENGINE = Memory AS SELECT ${columns} FROM ${from}.${table} WHERE false`,
      ),
      ...DERIVED,
      ...ROLLS.map(
        (table) =>
          `CREATE VIEW ${table} AS SELECT * FROM mergeTreeProjection(${literal(database)}, '${table}', 'by_user')`,
      ),
    ]);
    const lacking = await live.query({
      query: `SELECT 1 FROM system.parts
        WHERE active AND database = {database:String} AND table IN (${list}) AND NOT has(projections, 'by_user') LIMIT 1`,
      query_params: { database },
      format: 'JSONEachRow',
    });
    return new CopiedPeople(copy, (await lacking.json()).length === 0);
  }

  /**
   * Takes these people in place of all who were there before.
   *
   * @param from the first day that is looked at; undefined: all of history.
   */
  async take(users: readonly string[], from: Day | undefined): Promise<void> {
    const { client } = this.copy;
    for (const table of ['people', ...COPIED.map((one) => one.table)]) {
      await client.command({ query: `TRUNCATE TABLE ${table}` });
    }
    this.taken = users.length;
    if (users.length === 0) return;
    const values = users.map((user_id) => ({ user_id }));
    await client.insert({ table: 'people', format: 'JSONEachRow', values });
    const { day } = await readClosures(this.copy.live);
    const closed = `toDate(${day / SECONDS_PER.day})`;
    await allEnded(COPIED.flatMap((one) => this.inserts(one, closed, from)).map((query) => client.command({ query })));
  }

  /** False where the server has forgotten them, as it does with what is in memory when it starts anew. */
  async isWhole(): Promise<boolean> {
    const result = await this.client.query({ query: 'SELECT count() AS people FROM people', format: 'JSONEachRow' });
    const [row] = await result.json<{ people: string }>();
    return Number(row?.people) === this.taken;
  }

  private inserts(
    { table, columns, rows = 'true', isClosedByOther, rolls }: Copied,
    closed: string,
    from: Day | undefined,
  ): string[] {
    const { from: live } = this.copy;
    const since = from === undefined ? '' : ` AND day >= '${dayKey(from)}'`;
    const wanted = `${rows} AND user_id IN (SELECT user_id FROM people)${since}`;
    const byView = `INSERT INTO ${table} SELECT ${columns} FROM ${live}.${table} WHERE ${wanted}`;
    if (!this.hasProjections) return [byView];
    const ofOpenDays = `${byView} AND day >= ${closed}`;
    if (rolls === undefined) return [isClosedByOther ? ofOpenDays : byView];
    const { into = { table, columns }, hasOpenDays } = rolls;
    const heads = `SELECT bucket, max(roll_id) FROM ${live}.roll_heads WHERE grain = '${rolls.grain}' GROUP BY bucket`;
    const byPerson = `INSERT INTO ${into.table} SELECT ${into.columns} FROM ${rolls.table}
      WHERE ${wanted} AND (toDateTime(day, 'UTC'), roll_id) IN (${heads})`;
    return hasOpenDays ? [byPerson] : [ofOpenDays, `${byPerson} AND day < ${closed}`];
  }

  drop(): Promise<void> {
    return this.copy.drop();
  }
}
