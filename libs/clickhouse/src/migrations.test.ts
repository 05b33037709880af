import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { connectClickHouse, type ClickHouseConnection } from './client.js';
import { applyMigrations, assertMigrated, readMigrations, type Migration } from './migrations.js';
import { testConnection } from './test-database.fixture.js';

const folders: string[] = [];
const connections: ClickHouseConnection[] = [];

const connection = (): ClickHouseConnection => {
  const one = testConnection();
  connections.push(one);
  return one;
};

async function migrationsOf(files: Readonly<Record<string, string>>): Promise<readonly Migration[]> {
  const folder = await mkdtemp(join(tmpdir(), 'laurel-migrations-'));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return readMigrations(pathToFileURL(`${folder}/`));
}

async function rows<Row>(to: ClickHouseConnection, query: string): Promise<Row[]> {
  const client = connectClickHouse(to);
  try {
    return await (await client.query({ query, format: 'JSONEachRow' })).json<Row>();
  } finally {
    await client.close();
  }
}

async function check(to: ClickHouseConnection, migrations: readonly Migration[]): Promise<void> {
  const client = connectClickHouse(to);
  try {
    await assertMigrated(client, migrations);
  } finally {
    await client.close();
  }
}

const recorded = (to: ClickHouseConnection) =>
  rows(to, 'SELECT version, name, checksum FROM schema_migrations FINAL ORDER BY version');

afterAll(async () => {
  const client = connectClickHouse(testConnection({ database: 'default' }));
  for (const { database } of connections)
    await client.command({ query: `DROP DATABASE IF EXISTS \`${database}\` SYNC` });
  await client.close();
  for (const folder of folders) await rm(folder, { recursive: true });
});

describe('readMigrations', () => {
  it('reads numbered files in order and splits them into statements without comments', async () => {
    const migrations = await migrationsOf({
      '0002_second.sql': '-- about it; and more\nSELECT 2;\n',
      '0001_first.sql': "-- a comment;\nSELECT ';' AS a;\n\n  -- another\nSELECT\n  1 -- one\n;\n",
      'notes.sql': 'SELECT 3;',
      '0003_third.txt': 'SELECT 4;',
    });
    expect(migrations.map(({ version, name, statements }) => ({ version, name, statements }))).toEqual([
      { version: 1, name: '0001_first.sql', statements: ["SELECT ';' AS a", 'SELECT\n  1 -- one'] },
      { version: 2, name: '0002_second.sql', statements: ['SELECT 2'] },
    ]);
    expect(migrations[1]?.checksum).toMatch(/^[0-9a-f]{64}$/);
  });

  it('finds only statements that can be repeated, numbered without a gap', async () => {
    const migrations = await readMigrations();
    expect(migrations.map(({ version }) => version)).toEqual(migrations.map((_, index) => index + 1));
    for (const { name, statements } of migrations) {
      expect([name, statements.length]).not.toEqual([name, 0]);
      for (const statement of statements) {
        expect([name, statement]).toEqual([
          name,
          expect.stringMatching(
            /^(CREATE OR REPLACE VIEW |CREATE (TABLE|MATERIALIZED VIEW|DICTIONARY) IF NOT EXISTS |ALTER TABLE \S+\s+(ADD|DROP|MODIFY) (COLUMN|INDEX|CONSTRAINT|PROJECTION) IF (NOT )?EXISTS |ALTER TABLE \S+ (MODIFY SETTING|MATERIALIZE PROJECTION) |DROP (TABLE|VIEW) IF EXISTS )/,
          ),
        ]);
      }
    }
  });
});

