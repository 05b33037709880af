import { ServerException } from '../exception.js';
import { tokens, type Token } from './tokens.js';

/** An INSERT whose rows follow its head. */
export interface InsertStatement {
  readonly kind: 'insert';
  /** Format of the rows. */
  readonly format: string;
  /** Offset of the first byte of the rows. */
  readonly dataStart: number;
  /** The statement that reads its rows from a file instead. `compression` is a name the engine knows, or `none`. */
  readonly from: (path: string, compression: string) => string;
}

/** A statement that returns rows. */
export interface RowsStatement {
  readonly kind: 'rows';
  readonly text: string;
  /** Without comments before it, and without the format. */
  readonly bare: string;
  /** The format that the statement itself asks for. */
  readonly format: string | undefined;
  /** The statement with its rows written to a file in the given format. */
  readonly into: (path: string, compression: string, format: string) => string;
}

/** Anything else: definitions, `INSERT … SELECT`, settings. */
export interface CommandStatement {
  readonly kind: 'command';
  readonly text: string;
}

export type Statement = InsertStatement | RowsStatement | CommandStatement;

const RETURNS_ROWS = new Set([
  'SELECT',
  'WITH',
  'FROM',
  'SHOW',
  'DESCRIBE',
  'DESC',
  'EXPLAIN',
  'EXISTS',
  'CHECK',
  'KILL',
  '(',
]);

/**
 * Finds out what the front must know of a statement: whether rows follow it, whether rows come back, in which format.
 * The engine does all other parsing.
 *
 * @param sql one statement, perhaps with an INSERT's data behind it; offsets count in its characters.
 * @throws ServerException as the server words it: empty query, several statements, files of the server's machine.
 */
export function parseStatement(sql: string): Statement {
  const stream = tokens(sql);
  const first = stream.next();
  if (first.done === true) throw new ServerException(62, 'SYNTAX_ERROR', 'Syntax error: Empty query');
  if (word(first.value) === 'INSERT') return parseInsert(sql, [...headOfInsert(stream)]);
  const all = oneStatement([first.value, ...stream]);
  const text = sql.slice(0, all.at(-1)?.end);
  return RETURNS_ROWS.has(word(first.value)) ? rowsStatement(text, all) : { kind: 'command', text };
}

/** The keyword's canonical form, or the symbol itself; nothing for quoted tokens. */
function word(token: Token | undefined): string {
  return token?.kind === 'word' || token?.kind === 'symbol' ? token.text.toUpperCase() : '';
}

/** The tokens up to the place where rows may begin. */
function* headOfInsert(stream: Iterable<Token>): Generator<Token> {
  let previous: Token | undefined;
  let beforePrevious: Token | undefined;
  for (const token of stream) {
    yield token;
    if (token.depth === 0 && word(token) === 'VALUES' && isAfterTarget(beforePrevious, previous)) return;
    if (token.kind === 'word' && isFormatKeyword(previous)) return;
    beforePrevious = previous;
    previous = token;
  }
}

const isFormatKeyword = (token: Token | undefined): boolean => token?.depth === 0 && word(token) === 'FORMAT';

/** A table may be called "values": the keyword can't follow INTO, TABLE or a dot. */
function isAfterTarget(beforePrevious: Token | undefined, previous: Token | undefined): boolean {
  if (word(previous) === 'TABLE') return word(beforePrevious) !== 'INTO';
  return !['INTO', '.', ''].includes(word(previous)) || previous?.kind === 'name';
}

function parseInsert(sql: string, head: readonly Token[]): Statement {
  const at = (name: string): number => head.findIndex((token) => token.depth === 0 && word(token) === name);
  const last = head.at(-1);
  const select = head.findIndex((token) => ['SELECT', 'WITH'].includes(word(token)));
  if (at('INFILE') > 0 && word(head[at('INFILE') - 1]) === 'FROM') throw noFiles('FROM INFILE');
  const values = word(last) === 'VALUES' && select < 0;
  const format = isFormatKeyword(head.at(-2)) ? last?.text : values ? 'Values' : undefined;
  if (format === undefined || last === undefined) {
    const all = oneStatement(head);
    return { kind: 'command', text: sql.slice(0, all.at(-1)?.end) };
  }
  const keyword = values ? last : head.at(-2);
  const tail = sql.slice(keyword?.start, last.end);
  const dataStart = values ? last.end : skipToData(sql, last.end);
  if (select >= 0) return insertFromInput(sql, head, { format, dataStart, end: keyword?.start });
  const settings = at('SETTINGS');
  const split = settings < 0 ? keyword?.start : head[settings]?.start;
  return {
    kind: 'insert',
    format,
    dataStart,
    from: (path, compression) =>
      `${sql.slice(0, split)} FROM INFILE ${quote(path)} COMPRESSION ${quote(compression)} ` +
      `${sql.slice(split, keyword?.start)} ${values ? 'FORMAT Values' : tail}`,
  };
}

