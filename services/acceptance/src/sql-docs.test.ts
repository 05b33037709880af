import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  applyMigrations,
  connectClickHouse,
  OutcomeRows,
  readMigrations,
  rollHours,
  rollIdOf,
  rollMinutes,
  rollOutcomes,
  runAll,
  writeClosure,
  writeHeads,
} from '@laurel/clickhouse';
import { UsageRows } from '@laurel/clickhouse/fixture';
import { outcomeFromJson, usageFromJson, validateOutcome, validateUsage } from '@laurel/events';

const PAGE = new URL('../../../docs/reference/sql.md', import.meta.url);
const page = readFileSync(PAGE, 'utf8');
const queries = [...page.matchAll(/```sql\n(.*?)```/gs)].map(([, sql = '']) => sql);

const namesIn = (text: string): string[] => [...text.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
/** The rows of the page's table of views: the view, and the columns that it is said to have. */
const measures = namesIn(/^Measures: .*?\.\n/ms.exec(page)?.[0] ?? '').filter((name) => name !== 'total_tokens');
const views = [...page.matchAll(/^\| `(\w+)` \| [^|]* \| (.*) \|$/gm)].map(([, view = '', columns = '']) => ({
  view,
  columns: [...namesIn(columns), ...(columns.includes('the measures') ? measures : [])],
}));

describe('docs/reference/sql.md', () => {
  const url = process.env['LAUREL_TEST_CLICKHOUSE_URL'];
  if (url === undefined) throw new Error('LAUREL_TEST_CLICKHOUSE_URL is not set; see with-stack in deploy/local');
  const connection = {
    url,
    username: process.env['LAUREL_TEST_CLICKHOUSE_USERNAME'] ?? 'default',
    password: process.env['LAUREL_TEST_CLICKHOUSE_PASSWORD'] ?? '',
    database: `sql_docs_${randomBytes(4).toString('hex')}`,
    application: 'laurel-acceptance',
  };
  const client = connectClickHouse(connection);

  beforeAll(async () => {
    await applyMigrations(connection, await readMigrations());
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
    await outcomes.insert(client, 'usage.outcomes.v1', 0);
    const today = Math.floor(nowMs / 86_400_000) * 86_400;
    await runAll(client, rollOutcomes(today, rollId));
    await writeHeads(client, 'outcome_day', [today], rollId);
    await writeClosure(client, 'day', Math.floor(hour / 86_400) * 86_400);
    await writeClosure(client, 'hour', hour + 3600);
  });

  afterAll(async () => {
    await client.command({ query: `DROP DATABASE IF EXISTS ${connection.database}` });
    await client.close();
  });

  it('has six queries and the way back to the log', () => {
    expect(queries).toHaveLength(7);
  });

  it.each(queries.map((query) => ({ first: query.split('\n').slice(0, 2).join(' '), query })))(
    'has a query that runs: $first',
    async ({ query }) => {
      const result = await client.query({ query, format: 'JSONEachRow' });
      expect((await result.json()).length).toBeGreaterThan(0);
    },
  );

  it.each(views)('names columns that $view has', async ({ view, columns }) => {
    const result = await client.query({ query: `DESCRIBE TABLE ${view}`, format: 'JSONEachRow' });
    const found = (await result.json<{ name: string }>()).map(({ name }) => name);
    expect(found).toEqual(expect.arrayContaining(columns.filter((name) => name !== 'groupBitOr')));
  });

  it('names nine views, and the measures', () => {
    expect(views).toHaveLength(9);
    expect(measures).toContain('price_version');
    expect(measures.length).toBeGreaterThan(11);
  });

  it('says of the board what was recorded', async () => {
    const result = await client.query({ query: queries[0] ?? '', format: 'JSONEachRow' });
    expect(await result.json()).toEqual([{ rank: '1', user_id: 'u-4711', total_tokens: '12', events: '2' }]);
  });
});
