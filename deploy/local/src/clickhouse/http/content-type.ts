const BY_PREFIX: readonly (readonly [RegExp, string])[] = [
  [
    /^(JSONEachRow|JSONCompactEachRow|JSONStringsEachRow|JSONCompactStringsEachRow|NDJSON|JSONLines)/i,
    'application/x-ndjson; charset=UTF-8',
  ],
  [/^JSON/i, 'application/json; charset=UTF-8'],
  [/^CSV/i, 'text/csv; charset=UTF-8'],
  [/^(TSV|TabSeparated)/i, 'text/tab-separated-values; charset=UTF-8'],
  [/^XML$/i, 'application/xml; charset=UTF-8'],
  [/^Markdown$/i, 'text/markdown; charset=UTF-8'],
  [/^(Pretty|Vertical|Values|SQLInsert|LineAsString|Null)/i, 'text/plain; charset=UTF-8'],
];

/** The Content-Type that ClickHouse's server gives a format. */
export function contentType(format: string): string {
  return BY_PREFIX.find(([prefix]) => prefix.test(format))?.[1] ?? 'application/octet-stream';
}
