import type { ClickHouseClient } from '@clickhouse/client';
import { dayKey, type Day } from '@laurel/usage';
import type { ClickHouseConnection } from '../client.js';
import { readClosures, SECONDS_PER, type Grain } from '../projections.js';
import { literal } from '../sql.js';
import { allEnded } from './all-ended.js';
import { CopyDatabase, MEASURES } from './copy-database.js';

interface CopiedView {
  readonly view: string;
  /** What titles read of it. */
  readonly columns: string;
  readonly rows?: string;
  /** Where the rolls of its closed days lie person by person, and how its columns are made of them. */
  readonly rolls?: { readonly table: string; readonly grain: Grain; readonly columns?: string; readonly join?: string };
}

const VIEWS: readonly CopiedView[] = [
  {
    view: 'usage_by_day',
    columns: `day, user_id, team, counted, ${MEASURES}`,
    rows: 'counted',
    rolls: { table: 'usage_by_day_user', grain: 'day' },
  },
  {
    view: 'model_usage_by_day',
    columns: `day, user_id, provider, model, counted, ${MEASURES}`,
    rows: 'counted',
    rolls: { table: 'usage_by_day_model', grain: 'day' },
  },
  {
    view: 'session_activity',
    columns: 'day, hour, user_id, session_id, active_minutes',
    rolls: {
      table: 'attendance_by_day',
      grain: 'day',
      columns: "day, toDateTime(day, 'UTC') + session_hour * 3600, user_id, session_id, active_minutes",
      join: 'ARRAY JOIN session_ids AS session_id, session_hours AS session_hour, session_active_minutes AS active_minutes',
    },
  },
  {
    view: 'attendance',
    columns: 'day, user_id, hours, tokens, own_minutes',
    rolls: { table: 'attendance_by_day', grain: 'day' },
  },
  {
    view: 'outcomes',
    columns: 'day, user_id, kind, quantity',
    rolls: { table: 'outcomes_by_day', grain: 'outcome_day' },
  },
  { view: 'fair_play_flags', columns: 'day, user_id, signal, counts', rows: 'NOT counts' },
];
const ROLLS = [...new Set(VIEWS.flatMap(({ rolls }) => (rolls === undefined ? [] : [rolls.table])))];
const list = ROLLS.map((table) => `'${table}'`).join(', ');

/**
 * What titles read, of some people alone, in a database of its own: they are read once for all titles, and each title in it costs as
 * much as there are people.
 *
 * Closed days are read from the projections `by_user` themselves: left to choose, the server compares numbers of granules, of which a
 * projection of small ones has more, and reads everybody's. They stand in views, so that the rows are those of the heads (see 0003).
 */
export class CopiedPeople {
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
      ...VIEWS.map(
        ({ view, columns }) =>
          `CREATE TABLE ${view} ENGINE = Memory AS SELECT ${columns} FROM ${from}.${view} WHERE false`,
      ),
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
    for (const table of ['people', ...VIEWS.map(({ view }) => view)]) {
      await client.command({ query: `TRUNCATE TABLE ${table}` });
    }
    if (users.length === 0) return;
    const values = users.map((user_id) => ({ user_id }));
    await client.insert({ table: 'people', format: 'JSONEachRow', values });
    const { day } = await readClosures(this.copy.live);
    const closed = `toDate(${day / SECONDS_PER.day})`;
    await allEnded(VIEWS.flatMap((one) => this.inserts(one, closed, from)).map((query) => client.command({ query })));
  }

  private inserts(
    { view, columns, rows = 'true', rolls }: CopiedView,
    closed: string,
    from: Day | undefined,
  ): string[] {
    const { from: live } = this.copy;
    const since = from === undefined ? '' : ` AND day >= '${dayKey(from)}'`;
    const wanted = `${rows} AND user_id IN (SELECT user_id FROM people)${since}`;
    const all = `INSERT INTO ${view} SELECT ${columns} FROM ${live}.${view} WHERE ${wanted}`;
    if (rolls === undefined || !this.hasProjections) return [all];
    const heads = `SELECT bucket, max(roll_id) FROM ${live}.roll_heads WHERE grain = '${rolls.grain}' GROUP BY bucket`;
    return [
      `${all} AND day >= ${closed}`,
      `INSERT INTO ${view} SELECT ${rolls.columns ?? columns} FROM ${rolls.table} ${rolls.join ?? ''}
        WHERE ${wanted} AND day < ${closed} AND (toDateTime(day, 'UTC'), roll_id) IN (${heads})`,
    ];
  }

  drop(): Promise<void> {
    return this.copy.drop();
  }
}
