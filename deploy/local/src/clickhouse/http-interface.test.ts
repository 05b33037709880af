import { ClickHouseError, createClient, type ClickHouseClient } from '@clickhouse/client';
import { jest } from '@jest/globals';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { until } from '../testing/processes.js';
import { startClickHouse, type LocalClickHouse } from './start.js';

jest.setTimeout(60_000);

let dataDir: string;
let server: LocalClickHouse;
let client: ClickHouseClient;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'laurel-http-'));
  server = await startClickHouse({ dataDir });
  client = clientOf();
});

afterAll(async () => {
  await client.close();
  await server.stop();
  await rm(dataDir, { recursive: true });
});

/** A client that keeps what it logs to itself: failing requests are what some tests are about. */
function clientOf(options: Parameters<typeof createClient>[0] = {}): ClickHouseClient {
  return createClient({ url: server.url, log: { level: 127 }, ...options });
}

async function table(name: string, columns: string): Promise<string> {
  await client.command({ query: `CREATE OR REPLACE TABLE ${name} (${columns}) ENGINE = MergeTree ORDER BY tuple()` });
  return name;
}

async function select(query: string): Promise<unknown[][]> {
  return (await client.query({ query, format: 'JSONCompactEachRow' })).json();
}

/** An answer's status, error code, other headers and text. */
async function post(query: string, body: string | Buffer = '', headers: Record<string, string> = {}) {
  const answer = await fetch(`${server.url}/?${query}`, { method: 'POST', body, headers });
  return {
    status: answer.status,
    code: answer.headers.get('x-clickhouse-exception-code'),
    answer,
    text: await answer.text(),
  };
}

describe('an insert by @clickhouse/client', () => {
  it('fills defaults in and reports the rows written', async () => {
    await table('defaults', "a UInt64, b String DEFAULT concat('n', toString(a)), c Array(UInt8)");
    const { summary } = await client.insert({
      table: 'defaults',
      values: [{ a: 1 }, { a: '2', b: 'x', c: [3] }],
      format: 'JSONEachRow',
    });
    expect(summary?.written_rows).toBe('2');
    expect(await select('SELECT * FROM defaults ORDER BY a')).toEqual([
      [1, 'n1', []],
      [2, 'x', [3]],
    ]);
  });

  it('puts values into the columns named, in their order', async () => {
    await table('ordered', 'a UInt8, b String, c UInt8 DEFAULT 9');
    await client.insert({ table: 'ordered', columns: ['b', 'a'], values: [['x', 1]], format: 'JSONCompactEachRow' });
    expect(await select('SELECT a, b, c FROM ordered')).toEqual([[1, 'x', 9]]);
  });

  it.each([false, true])('takes a stream of 50,000 rows (compressed: %s)', async (compressed) => {
    await table('streamed', 'a UInt32');
    const compressing = clientOf({ compression: { request: compressed, response: compressed } });
    const values = Readable.from(
      (function* () {
        for (let a = 0; a < 50_000; a++) yield { a };
      })(),
    );
    await compressing.insert({ table: 'streamed', values, format: 'JSONEachRow' });
    const sum = await compressing.query({
      query: 'SELECT count(), sum(a) FROM streamed',
      format: 'JSONCompactEachRow',
    });
    expect(await sum.json()).toEqual([[50_000, 1_249_975_000]]);
    await compressing.close();
  });

  it.each(['Native', 'RowBinary', 'Parquet', 'ArrowStream'])('takes %s through exec', async (format) => {
    await table('binary', 'a UInt64, b String');
    const rows = await client.exec({
      query: `SELECT number AS a, randomString(20) AS b FROM numbers(100000) FORMAT ${format}`,
    });
    const values = Readable.from([await buffer(rows.stream)], { objectMode: false });
    const { stream, summary } = await client.exec({ query: `INSERT INTO binary (a, b) FORMAT ${format}`, values });
    await text(stream);
    expect(summary?.written_rows).toBe('100000');
    expect(await select('SELECT count(), sum(a), min(length(b)) FROM binary')).toEqual([[100_000, 4_999_950_000, 20]]);
  });

  it('makes one block of a Native request', async () => {
    await table('one_block', 'a UInt64');
    await client.command({ query: 'SYSTEM STOP MERGES one_block' });
    const rows = await client.exec({ query: 'SELECT number AS a FROM numbers(300000) FORMAT Native' });
    const values = Readable.from([await buffer(rows.stream)], { objectMode: false });
    await text((await client.exec({ query: 'INSERT INTO one_block FORMAT Native', values })).stream);
    expect(await select("SELECT rows FROM system.parts WHERE table = 'one_block' AND active")).toEqual([[300_000]]);
  });

  it('leaves nothing of a request with a bad row, and names the row', async () => {
    await table('bad_row', 'a UInt8');
    const inserted = client.insert({ table: 'bad_row', values: [{ a: 1 }, { a: 'x' }], format: 'JSONEachRow' });
    await expect(inserted).rejects.toMatchObject({ code: '27' });
    await expect(inserted).rejects.toThrow('(at row 2)');
    expect(await select('SELECT count() FROM bad_row')).toEqual([[0]]);
  });

  it('runs INSERT … SELECT and INSERT … VALUES with expressions', async () => {
    await table('selected', 'a UInt64, b String DEFAULT toString(a)');
    await client.command({ query: 'INSERT INTO selected (a) SELECT number FROM numbers(3)' });
    await client.command({ query: "INSERT INTO selected VALUES (10, DEFAULT), (11, concat('v', '11'))" });
    expect(await select('SELECT a, b FROM selected ORDER BY a')).toEqual([
      [0, '0'],
      [1, '1'],
      [2, '2'],
      [10, '10'],
      [11, 'v11'],
    ]);
  });
});

