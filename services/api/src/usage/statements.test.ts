import { figuresVersion, rollIdOf, writeClosure, writeHeads, type Statement } from '@laurel/clickhouse';
import { TestDatabase } from '@laurel/clickhouse/fixture';
import { windowOf } from '@laurel/usage';
import { leaderboard, modelUsage, userDaysAndModels } from './statements.js';

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 4, 14, 12);
const TODAY = Math.floor(NOW / DAY_MS);
const DAYS = 60;
const PEOPLE = 10_000;
const MODELS_EACH = 3;
/** ClickHouse reads whole granules, and finds a range to within one at each end. */
const GRANULE = 8192;

/** What ClickHouse would read, of each table; `X-ClickHouse-Summary` tells it of a server, but not of the local engine. */
describe('the rows that a page reads', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await TestDatabase.create();
    const roll = rollIdOf(0, NOW, 0);
    const days = Array.from({ length: DAYS }, (_, index) => TODAY - DAYS + index);
    const values = (columns: string, of: string) => `
      SELECT toDate(day) AS day, {roll:UInt128}, concat('u-', toString(person)), ${columns} true, 1, 10
      FROM (SELECT arrayJoin({days:Array(UInt16)}) AS day, number AS person FROM numbers(${PEOPLE})) ${of}`;
    const query_params = { roll: String(roll), days };
    await database.client.command({
      query: `INSERT INTO usage_by_day_user (day, roll_id, user_id, team, counted, events, input_tokens) ${values("'team',", '')}`,
      query_params,
    });
    await database.client.command({
      query: `INSERT INTO usage_by_day_model (day, roll_id, user_id, provider, model, counted, events, input_tokens)
        ${values("'anthropic', concat('m-', toString(which)),", `ARRAY JOIN range(${MODELS_EACH}) AS which`)}`,
      query_params,
    });
    for (const table of ['usage_by_day_user', 'usage_by_day_model'])
      await database.client.command({ query: `OPTIMIZE TABLE ${table} FINAL` });
    const starts = days.map((day) => day * 86_400);
    await writeHeads(database.client, 'day', starts, roll);
    await writeClosure(database.client, 'hour', TODAY * 86_400);
    await writeClosure(database.client, 'day', TODAY * 86_400);
  });
  afterAll(() => database.drop());

  async function rowsRead({ query, query_params }: Statement): Promise<Readonly<Record<string, number>>> {
    const tables = await database.rows<{ table: string; rows: string }>(`EXPLAIN ESTIMATE ${query}`, query_params);
    return Object.fromEntries(tables.map(({ table, rows }) => [table, Number(rows)]));
  }

  it.each(['7d', '30d'] as const)(
    'of a board are those of the window’s days and of the one before, in the table by day alone: %s',
    async (name) => {
      const window = windowOf(name, NOW);
      const closedDays = window.lastDay - window.firstDay;
      const previous = windowOf(name, NOW - DAY_MS);
      const read = await rowsRead(leaderboard('total_tokens', { window, previous }, { kind: 'company' }));
      expect(read['usage_by_day_user']).toBeGreaterThanOrEqual((closedDays + 1) * PEOPLE);
      expect(read['usage_by_day_user']).toBeLessThanOrEqual((closedDays + 1) * PEOPLE + 2 * 2 * GRANULE);
      expect(Object.keys(read).sort()).toEqual(
        ['closures', 'people_choices', 'roll_heads', 'usage_by_day_user'].filter((table) => table in read),
      );
    },
  );

  it('of the models are those of the window’s days, in the table by day and model alone', async () => {
    const window = windowOf('7d', NOW);
    const closedDays = window.lastDay - window.firstDay;
    const read = await rowsRead(modelUsage(window));
    expect(read['usage_by_day_model']).toBeLessThanOrEqual(closedDays * PEOPLE * MODELS_EACH + 2 * 2 * GRANULE);
    expect(read['usage_by_day_user']).toBeUndefined();
  });

  it('of a person are some of each day, however many others there are', async () => {
    const window = windowOf('30d', NOW);
    const read = await rowsRead(userDaysAndModels('u-77', window));
    expect(read['usage_by_day_model']).toBeLessThanOrEqual((window.lastDay - window.firstDay + 1) * 2 * GRANULE);
  });

  it('of the question whether anything has changed are no usage', async () => {
    const read = await rowsRead(figuresVersion);
    expect(Object.keys(read).filter((table) => table.startsWith('usage_'))).toEqual([]);
  });
});
