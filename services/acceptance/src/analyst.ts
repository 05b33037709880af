import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createClient, type ClickHouseClient } from '@clickhouse/client';
import { connectClickHouse, statementsIn, type ClickHouseConnection } from '@laurel/clickhouse';

/** The rights of analysts on a server. */
export const ANALYSTS_SQL = new URL('../../../deploy/clickhouse/analysts.sql', import.meta.url);

/** For tests: a signed-in analyst. */
export interface AnalystConnection {
  readonly client: ClickHouseClient;
  close(): Promise<void>;
}

/**
 * Signs in as an analyst of a migrated database: on a server as a user with the role of deploy/clickhouse/analysts.sql, which is
 * applied; and where the engine knows no roles as the user of its front.
 */
export async function connectAnalyst(connection: ClickHouseConnection): Promise<AnalystConnection> {
  // The local stack's one user is called so; containers have another.
  if (connection.username === 'default') {
    const client = clientOf(connection, { username: 'analyst', password: '' });
    return { client, close: () => client.close() };
  }
  const admin = connectClickHouse(connection);
  const user = { username: `analyst_${randomBytes(4).toString('hex')}`, password: randomBytes(12).toString('hex') };
  const statements = statementsIn(await readFile(ANALYSTS_SQL, 'utf8'));
  for (const query of [
    ...statements,
    `CREATE USER ${user.username} IDENTIFIED BY '${user.password}' DEFAULT ROLE laurel_analyst`,
  ])
    await admin.command({ query });
  const client = clientOf(connection, user);
  return {
    client,
    async close() {
      await client.close();
      await admin.command({ query: `DROP USER ${user.username}` });
      await admin.close();
    },
  };
}

/** Without settings of ours, which an analyst may not change. */
const clientOf = (
  { url, database }: ClickHouseConnection,
  user: { readonly username: string; readonly password: string },
): ClickHouseClient => createClient({ url, database, ...user, log: { level: 127 } });