describe('a query by @clickhouse/client', () => {
  it('binds parameters of every kind', async () => {
    const answer = await client.query({
      query:
        'SELECT {s:String} s, {n:UInt64} n, {l:Array(String)} l, {m:Map(String, UInt8)} m, {o:Nullable(String)} o, {t:DateTime64(3)} t FROM {x:Identifier}.one',
      query_params: {
        s: 'it\'s\t"☃"\n\\',
        n: '18446744073709551615',
        l: ["a'b", 'c'],
        m: { k: 1 },
        o: null,
        t: new Date(1_700_000_000_123),
        x: 'system',
      },
      format: 'JSONEachRow',
      clickhouse_settings: { output_format_json_quote_64bit_integers: 1 },
    });
    expect(await answer.json()).toEqual([
      {
        s: 'it\'s\t"☃"\n\\',
        n: '18446744073709551615',
        l: ["a'b", 'c'],
        m: { k: 1 },
        o: null,
        t: '2023-11-14 22:13:20.123',
      },
    ]);
  });

  it('applies settings to itself alone', async () => {
    const query = "SELECT getSetting('max_threads') AS n";
    const changed = await client.query({
      query,
      format: 'JSONEachRow',
      clickhouse_settings: { max_threads: 1, max_block_size: '10' },
    });
    expect(await changed.json()).toEqual([{ n: 1 }]);
    expect(await select(query)).not.toEqual([[1]]);
  });

  it('runs in the database of the client', async () => {
    await client.command({ query: 'CREATE DATABASE IF NOT EXISTS other' });
    const other = clientOf({ database: 'other' });
    const answer = await other.query({ query: 'SELECT currentDatabase() AS d', format: 'JSONEachRow' });
    expect(await answer.json()).toEqual([{ d: 'other' }]);
    await other.close();
  });

  it.each([
    ['SELECT * FROM no_such_table', '60', 'UNKNOWN_TABLE'],
    ['SELECT 1 +', '62', 'SYNTAX_ERROR'],
    ['SELECT no_such_function(1)', '46', 'UNKNOWN_FUNCTION'],
    ['SELECT {missing:String}', '456', 'UNKNOWN_QUERY_PARAMETER'],
  ])('%s fails with code %s', async (query, code, type) => {
    await expect(client.query({ query })).rejects.toMatchObject({ code, type });
  });

  it('streams a million rows without holding them', async () => {
    const answer = await client.query({
      query: 'SELECT number, toString(number) FROM numbers(1000000)',
      format: 'JSONCompactEachRow',
    });
    let rows = 0;
    for await (const some of answer.stream()) rows += some.length;
    expect(rows).toBe(1_000_000);
  });

  it('reports an error that comes after the first rows', async () => {
    const query = 'SELECT throwIf(number = 900000) FROM numbers(1000000) SETTINGS max_block_size = 1000';
    const answer = await client.query({ query, format: 'JSONEachRow' });
    const read = async (): Promise<void> => {
      await answer.stream().toArray();
    };
    await expect(read()).rejects.toMatchObject({ code: '395' });
  });

  it("doesn't wait behind a long one", async () => {
    const long = client.query({ query: 'SELECT sleep(3)', format: 'JSONEachRow' });
    const started = performance.now();
    await Promise.all(Array.from({ length: 20 }, () => select('SELECT 1')));
    expect(performance.now() - started).toBeLessThan(2_000);
    await long;
  });

  it.each([
    ['before its first row', 'SELECT max(sipHash64(number)) FROM numbers(100000000000)'],
    ['among its rows', 'SELECT number FROM numbers(100000000000)'],
  ])('ends in the engine, too, when it is given up %s', async (_, query) => {
    const isRunning = async (): Promise<boolean> => {
      const found = await select(`SELECT count() > 0 FROM system.processes WHERE startsWith(query, '${query}')`);
      return found[0]?.[0] === true || found[0]?.[0] === 1;
    };
    const aborting = new AbortController();
    const answer = client.query({ query, format: 'JSONEachRow', abort_signal: aborting.signal });
    await until(isRunning);
    aborting.abort();
    await answer.then(
      (rows) => rows.close(),
      () => undefined,
    );
    await until(async () => !(await isRunning()));
  });
});

