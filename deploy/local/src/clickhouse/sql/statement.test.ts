import { parseStatement, type InsertStatement, type RowsStatement } from './statement.js';

const insert = (sql: string): InsertStatement => {
  const statement = parseStatement(sql);
  if (statement.kind !== 'insert') throw new Error(`not an insert with rows: ${sql}`);
  return statement;
};
const rows = (sql: string): RowsStatement => {
  const statement = parseStatement(sql);
  if (statement.kind !== 'rows') throw new Error(`not a statement that returns rows: ${sql}`);
  return statement;
};

describe('an INSERT with rows', () => {
  it.each([
    ['INSERT INTO t FORMAT JSONEachRow', 'JSONEachRow', ''],
    ['insert into `a b`.t (x, `y z`) format Native\n\x01\x02', 'Native', '\x01\x02'],
    ['INSERT INTO t FORMAT CSV \t\n\n1', 'CSV', '\n1'],
    ['INSERT INTO t VALUES (1), (2)', 'Values', ' (1), (2)'],
    ['/* c */ INSERT -- VALUES\n INTO t(x) VALUES(1)', 'Values', '(1)'],
    ['INSERT INTO values VALUES (1)', 'Values', ' (1)'],
    ["INSERT INTO FUNCTION file('f', 'CSV', 'a UInt8') FORMAT TSV\n1", 'TSV', '1'],
    ['INSERT INTO t SETTINGS async_insert=0 FORMAT RowBinary \x00', 'RowBinary', '\x00'],
    ['INSERT INTO t (* EXCEPT(b)) FORMAT TSV\n1', 'TSV', '1'],
  ])('%j has its format and its rows', (sql, format, data) => {
    const statement = insert(sql);
    expect([statement.format, sql.slice(statement.dataStart)]).toEqual([format, data]);
  });

  it('reads its rows from a file, with its columns and settings in place', () => {
    const { from } = insert('INSERT INTO d.t (a, b) SETTINGS async_insert = 0 FORMAT Native');
    expect(from('/f', 'none').replace(/\s+/g, ' ')).toBe(
      "INSERT INTO d.t (a, b) FROM INFILE '/f' COMPRESSION 'none' SETTINGS async_insert = 0 FORMAT Native",
    );
  });

  it('may pass its rows through a SELECT from input()', () => {
    const { from, format } = insert("INSERT INTO t SELECT a + 1 FROM input('a UInt64') WHERE a > 0 FORMAT TSV\n1");
    expect(format).toBe('TSV');
    expect(from('/f', 'gzip').trim()).toBe(
      "INSERT INTO t SELECT a + 1 FROM file('/f', 'TSV', 'a UInt64', 'gzip') WHERE a > 0",
    );
  });

  it("doesn't look for keywords in the rows", () => {
    const sql = "INSERT INTO t FORMAT TSV\nit's FORMAT JSON; SELECT";
    expect(sql.slice(insert(sql).dataStart)).toBe("it's FORMAT JSON; SELECT");
  });
});

describe('a statement that returns rows', () => {
  it.each([
    ['SELECT 1', undefined, "SELECT 1 INTO OUTFILE '/f' TRUNCATE COMPRESSION 'none' FORMAT TSV"],
    ['SELECT 1;', undefined, "SELECT 1 INTO OUTFILE '/f' TRUNCATE COMPRESSION 'none' FORMAT TSV"],
    ['SELECT 1 -- FORMAT x', undefined, "SELECT 1 INTO OUTFILE '/f' TRUNCATE COMPRESSION 'none' FORMAT TSV"],
    [
      'SELECT format FROM t',
      undefined,
      "SELECT format FROM t INTO OUTFILE '/f' TRUNCATE COMPRESSION 'none' FORMAT TSV",
    ],
    [
      'WITH 1 AS x SELECT x FORMAT JSON SETTINGS max_threads = 1',
      'JSON',
      "WITH 1 AS x SELECT x INTO OUTFILE '/f' TRUNCATE COMPRESSION 'none' FORMAT TSV SETTINGS max_threads = 1",
    ],
    [
      "SELECT ' FORMAT JSON'",
      undefined,
      "SELECT ' FORMAT JSON' INTO OUTFILE '/f' TRUNCATE COMPRESSION 'none' FORMAT TSV",
    ],
    [
      '(SELECT 1) UNION ALL (SELECT 2)',
      undefined,
      "(SELECT 1) UNION ALL (SELECT 2) INTO OUTFILE '/f' TRUNCATE COMPRESSION 'none' FORMAT TSV",
    ],
  ])('%j is written where it is wanted', (sql, format, written) => {
    const statement = rows(sql);
    expect([statement.format, statement.into('/f', 'none', 'TSV').replace(/\s+/g, ' ')]).toEqual([format, written]);
  });

  it('takes a semicolon within a string for no end', () => {
    expect(parseStatement("SELECT ';', $$;$$, `;`").kind).toBe('rows');
  });
});

describe('refused statements', () => {
  it.each([
    ['', 62],
    [' -- nothing', 62],
    ['SELECT 1; SELECT 2', 62],
    ["SELECT 1 INTO OUTFILE '/etc/passwd'", 48],
    ["INSERT INTO t FROM INFILE '/etc/passwd' FORMAT CSV", 48],
  ])('%j fails with the code of the server', (sql, code) => {
    expect(() => parseStatement(sql)).toThrow(`Code: ${code}. DB::Exception: `);
  });
});

it('leaves definitions and INSERT … SELECT to the engine', () => {
  for (const sql of [
    'CREATE TABLE t (a UInt8) ENGINE = Memory',
    'INSERT INTO t SELECT 1',
    'INSERT INTO t (a) WITH 1 AS x SELECT x',
  ]) {
    expect(parseStatement(sql)).toEqual({ kind: 'command', text: sql });
  }
});
