import { readFileSync } from 'node:fs';
import {
  OutcomeRows,
  rollHours,
  rollIdOf,
  rollMinutes,
  rollOutcomes,
  runAll,
  writeClosure,
  writeHeads,
} from '@laurel/clickhouse';
import { TestDatabase, UsageRows } from '@laurel/clickhouse/fixture';
import { outcomeFromJson, usageFromJson, validateOutcome, validateUsage } from '@laurel/events';
import { openViews } from '@laurel/local-stack';
import { connectAnalyst, type AnalystConnection } from './analyst.js';

const PAGE = new URL('../../../docs/reference/sql.md', import.meta.url);
const page = readFileSync(PAGE, 'utf8');
const [forAnalysts = '', forAdministrators = ''] = page.split('## For administrators');
/** The notebook: each question with its query, and the answer of the demo as far as it is shown. */
const questions = [...forAnalysts.matchAll(/^### \d+\. (.*?)\n\n```sql\n(.*?)```\n\n.*?\n\n```text\n(.*?)```/gms)].map(
  ([, question = '', query = '', answer = '']) => ({ question, query, answer }),
);
const administratorQueries = [...forAdministrators.matchAll(/(?<=```sql\n).*?(?=```)/gs)].map(([query]) => query);
/** The columns that an answer shows: the first line of ClickHouse's format PrettySpace. */
const columnsOf = (answer: string): readonly string[] => answer.split('\n')[0]?.trim().split(/ {2,}/) ?? [];

const namesIn = (text: string): string[] => [...text.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
const measures = namesIn(/^Measures: .*?\.\n/ms.exec(page)?.[0] ?? '').filter((name) => name !== 'total_tokens');
/** The rows of a table of views: the view, and the columns that it is said to have. */
const viewsIn = (text: string) =>
  [...text.matchAll(/^\| `(\w+)` \| [^|]* \| (.*) \|$/gm)].map(([, view = '', columns = '']) => ({
    view,
    columns: [...namesIn(columns), ...(columns.includes('the measures') ? measures : [])],
  }));
const views = [...viewsIn(forAnalysts), ...viewsIn(forAdministrators)];

describe('docs/reference/sql.md', () => {
  let database: TestDatabase;
  let analyst: AnalystConnection;

  beforeAll(async () => {
    database = await TestDatabase.create();
    const { client } = database;
    // One event in a closed hour and one in an open one, so that the views have both.
    const nowMs = Date.now();
    const minutes = [nowMs - 2 * 3_600_000, nowMs].map((occurred_at, offset) => {
      const read = usageFromJson({
        event_id: `e-${offset}`,
        source: 'test',
        occurred_at,
        user_id: 'u-4711',
        session_id: 's',
        provider: 'p',
        model: 'm',
        origin: 'main',
        tokens: { input: 1, cache_read: 3, output: 2 },
        cost_micro_usd: 1_500_000,
      });
      if (!read.ok) throw new Error(read.fault.message);
      const event = validateUsage(read.value, nowMs);
      if (!event.ok) throw new Error(event.fault.message);
      const position = { topic: 'usage.events.v1', partition: 0, offset, timestampMs: nowMs };
      const day = new UsageRows();
      day.push(event.value, position);
      return { day, start: Math.floor(occurred_at / 60_000) * 60 };
    });
    for (const { day } of minutes) await day.insert(client);
    const [closed = 0, open = 0] = minutes.map(({ start }) => start);
    const hour = Math.floor(closed / 3600) * 3600;
    const rollId = rollIdOf(1, nowMs, 0);
    await runAll(client, [...rollHours([hour], rollId), ...rollMinutes([open], rollId)]);
    await writeHeads(client, 'hour', [hour], rollId);
    await writeHeads(client, 'minute', [open], rollId);
    const outcome = outcomeFromJson({
      ...{ event_id: 'o', source: 'test', occurred_at: nowMs, user_id: 'u-4711', kind: 'pull_request_merged' },
    });
    if (!outcome.ok) throw new Error(outcome.fault.message);
    const merged = validateOutcome(outcome.value, nowMs);
    if (!merged.ok) throw new Error(merged.fault.message);
    const outcomes = new OutcomeRows();
    outcomes.push(merged.value, { offset: 0, timestampMs: nowMs });
    await outcomes.insert(client, 'usage.outcomes.v1', [{ partition: 0, rows: outcomes.length }]);
    const today = Math.floor(nowMs / 86_400_000) * 86_400;
    await runAll(client, rollOutcomes(today, rollId));
    await writeHeads(client, 'outcome_day', [today], rollId);
    await writeClosure(client, 'day', Math.floor(hour / 86_400) * 86_400);
    await writeClosure(client, 'hour', hour + 3600);
    analyst = await connectAnalyst(database.connection);
  });

  afterAll(async () => {
    await analyst.close();
    await database.drop();
  });

  it('has ten queries for analysts', () => {
    expect(questions).toHaveLength(10);
  });

  it.each(questions)('answers an analyst: $question', async ({ query, answer }) => {
    const result = await analyst.client.query({ query, format: 'JSONCompactEachRowWithNames' });
    const [columns, ...rows] = await result.json();
    expect(columns).toEqual(columnsOf(answer));
    // A team of one person has no days that are shown.
    if (!query.includes('team_usage_by_day')) expect(rows.length).toBeGreaterThan(0);
  });

  it('has two queries for administrators, of which one leads back to the log', () => {
    expect(administratorQueries).toHaveLength(2);
    expect(administratorQueries.at(-1)).toContain('usage_events');
  });

  it.each(administratorQueries)('answers an administrator, and refuses an analyst: %s', async (query) => {
    const result = await database.client.query({ query, format: 'JSONEachRow' });
    expect((await result.json()).length).toBeGreaterThan(0);
    await expect(analyst.client.query({ query })).rejects.toMatchObject({ code: '497' });
  });

  it.each(viewsIn(forAdministrators))('refuses an analyst $view', async ({ view }) => {
    await expect(analyst.client.query({ query: `SELECT * FROM ${view}` })).rejects.toMatchObject({ code: '497' });
  });

  it.each(views)('names columns that $view has', async ({ view, columns }) => {
    const result = await database.client.query({ query: `DESCRIBE TABLE ${view}`, format: 'JSONEachRow' });
    const found = (await result.json<{ name: string }>()).map(({ name }) => name);
    expect(found).toEqual(expect.arrayContaining(columns.filter((name) => name !== 'groupBitOr')));
  });

  it('names the views that are open to analysts, the nine others, and the measures', () => {
    expect(
      viewsIn(forAnalysts)
        .map(({ view }) => view)
        .sort(),
    ).toEqual([...openViews].sort());
    expect(viewsIn(forAdministrators)).toHaveLength(9);
    expect(measures).toContain('price_version');
    expect(measures.length).toBeGreaterThan(11);
  });

  it('says of the board what was recorded', async () => {
    const result = await analyst.client.query({ query: questions[0]?.query ?? '', format: 'JSONCompactEachRow' });
    expect(JSON.stringify(await result.json()).replaceAll('"', '')).toBe('[[1,u-4711,,12,2]]');
  });
});