it('ends what it runs for clients that go away at any moment', async () => {
  const { hostname, port } = new URL(server.url);
  const query = 'SELECT number AS of_one_who_left FROM numbers(3) FORMAT TSV';
  for (let waitMs = 0; waitMs < 20; waitMs += 0.25) {
    const socket = connect(Number(port), hostname).on('error', () => undefined);
    await once(socket, 'connect');
    socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${query.length}\r\n\r\n${query}`);
    await sleep(waitMs);
    socket.destroy();
  }
  const running = `SELECT query FROM system.processes WHERE query LIKE '%of_one_' || 'who_left%'`;
  await until(async () => (await select(running)).length === 0);
});

describe('plain HTTP', () => {
  it('answers pings', async () => {
    expect(await (await fetch(`${server.url}/ping`)).text()).toBe('Ok.\n');
    expect((await client.ping()).success).toBe(true);
    expect((await fetch(`${server.url}/nothing`)).status).toBe(404);
  });

  it('takes the query from the URL, the body, or both', async () => {
    expect((await post('query=SELECT%201')).text).toBe('1\n');
    expect((await post('', 'SELECT 2')).text).toBe('2\n');
    expect((await post('query=SELECT', '3')).text).toBe('3\n');
    expect(await (await fetch(`${server.url}/?query=SELECT%204&default_format=CSV`)).text()).toBe('4\n');
  });

  it('refuses to write for GET', async () => {
    const answer = await fetch(
      `${server.url}/?query=${encodeURIComponent('CREATE TABLE got (a UInt8) ENGINE = Memory')}`,
    );
    expect(answer.headers.get('x-clickhouse-exception-code')).toBe('164');
  });

  it('says what the format is, and its type', async () => {
    const { answer } = await post('query_id=mine', "SELECT 'x' AS a FORMAT JSON", {});
    expect(answer.headers.get('content-type')).toBe('application/json; charset=UTF-8');
    expect(answer.headers.get('x-clickhouse-format')).toBe('JSON');
    expect(answer.headers.get('x-clickhouse-query-id')).toBe('mine');
    expect(JSON.parse(answer.headers.get('x-clickhouse-summary') ?? '')).toMatchObject({ result_rows: '1' });
  });

  it.each([
    ['', 'SELECT * FROM nowhere', 404, '60'],
    ['no_such_setting=1', 'SELECT 1', 404, '115'],
    ['database=nowhere', 'SELECT 1', 404, '81'],
    ['', 'SELEC', 400, '62'],
    ['max_execution_time=0.2', 'SELECT max(sipHash64(number)) FROM numbers(100000000000)', 408, '159'],
    ['user=someone', 'SELECT 1', 403, '516'],
    ['compress=1', 'SELECT 1', 501, '48'],
  ])('?%s %s fails with status %i and code %s', async (query, body, status, code) => {
    const failed = await post(query, body);
    expect([failed.status, failed.code]).toEqual([status, code]);
    expect(failed.text).toMatch(/^Code: \d+\. DB::Exception: .*\([A-Z_]+\) \(version [\d.]+ \(official build\)\)\n$/s);
  });

  it.each(['gzip', 'zstd', 'lz4'])('unpacks a whole body of %s, packs answers likewise', async (encoding) => {
    await table('packed', 'a UInt8');
    const packed = await fetch(`${server.url}/?enable_http_compression=1`, {
      method: 'POST',
      body: "SELECT 'INSERT INTO packed FORMAT TSV\\n1\\n2\\n' FORMAT RawBLOB",
      headers: { 'Accept-Encoding': encoding },
    });
    expect(packed.headers.get('content-encoding')).toBe(encoding);
    // fetch itself unpacks what it knows.
    const body = encoding === 'gzip' ? gzipSync(await packed.text()) : Buffer.from(await packed.arrayBuffer());
    expect((await post('', body, { 'Content-Encoding': encoding })).text).toBe('');
    expect(await select('SELECT sum(a) FROM packed')).toEqual([[3]]);
  });

  it('keeps the temporary tables of a named session, and of no other', async () => {
    await post('session_id=one', 'CREATE TEMPORARY TABLE mine (a UInt8)');
    await post('session_id=one', 'INSERT INTO mine VALUES (7)');
    expect((await post('session_id=one', 'SELECT a FROM mine')).text).toBe('7\n');
    expect((await post('session_id=two', 'SELECT a FROM mine')).code).toBe('60');
    expect((await post('session_id=three&session_check=1', 'SELECT 1')).code).toBe('372');
  });

  it('shows nothing of one request to the next', async () => {
    const seen = "SELECT currentDatabase(), getSetting('max_block_size')";
    const before = (await post('', seen)).text;
    await post('', 'SET max_block_size = 7');
    await post('', 'USE system');
    await post('max_block_size=7&database=system&param_a=1', 'SELECT {a:UInt8}');
    await post('', 'CREATE TEMPORARY TABLE passing (a UInt8)');
    expect((await post('', seen)).text).toBe(before);
    expect((await post('', 'SELECT * FROM passing')).code).toBe('60');
    expect((await post('', 'SELECT {a:UInt8}')).code).toBe('456');
  });

  it('serves curl', async () => {
    const { stdout } = await promisify(execFile)('curl', [
      '-sS',
      '--compressed',
      `${server.url}/?enable_http_compression=1`,
      '--data',
      'SELECT version()',
    ]);
    expect(stdout).toMatch(/^\d+\.\d+/);
  });
});

it('errors of the client are those of ClickHouse', async () => {
  await expect(client.command({ query: 'DROP TABLE nowhere' })).rejects.toBeInstanceOf(ClickHouseError);
});
