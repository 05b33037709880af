import { readFileSync } from 'node:fs';
import { statementsIn } from '@laurel/clickhouse';
import { TestDatabase } from '@laurel/clickhouse/fixture';
import { openViews } from '@laurel/local-stack';
import { ANALYSTS_SQL, connectAnalyst } from './analyst.js';

const text = readFileSync(ANALYSTS_SQL, 'utf8');
const statements = statementsIn(text);
const namedBy = (pattern: RegExp): readonly string[] => [...text.matchAll(pattern)].map(([, name = '']) => name).sort();

describe('deploy/clickhouse/analysts.sql', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  afterAll(async () => {
    await database.drop();
  });

  it.each(statements)('has a statement that the engine can read: %s', async (statement) => {
    const query = 'SELECT formatQuerySingleLine({statement:String}) AS text';
    expect(await database.rows(query, { statement })).toHaveLength(1);
  });

  it('opens the views that the local front opens, each read for a definer, and no other', () => {
    expect(namedBy(/^GRANT SELECT ON (\w+) TO laurel_analyst;$/gm)).toEqual([...openViews].sort());
    expect(namedBy(/^ALTER TABLE (\w+) MODIFY SQL SECURITY DEFINER DEFINER = laurel_views;$/gm)).toEqual(
      [...openViews].sort(),
    );
    expect(namedBy(/^(GRANT [^;]*)/gm)).toHaveLength(openViews.length + 1);
  });

  it('names views that the migrations make', async () => {
    const found = await database.rows<{ name: string }>(
      `SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'View' AND name IN {views:Array(String)}`,
      { views: openViews },
    );
    expect(found.map(({ name }) => name).sort()).toEqual([...openViews].sort());
  });

  it('names settings that there are', async () => {
    const names = namedBy(/^ {4}(\w+) = /gm);
    expect(names.length).toBeGreaterThan(10);
    const found = await database.rows<{ name: string }>(
      'SELECT name FROM system.settings WHERE name IN {names:Array(String)}',
      {
        names,
      },
    );
    expect(found.map(({ name }) => name).sort()).toEqual(names);
  });

  it('lets an analyst read each view to its end, and nothing that is behind it', async () => {
    const analyst = await connectAnalyst(database.connection);
    try {
      for (const view of openViews) {
        const answer = await analyst.client.query({ query: `SELECT * FROM ${view}`, format: 'JSONEachRow' });
        expect(await answer.json()).toEqual([]);
      }
      for (const table of ['usage_events', 'usage', 'people_choices', 'hidden_exceptions', 'access_log', 'api_tokens'])
        await expect(analyst.client.query({ query: `SELECT * FROM ${table}` })).rejects.toMatchObject({ code: '497' });
      await expect(
        analyst.client.query({ query: 'SELECT 1', clickhouse_settings: { max_result_rows: '0' } }),
      ).rejects.toMatchObject({ code: expect.stringMatching(/^(?:164|452)$/) as unknown });
    } finally {
      await analyst.close();
    }
  });
});
