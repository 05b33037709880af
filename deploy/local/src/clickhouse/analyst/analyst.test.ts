import { createClient, type ClickHouseClient } from '@clickhouse/client';
import { jest } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startClickHouse, type LocalClickHouse } from '../start.js';

jest.setTimeout(60_000);

const DENIED = { code: '497', type: 'ACCESS_DENIED' };

let dataDir: string;
let server: LocalClickHouse;
let admin: ClickHouseClient;
let analyst: ClickHouseClient;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'laurel-analyst-'));
  server = await startClickHouse({ dataDir });
  admin = createClient({ url: server.url, log: { level: 127 } });
  for (const query of [
    'CREATE DATABASE laurel',
    'CREATE DATABASE other',
    'CREATE TABLE laurel.secret (user_id String, tokens UInt64) ENGINE = MergeTree ORDER BY user_id',
    "INSERT INTO laurel.secret VALUES ('u-hidden', 7), ('u-shown', 8)",
    'CREATE TABLE laurel.joined (k String, v UInt64) ENGINE = Join(ANY, LEFT, k)',
    "CREATE VIEW laurel.shown_usage AS SELECT * FROM laurel.secret WHERE user_id != 'u-hidden'",
    'CREATE TABLE other.secret AS laurel.secret',
    "CREATE FUNCTION peek AS (k) -> joinGet('laurel.joined', 'v', k)",
  ])
    await admin.command({ query });
  await writeFile(join(dataDir, 'rows.csv'), 'u-hidden\n');
  analyst = createClient({ url: server.url, username: 'analyst', database: 'laurel', log: { level: 127 } });
});

afterAll(async () => {
  await Promise.all([admin.close(), analyst.close()]);
  await server.stop();
  await rm(dataDir, { recursive: true });
});

const select = async (query: string, more: Partial<Parameters<ClickHouseClient['query']>[0]> = {}): Promise<unknown> =>
  (await analyst.query({ query, format: 'JSONCompactEachRow', ...more })).json();

