import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { ClickHouseError, type ClickHouseClient } from '@clickhouse/client';
import { connectClickHouse, type ClickHouseConnection } from './client.js';

/** The numbered SQL files, from src/ and dist/ alike. */
const DEFAULT_FOLDER = new URL('../../../schemas/clickhouse/', import.meta.url);

export interface Migration {
  readonly version: number;
  readonly name: string;
  /** SHA-256 of the file, in hex. */
  readonly checksum: string;
  readonly statements: readonly string[];
}

export class MigrationError extends Error {
  constructor(
    readonly code: 'changed' | 'missing' | 'unknown_version',
    message: string,
  ) {
    super(message);
    this.name = 'MigrationError';
  }
}

/** The statements of a file of SQL: each ends with a semicolon at the end of a line. Lines of comments are left out. */
export function statementsIn(sql: string): readonly string[] {
  return sql
    .split(/;\s*$/m)
    .map((statement) => statement.replace(/^\s*--.*$/gm, '').trim())
    .filter((statement) => statement !== '');
}

export async function readMigrations(folder: URL = DEFAULT_FOLDER): Promise<readonly Migration[]> {
  const files = (await readdir(folder)).filter((file) => /^\d{4}_\w+\.sql$/.test(file)).sort();
  return Promise.all(
    files.map(async (name) => {
      const text = await readFile(new URL(name, folder), 'utf8');
      return {
        version: Number(name.slice(0, 4)),
        name,
        checksum: createHash('sha256').update(text).digest('hex'),
        statements: statementsIn(text),
      };
    }),
  );
}

const quoted = (identifier: string): string => `\`${identifier.replaceAll('`', '``')}\``;

async function appliedMigrations(client: ClickHouseClient): Promise<ReadonlyMap<number, string>> {
  const result = await client.query({
    query: 'SELECT version, any(checksum) AS checksum FROM schema_migrations GROUP BY version',
    format: 'JSONEachRow',
  });
  const rows = await result.json<{ version: number; checksum: string }>();
  return new Map(rows.map((row) => [row.version, row.checksum]));
}

function compare(migrations: readonly Migration[], applied: ReadonlyMap<number, string>): readonly Migration[] {
  for (const { version, name, checksum } of migrations) {
    const known = applied.get(version);
    if (known !== undefined && known !== checksum) {
      throw new MigrationError(
        'changed',
        `migration ${name} was applied with other contents; never edit one, add the next`,
      );
    }
  }
  const newest = migrations.at(-1)?.version ?? 0;
  const unknown = [...applied.keys()].filter((version) => version > newest);
  if (unknown.length > 0) {
    throw new MigrationError(
      'unknown_version',
      `the database has migration ${unknown.join(', ')}, newer than this version of Laurel`,
    );
  }
  return migrations.filter(({ version }) => !applied.has(version));
}

/**
 * Creates the database and applies what is missing, in order, and records it.
 * ClickHouse has no lock to hold, so every statement is written to be repeatable (IF NOT EXISTS, OR REPLACE):
 * two services at once both succeed and their records collapse.
 *
 * @returns the migrations that this call applied.
 */
export async function applyMigrations(
  connection: ClickHouseConnection,
  migrations: readonly Migration[],
): Promise<readonly Migration[]> {
  await createDatabase(connection);
  const client = connectClickHouse(connection);
  try {
    await client.command({
      query: `CREATE TABLE IF NOT EXISTS schema_migrations
        (version UInt32, name String, checksum String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'))
        ENGINE = ReplacingMergeTree ORDER BY version`,
    });
    const pending = compare(migrations, await appliedMigrations(client));
    for (const { version, name, checksum, statements } of pending) {
      for (const query of statements) await client.command({ query });
      await client.insert({ table: 'schema_migrations', format: 'JSONEachRow', values: [{ version, name, checksum }] });
    }
    return pending;
  } finally {
    await client.close();
  }
}

/** A session in a database that does not exist yet is refused, so this one statement is sent from `default`. */
async function createDatabase(connection: ClickHouseConnection): Promise<void> {
  const client = connectClickHouse({ ...connection, database: 'default' });
  try {
    await client.command({ query: `CREATE DATABASE IF NOT EXISTS ${quoted(connection.database)}` });
  } finally {
    await client.close();
  }
}

/** Throws a MigrationError unless exactly these migrations are applied. Services call it before they take records. */
export async function assertMigrated(client: ClickHouseClient, migrations: readonly Migration[]): Promise<void> {
  const pending = compare(migrations, (await isBegun(client)) ? await appliedMigrations(client) : new Map());
  if (pending.length > 0) {
    throw new MigrationError(
      'missing',
      `migrations are missing: ${pending.map((one) => one.name).join(', ')}; run: laurel migrate apply`,
    );
  }
}

/** ClickHouse's UNKNOWN_DATABASE (src/Common/ErrorCodes.cpp): the client's own database does not exist yet. */
const UNKNOWN_DATABASE = '81';

/** False before the first migration, when there is no table of them or no database either. */
async function isBegun(client: ClickHouseClient): Promise<boolean> {
  try {
    const exists = await client.query({ query: 'EXISTS TABLE schema_migrations', format: 'JSONEachRow' });
    const [row] = await exists.json<{ result: number }>();
    return row?.result === 1;
  } catch (error) {
    if (error instanceof ClickHouseError && error.code === UNKNOWN_DATABASE) return false;
    throw error;
  }
}
