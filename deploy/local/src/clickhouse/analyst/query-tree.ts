/** What a statement names, by the engine's own reading of it. */
export interface QueryTree {
  /** Every name that stands for a column, a table or an alias; not yet looked up. */
  readonly identifiers: readonly string[];
  /** Those of them that are read from. */
  readonly sources: readonly string[];
  /** Names that the statement itself gives. */
  readonly given: ReadonlySet<string>;
  /** `database.table`, once looked up. */
  readonly tables: readonly string[];
  readonly tableFunctions: readonly string[];
  readonly functions: readonly string[];
}

/** Headings under which a name is one of a table. */
const SOURCES = new Set(['JOIN TREE', 'TABLE EXPRESSION', 'LEFT TABLE EXPRESSION', 'RIGHT TABLE EXPRESSION']);

/**
 * Reads the answer of `EXPLAIN QUERY TREE`: one node or heading a line, its parts two columns further right.
 *
 * What a statement calls things may look like any part of the answer, be it with line breaks. So names are looked for
 * everywhere, and a forged one adds to what is found and takes nothing away.
 */
export function readQueryTree(text: string): QueryTree {
  const values = (pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, value = '']) => value);
  return {
    identifiers: values(/\bidentifier: (.*)/g),
    sources: sourcesOf(text),
    given: new Set(values(/\b(?:cte_name|alias): ([^,\n]*)/g)),
    tables: values(/\btable_name: ([^,\n]*)/g),
    tableFunctions: values(/\btable_function_name: ([^,\n]*)/g),
    functions: values(/\bfunction_name: ([^,\n]*)/g),
  };
}

function sourcesOf(text: string): string[] {
  const headings: string[] = [];
  return text.split('\n').flatMap((line) => {
    const content = line.trimStart();
    const depth = line.length - content.length;
    headings[depth] = content.trimEnd();
    const name = /^IDENTIFIER id: .*\bidentifier: (.*)$/.exec(content)?.[1];
    return name !== undefined && SOURCES.has(headings[depth - 2] ?? '') ? [name] : [];
  });
}