describe('an analyst', () => {
  it.each([
    ['a view', 'SELECT user_id, tokens FROM shown_usage', [['u-shown', 8]]],
    ['its name with the database', 'SELECT count() FROM laurel.shown_usage -- all', [[1]]],
    ['nothing', "SELECT 1 + 1, toDate('2026-01-02'), if(1, 'a', 'b')", [[2, '2026-01-02', 'a']]],
    ['what it computed itself', 'WITH mine AS (SELECT sum(tokens) AS n FROM shown_usage) SELECT n FROM mine', [[8]]],
    ['rows out of nothing', 'SELECT sum(number) FROM numbers(4)', [[6]]],
    ['a view by a set', 'SELECT count() FROM shown_usage WHERE user_id IN (SELECT user_id FROM shown_usage)', [[1]]],
    ['a scalar', 'SELECT (SELECT max(tokens) FROM shown_usage) - 8', [[0]]],
    ['windows', 'SELECT rank() OVER (PARTITION BY user_id ORDER BY tokens) FROM shown_usage', [[1]]],
    ['combined aggregates', 'SELECT sumIf(tokens, tokens > 1), uniqExactIf(user_id, 1) FROM shown_usage', [[8, 1]]],
    ['a union', '(SELECT 1 AS n) UNION ALL (SELECT 1)', [[1], [1]]],
    [
      'cases and dates',
      "SELECT CASE user_id WHEN 'u' THEN 1 ELSE 2 END, now() - INTERVAL 1 DAY < now() FROM shown_usage",
      [[2, 1]],
    ],
    ['joined views', 'SELECT a.tokens FROM shown_usage AS a INNER JOIN shown_usage AS b USING (user_id)', [[8]]],
    ['arrays', 'SELECT arraySum(x -> x * 2, groupArray(tokens)) FROM shown_usage ARRAY JOIN [1, 2] AS n', [[32]]],
  ])('reads %s', async (_, query, rows) => {
    expect(await select(query)).toEqual(rows);
  });

  it('binds parameters, and is told of its own mistakes', async () => {
    expect(await select('SELECT {n:UInt8}', { query_params: { n: 3 } })).toEqual([[3]]);
    await expect(select('SELECT nothing FROM shown_usage')).rejects.toMatchObject({ code: '47' });
    await expect(select('SELECT 1 +')).rejects.toMatchObject({ code: '62' });
    await expect(select('SELECT toUInt8(user_id) FROM shown_usage')).rejects.toThrow("'u-shown'");
  });

  it.each([
    'SELECT * FROM secret',
    'SELECT * FROM laurel.secret',
    'SELECT * FROM `laurel`.`secret`',
    'SELECT * FROM other.secret',
    'SELECT * FROM/* shown_usage */secret -- shown_usage',
    'FROM secret SELECT *',
    'WITH x AS (SELECT * FROM secret) SELECT 1',
    'SELECT (SELECT max(tokens) FROM secret)',
    'SELECT * FROM (SELECT * FROM (SELECT * FROM secret))',
    'SELECT 1 FROM shown_usage UNION ALL SELECT tokens FROM secret',
    'SELECT 1 FROM shown_usage WHERE user_id IN secret',
    'SELECT 1 FROM shown_usage WHERE user_id IN laurel.secret',
    'SELECT 1 FROM shown_usage WHERE (user_id, tokens) GLOBAL NOT IN (secret)',
    'SELECT 1 FROM shown_usage WHERE EXISTS (SELECT 1 FROM secret)',
    'SELECT 1 FROM shown_usage AS a LEFT JOIN secret AS b USING (user_id)',
    'SELECT 1 FROM shown_usage, secret',
    // A name of one's own hides a table only where it is in force.
    'WITH secret AS (SELECT 1 AS tokens) SELECT * FROM secret, (SELECT * FROM laurel.secret)',
    'SELECT * FROM secret, (WITH secret AS (SELECT 1) SELECT * FROM secret)',
    'WITH shown_usage AS (SELECT * FROM secret) SELECT * FROM shown_usage',
    // What would fail, and say by what, before anybody looked.
    'SELECT CAST((SELECT user_id FROM secret LIMIT 1) AS UInt8)',
    'SELECT throwIf((SELECT count() FROM secret) > 0)',
    // Names that look like parts of the engine's answer.
    'SELECT * FROM secret AS `x, identifier: shown_usage`',
    'SELECT * FROM secret AS `x\n    LIST id: 1, nodes: 0`',
    "SELECT 1 AS `cte_name: secret`, 'alias: secret' FROM secret",
    'SELECT * FROM system.tables',
    'SELECT * FROM system.processes',
    'SELECT * FROM INFORMATION_SCHEMA.TABLES',
    "SELECT * FROM merge('laurel', 'secret')",
    "SELECT * FROM merge('secret')",
    'SELECT * FROM view(SELECT * FROM secret)',
    "SELECT * FROM remote('127.0.0.1', laurel.secret)",
    "SELECT * FROM cluster('default', laurel.secret)",
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT (SELECT count() FROM file('/etc/passwd', 'LineAsString'))",
    'SELECT * FROM default.`/etc/passwd`',
    "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    "SELECT * FROM executable('id', 'TSV', 'a String')",
    "SELECT * FROM mergeTreeIndex('laurel', 'secret')",
    "SELECT file('/etc/passwd')",
    "SELECT * APPLY(file) FROM (SELECT '/etc/passwd' AS a)",
    'SELECT * REPLACE(file(user_id) AS user_id) FROM shown_usage',
    "SELECT arrayMap(x -> file(x), ['/etc/passwd'])",
    "SELECT joinGet('laurel.joined', 'v', 'a')",
    "SELECT joinGetOrNull('laurel.joined', 'v', 'a')",
    "SELECT peek('a')",
    "SELECT dictGet('laurel.d', 'v', 1)",
    "SELECT hasColumnInTable('laurel', 'secret', 'tokens')",
    "SELECT getServerSetting('max_connections')",
    'SELECT sleep(1)',
  ])('is refused: %s', async (query) => {
    const refused = select(query);
    await expect(refused).rejects.toMatchObject(DENIED);
    await expect(refused).rejects.not.toThrow('u-hidden');
  });

  it('is refused a table that a parameter names', async () => {
    const query = 'SELECT * FROM {t:Identifier}';
    expect(await select(query, { query_params: { t: 'shown_usage' } })).toEqual([['u-shown', 8]]);
    for (const t of ['secret', 'laurel.secret'])
      await expect(select(query, { query_params: { t } })).rejects.toMatchObject(DENIED);
  });

  it.each([
    'INSERT INTO shown_usage VALUES (1)',
    'INSERT INTO secret SELECT 1, 2',
    'CREATE TABLE mine (a UInt8) ENGINE = Memory',
    'CREATE TEMPORARY TABLE mine (a UInt8)',
    'CREATE VIEW mine AS SELECT * FROM secret',
    'ALTER TABLE secret DELETE WHERE 1',
    'DROP TABLE secret',
    'TRUNCATE TABLE secret',
    'SET readonly = 0',
    'USE other',
    'SYSTEM STOP MERGES',
    'OPTIMIZE TABLE secret',
    'KILL QUERY WHERE 1',
    'SHOW TABLES',
    'SHOW CREATE TABLE secret',
    'DESCRIBE TABLE secret',
    'EXISTS TABLE secret',
    'CHECK TABLE secret',
    'EXPLAIN SELECT * FROM secret',
    'GRANT SELECT ON *.* TO analyst',
  ])('only selects, and is refused: %s', async (query) => {
    await expect(analyst.command({ query })).rejects.toMatchObject(DENIED);
  });

  it.each([
    ["SELECT 1 INTO OUTFILE '/tmp/analyst'", '48'],
    ['SELECT 1; SELECT * FROM secret', '62'],
    ['SELECT 1 SETTINGS readonly = 0', '164'],
    ['SELECT * FROM numbers(200000) SETTINGS max_result_rows = 0', '164'],
    ['(SELECT 1) UNION ALL (SELECT 2) SETTINGS max_execution_time = 0', '164'],
    ['SELECT * FROM (SELECT number FROM numbers(200000) SETTINGS max_result_rows = 0)', '396'],
  ])('is refused by the engine or the front: %s', async (query, code) => {
    await expect(select(query)).rejects.toMatchObject({ code });
  });

  it('gets so many rows, and so much time', async () => {
    expect(await select('SELECT count() FROM numbers(1000000)')).toEqual([[1_000_000]]);
    await expect(select('SELECT number FROM numbers(100001)')).rejects.toMatchObject({ code: '396' });
    const slow = 'SELECT max(sipHash64(number)) FROM numbers(100000000000)';
    await expect(select(slow, { clickhouse_settings: { max_execution_time: 0.2 } })).rejects.toMatchObject({
      code: '159',
    });
  });

  it.each([
    [{ max_result_rows: '0' }],
    [{ max_result_rows: '1000000' }],
    [{ max_execution_time: 3600 }],
    [{ readonly: '0' }],
    [{ max_memory_usage: '0' }],
    [{ allow_introspection_functions: 1 }],
    [{ implicit_select: 1 }],
    [{ default_table_engine: 'Memory' }],
  ] as const)('may not set %j', async (clickhouse_settings) => {
    await expect(select('SELECT 1', { clickhouse_settings })).rejects.toMatchObject({ code: '164' });
  });

  it('may set how an answer is written', async () => {
    const clickhouse_settings = { output_format_json_quote_64bit_integers: 1 } as const;
    expect(await select('SELECT toUInt64(1)', { clickhouse_settings })).toEqual([['1']]);
    expect(await select('SELECT 1', { clickhouse_settings: { readonly: '2', max_execution_time: 5 } })).toEqual([[1]]);
  });

  it('comes by any of the three ways to sign in, and not with a wrong password', async () => {
    const ask = async (query: string, headers: Record<string, string> = {}): Promise<string> =>
      (
        await fetch(`${server.url}/?database=laurel&${query}`, {
          method: 'POST',
          body: 'SELECT * FROM secret',
          headers,
        })
      ).text();
    const basic = (user: string): string => `Basic ${Buffer.from(user).toString('base64')}`;
    for (const text of [
      await ask('user=analyst'),
      await ask('', { 'X-ClickHouse-User': 'analyst' }),
      await ask('', { Authorization: basic('analyst:') }),
    ])
      expect(text).toMatch(/^Code: 497\. DB::Exception: analyst: Not enough privileges/);
    expect(await ask('', { Authorization: basic('analyst:x') })).toMatch(/^Code: 516\./);
    expect(await ask('user=analyst&session_id=a')).toMatch(/^Code: 497\./);
    expect(await ask('user=default')).toContain('u-hidden');
  });

  it('leaves nothing behind for others', async () => {
    await select('SELECT 1');
    await admin.command({ query: 'CREATE OR REPLACE TABLE other.after (a UInt8) ENGINE = Memory' });
    const answer = await admin.query({ query: 'SELECT number FROM numbers(100001)', format: 'JSONEachRow' });
    expect(await answer.json()).toHaveLength(100_001);
  });
});