/** Rows begin behind the line break that ends the head, or behind its blanks. */
function skipToData(sql: string, end: number): number {
  const gap = /[ \t\f]*\r?\n?/y;
  gap.lastIndex = end;
  return end + (gap.exec(sql)?.[0].length ?? 0);
}

/** `INSERT INTO t SELECT … FROM input('structure') FORMAT f`: the function becomes one that reads a file. */
function insertFromInput(
  sql: string,
  head: readonly Token[],
  { format, dataStart, end }: { format: string; dataStart: number; end: number | undefined },
): Statement {
  const input = head.findIndex((token, i) => word(token) === 'INPUT' && word(head[i + 1]) === '(');
  const open = head[input + 1];
  const close = head.findIndex((token, i) => i > input && word(token) === ')' && token.depth === open?.depth);
  const [from, to] = [head[input], head[close]];
  if (input < 0 || open === undefined || from === undefined || to === undefined) {
    return { kind: 'command', text: sql.slice(0, end) };
  }
  const structure = sql.slice(open.end, to.start);
  return {
    kind: 'insert',
    format,
    dataStart,
    from: (path, compression) =>
      `${sql.slice(0, from.start)}file(${quote(path)}, ${quote(format)}, ${structure}, ${quote(compression)})` +
      sql.slice(to.end, end),
  };
}

function rowsStatement(text: string, all: readonly Token[]): RowsStatement {
  const outfile = all.findIndex((token, i) => word(token) === 'OUTFILE' && word(all[i - 1]) === 'INTO');
  if (outfile >= 0) throw noFiles('INTO OUTFILE');
  const keyword = all.findLastIndex((token, i) => isFormatKeyword(token) && endsStatement(all, i));
  const name = all[keyword + 1];
  const before = keyword < 0 ? text : text.slice(0, all[keyword]?.start);
  const after = keyword < 0 || name === undefined ? '' : text.slice(name.end);
  return {
    kind: 'rows',
    text,
    bare: `${before}${after}`.slice(all[0]?.start),
    format: keyword < 0 ? undefined : name?.text,
    into: (path, compression, format) =>
      `${before} INTO OUTFILE ${quote(path)} TRUNCATE COMPRESSION ${quote(compression)} FORMAT ${format}${after}`,
  };
}

/** FORMAT is a keyword where a name follows it and then nothing, or settings. */
function endsStatement(all: readonly Token[], at: number): boolean {
  if (all[at + 1]?.kind !== 'word' || at === 0) return false;
  return at + 2 === all.length || word(all[at + 2]) === 'SETTINGS';
}

/** Drops a last semicolon. */
function oneStatement(all: readonly Token[]): readonly Token[] {
  const semicolon = all.findIndex((token) => token.text === ';' && token.kind === 'symbol');
  const next = all[semicolon + 1];
  if (semicolon >= 0 && next !== undefined && next.text !== ';') {
    const where = `failed at position ${next.start + 1} (${next.text})`;
    throw new ServerException(62, 'SYNTAX_ERROR', `Syntax error (Multi-statements are not allowed): ${where}`);
  }
  return semicolon < 0 ? all : all.slice(0, semicolon);
}

function noFiles(clause: string): ServerException {
  return new ServerException(48, 'NOT_IMPLEMENTED', `${clause} is not supported over HTTP`);
}

/** A string literal of ClickHouse SQL. */
export function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** A quoted identifier of ClickHouse SQL. */
export function quoteName(name: string): string {
  return `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``;
}
