import type { ClickHouseClient } from '@clickhouse/client';
import type { PersonProfile } from '@laurel/events';

/** SQL: the row's person is hidden. */
export const isHidden = (userColumn = 'user_id'): string => isAnException(userColumn, 'hidden');

/** SQL: the row's person is hidden, or not shown exactly. */
export const isGuarded = (userColumn = 'user_id'): string => isAnException(userColumn, 'guarded');

/** One set is built in a query, of those who are otherwise than the company's default: mostly few. */
const isAnException = (userColumn: string, what: 'hidden' | 'guarded'): string =>
  `((${userColumn} IN (SELECT user_id FROM ${what}_exceptions)) != (SELECT ${what} FROM people_default))`;

/** What `people_choices` keeps of a person's choice. */
export interface ChoiceRow {
  readonly userId: string;
  /** null: no choice any more. */
  readonly choice: Pick<PersonProfile, 'visibility' | 'figures' | 'changed_at'> | null;
  /** The greater one counts, whatever the order of writing. */
  readonly version: number;
}

/** The version that a record of `people.profiles.v1` gives. */
export const versionOfRecord = (offset: number): number => 2 * offset;

/** The version by which a row goes that no record stands for any more: after its own, and before the next record's. */
export const versionOfRemoval = (version: number): number => version + 1;

/** The people with a choice in the table, and each row's version. */
export async function choiceVersions(client: ClickHouseClient): Promise<ReadonlyMap<string, number>> {
  const result = await client.query({
    query: "SELECT user_id, version FROM people_choices FINAL WHERE user_id != ''",
    format: 'JSONEachRow',
  });
  const rows = await result.json<{ user_id: string; version: string }>();
  return new Map(rows.map(({ user_id, version }) => [user_id, Number(version)]));
}

/** What the table says of a person now; undefined when they have no choice there. */
export async function choiceOf(client: ClickHouseClient, userId: string): Promise<ChoiceRow['choice'] | undefined> {
  const result = await client.query({
    query: `SELECT toString(visibility) AS visibility, toString(figures) AS figures, toUnixTimestamp64Milli(changed_at) AS at
            FROM people_choices FINAL WHERE user_id = {user:String}`,
    query_params: { user: userId },
    format: 'JSONEachRow',
  });
  const [row] = await result.json<Pick<PersonProfile, 'visibility' | 'figures'> & { at: string }>();
  return row === undefined
    ? undefined
    : { visibility: row.visibility, figures: row.figures, changed_at: Number(row.at) };
}

/** Of all rows ever written of people, removals too; -1 when there are none. */
export async function greatestChoiceVersion(client: ClickHouseClient): Promise<number> {
  const result = await client.query({
    query: "SELECT count() AS rows, max(version) AS version FROM people_choices WHERE user_id != ''",
    format: 'JSONEachRow',
  });
  const [row] = await result.json<{ rows: string; version: string }>();
  return row === undefined || row.rows === '0' ? -1 : Number(row.version);
}

export async function writeChoices(client: ClickHouseClient, rows: readonly ChoiceRow[]): Promise<void> {
  if (rows.length === 0) return;
  await client.insert({
    table: 'people_choices',
    format: 'JSONEachRow',
    values: rows.map(({ userId, choice, version }) => ({
      user_id: userId,
      visibility: choice?.visibility ?? 'hidden',
      figures: choice?.figures ?? 'bands',
      // A DateTime64(3) is read from a whole number as its milliseconds.
      changed_at: choice?.changed_at ?? 0,
      removed: choice === null ? 1 : 0,
      version,
    })),
  });
}

/** Writes the company's default, unless it is what stands there already. */
export async function writePeopleDefault(
  client: ClickHouseClient,
  standard: Pick<PersonProfile, 'visibility' | 'figures'>,
  nowMs: number,
): Promise<void> {
  const result = await client.query({
    query: `SELECT count() AS same FROM people_choices FINAL
            WHERE user_id = '' AND visibility = {visibility:String} AND figures = {figures:String}`,
    query_params: { ...standard },
    format: 'JSONEachRow',
  });
  const [row] = await result.json<{ same: string }>();
  if (row?.same === '1') return;
  await writeChoices(client, [{ userId: '', choice: { ...standard, changed_at: nowMs }, version: nowMs }]);
}

/** Those of these people who are hidden. */
export async function hiddenAmong(client: ClickHouseClient, users: readonly string[]): Promise<ReadonlySet<string>> {
  if (users.length === 0) return new Set();
  const result = await client.query({
    query: `SELECT user_id FROM (SELECT arrayJoin({users:Array(String)}) AS user_id) WHERE ${isHidden()}`,
    query_params: { users },
    format: 'JSONEachRow',
  });
  return new Set((await result.json<{ user_id: string }>()).map(({ user_id }) => user_id));
}

/** The pseudonyms of everybody with usage or outcomes in the projections. */
export async function everybody(client: ClickHouseClient): Promise<readonly string[]> {
  const result = await client.query({
    query: 'SELECT user_id FROM usage_by_day UNION DISTINCT SELECT user_id FROM outcomes',
    format: 'JSONEachRow',
  });
  return (await result.json<{ user_id: string }>()).map(({ user_id }) => user_id);
}
