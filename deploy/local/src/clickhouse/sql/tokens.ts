/** One lexical element of ClickHouse SQL. Comments and white space are none. */
export interface Token {
  readonly kind: 'word' | 'name' | 'string' | 'symbol';
  /** As written, with quotes. */
  readonly text: string;
  readonly start: number;
  /** Offset after the last character. */
  readonly end: number;
  /** How many parentheses, brackets and braces are open around it. */
  readonly depth: number;
}

const SKIPPED = /(?:\s+|--[^\n]*|#!?\s[^\n]*|\/\*[\s\S]*?(?:\*\/|$))*/y;
const WORD = /[\p{L}_$][\p{L}\p{N}_$]*|\p{N}[\p{L}\p{N}_.]*/uy;
const HEREDOC = /\$(\w*)\$[\s\S]*?\$\1\$/y;
const QUOTED = {
  "'": /'(?:[^'\\]+|\\[\s\S]|'')*'?/y,
  '"': /"(?:[^"\\]+|\\[\s\S]|"")*"?/y,
  '`': /`(?:[^`\\]+|\\[\s\S]|``)*`?/y,
};

/** Reads tokens one by one, so that a caller can stop before the binary data that may follow an INSERT's head. */
export function* tokens(sql: string): Generator<Token> {
  let depth = 0;
  let at = 0;
  for (;;) {
    at += lengthOf(SKIPPED, sql, at);
    const first = sql[at];
    if (first === undefined) return;
    const { kind, length } = measure(sql, at, first);
    if (')]}'.includes(first)) depth = Math.max(0, depth - 1);
    yield { kind, text: sql.slice(at, at + length), start: at, end: at + length, depth };
    if ('([{'.includes(first)) depth++;
    at += length;
  }
}

function measure(sql: string, at: number, first: string): { kind: Token['kind']; length: number } {
  if (first === "'") return { kind: 'string', length: lengthOf(QUOTED[first], sql, at) };
  if (first === '"' || first === '`') return { kind: 'name', length: lengthOf(QUOTED[first], sql, at) };
  const heredoc = first === '$' ? lengthOf(HEREDOC, sql, at) : 0;
  if (heredoc > 0) return { kind: 'string', length: heredoc };
  const word = lengthOf(WORD, sql, at);
  return word > 0 ? { kind: 'word', length: word } : { kind: 'symbol', length: 1 };
}

function lengthOf(pattern: RegExp, sql: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.exec(sql)?.[0].length ?? 0;
}
