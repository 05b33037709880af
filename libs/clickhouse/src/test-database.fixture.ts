import { randomBytes } from 'node:crypto';
import { connectClickHouse, type ClickHouseConnection } from './client.js';
import { applyMigrations, readMigrations } from './migrations.js';
import type { ClickHouseClient } from '@clickhouse/client';

export { takeOutcomes } from './outcomes.fixture.js';
export { Roller } from './roller.fixture.js';
export { UsageRows } from './usage-rows.fixture.js';

function required(variable: string): string {
  const value = process.env[variable];
  if (value === undefined) {
    throw new Error(`${variable} is not set; run: node deploy/local/dist/with-stack.js -- <this command>`);
  }
  return value;
}

/** For tests: where the stack's ClickHouse is, with a database name that nobody else has. It is not created. */
export function testConnection(overrides: Partial<ClickHouseConnection> = {}): ClickHouseConnection {
  return {
    url: required('LAUREL_TEST_CLICKHOUSE_URL'),
    username: process.env['LAUREL_TEST_CLICKHOUSE_USERNAME'] ?? 'default',
    password: process.env['LAUREL_TEST_CLICKHOUSE_PASSWORD'] ?? '',
    database: `t${randomBytes(6).toString('hex')}`,
    application: 'laurel-test',
    ...overrides,
  };
}

/** For tests: a database of its own with every migration applied. */
export class TestDatabase {
  private constructor(
    readonly connection: ClickHouseConnection,
    readonly client: ClickHouseClient,
  ) {}

  static async create(): Promise<TestDatabase> {
    const connection = testConnection();
    await applyMigrations(connection, await readMigrations());
    return new TestDatabase(connection, connectClickHouse(connection));
  }

  async rows<Row>(query: string, query_params: Record<string, unknown> = {}): Promise<Row[]> {
    const result = await this.client.query({ query, query_params, format: 'JSONEachRow' });
    return result.json<Row>();
  }

  /** Empties tables, all that hold usage when none is named. */
  async truncate(tables: readonly string[] = USAGE_TABLES): Promise<void> {
    await Promise.all(tables.map((table) => this.client.command({ query: `TRUNCATE TABLE ${table}` })));
  }

  async drop(): Promise<void> {
    await this.client.command({ query: `DROP DATABASE IF EXISTS ${this.connection.database} SYNC` });
    await this.client.close();
  }
}

const USAGE_TABLES = [
  'usage_events',
  'ingest_ledger',
  'usage_by_minute',
  'usage_by_hour',
  'usage_by_day_user',
  'usage_by_day_model',
  'session_minutes',
  'attendance_by_day',
  'fair_play_signals',
  'fair_play_heads',
  'fair_play_reviews',
  'outcome_events',
  'outcomes_by_day',
  'roll_heads',
  'closures',
  'erasures',
  'model_prices',
];
