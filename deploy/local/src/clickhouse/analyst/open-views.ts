/** The views that an analyst may read. On a server deploy/clickhouse/analysts.sql grants the same; a test holds both equal. */
export const openViews: readonly string[] = [
  'company_usage_by_day',
  'shown_model_usage_by_day',
  'shown_session_activity',
  'shown_usage',
  'shown_usage_by_day',
  'team_usage_by_day',
];

/** What a query without FROM reads. */
const ONE_ROW = 'system.one';

const OPEN_FUNCTIONS = new Set([
  'numbers',
  'numbers_mt',
  'zeros',
  'zeros_mt',
  'values',
  'generateseries',
  'generate_series',
]);

/** @param name `view` or `database.view`, as the engine writes it. */
export function isOpenTable(name: string): boolean {
  const parts = name.split('.');
  return name === ONE_ROW || (parts.length <= 2 && openViews.includes(parts.at(-1) ?? ''));
}

/** Those that make rows out of nothing. */
export const isOpenTableFunction = (name: string): boolean => OPEN_FUNCTIONS.has(name.toLowerCase());