describe('applyMigrations', () => {
  it('creates the database, applies each migration once, and nothing the second time', async () => {
    const to = connection();
    const migrations = await readMigrations();
    expect(await applyMigrations(to, migrations)).toEqual(migrations);
    expect(await applyMigrations(to, migrations)).toEqual([]);
    expect(await recorded(to)).toEqual(migrations.map(({ version, name, checksum }) => ({ version, name, checksum })));
    await check(to, migrations);
  });

  it('takes a database name that needs quoting', async () => {
    const to = { ...connection(), database: `t-${Date.now()}-a\`b` };
    connections.push({ ...to, database: to.database.replaceAll('`', '``') });
    const migrations = await migrationsOf({
      '0001_one.sql': 'CREATE TABLE IF NOT EXISTS one (x UInt8) ENGINE = Memory;',
    });
    expect(await applyMigrations(to, migrations)).toHaveLength(1);
    await check(to, migrations);
  });

  it('succeeds from several services at once', async () => {
    const to = connection();
    const migrations = await readMigrations();
    const applied = await Promise.all(Array.from({ length: 5 }, () => applyMigrations(to, migrations)));
    expect(applied.some((one) => one.length === migrations.length)).toBe(true);
    expect(await recorded(to)).toHaveLength(migrations.length);
    await check(to, migrations);
  });

  it('goes on after a migration that was cut in the middle, whose statements are repeated', async () => {
    const to = connection();
    const first = 'CREATE TABLE IF NOT EXISTS one (x UInt8) ENGINE = Memory;\n';
    const broken = await migrationsOf({
      '0001_one.sql': `${first}CREATE TABLE IF NOT EXISTS two (x NoSuchType) ENGINE = Memory;\n`,
    });
    await expect(applyMigrations(to, broken)).rejects.toMatchObject({ code: '50' });
    expect(await recorded(to)).toEqual([]);
    const mended = await migrationsOf({
      '0001_one.sql': `${first}CREATE TABLE IF NOT EXISTS two (x UInt8) ENGINE = Memory;\n`,
    });
    expect(await applyMigrations(to, mended)).toHaveLength(1);
    await check(to, mended);
  });

  it('applies only what is new, and refuses what was changed or is unknown', async () => {
    const to = connection();
    const one = { '0001_one.sql': 'CREATE TABLE IF NOT EXISTS one (x UInt8) ENGINE = Memory;' };
    const two = { ...one, '0002_two.sql': 'CREATE TABLE IF NOT EXISTS two (x UInt8) ENGINE = Memory;' };
    const [older, newer] = [await migrationsOf(one), await migrationsOf(two)];
    await applyMigrations(to, older);
    await expect(check(to, newer)).rejects.toMatchObject({ name: 'MigrationError', code: 'missing' });
    expect((await applyMigrations(to, newer)).map(({ version }) => version)).toEqual([2]);
    await check(to, newer);

    const changed = await migrationsOf({ ...two, '0001_one.sql': `${one['0001_one.sql']}\n-- edited\n` });
    await expect(applyMigrations(to, changed)).rejects.toMatchObject({ name: 'MigrationError', code: 'changed' });
    await expect(check(to, changed)).rejects.toMatchObject({ code: 'changed' });
    await expect(applyMigrations(to, older)).rejects.toMatchObject({ name: 'MigrationError', code: 'unknown_version' });
    await expect(check(to, older)).rejects.toMatchObject({ code: 'unknown_version' });
  });
});

describe('assertMigrated', () => {
  it('says that everything is missing in a database without any', async () => {
    const to = connection();
    await applyMigrations(to, []);
    await expect(check(to, await readMigrations())).rejects.toMatchObject({ name: 'MigrationError', code: 'missing' });
  });

  it('says that everything is missing where the table of migrations or the whole database does not exist', async () => {
    const migrations = await readMigrations();
    const to = connection();
    await applyMigrations(to, []);
    await rows(to, 'SELECT 1');
    const client = connectClickHouse(to);
    await client.command({ query: 'DROP TABLE schema_migrations' });
    await client.close();
    await expect(check(to, migrations)).rejects.toMatchObject({ code: 'missing' });
    await expect(check(connection(), migrations)).rejects.toMatchObject({ code: 'missing' });
  });
});
