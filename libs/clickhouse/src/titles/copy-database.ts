import { randomBytes } from 'node:crypto';
import type { ClickHouseClient } from '@clickhouse/client';
import { tokenFields } from '@laurel/events';
import { connectClickHouse, type ClickHouseConnection } from '../client.js';
import { allEnded } from './all-ended.js';

/** SQL: what is told of usage, as columns of the views that titles are judged by. */
export const MEASURES = [
  'events',
  ...tokenFields.map((field) => `${field}_tokens`),
  'cost_micro_usd',
  'list_cost_usd',
  'cache_saving_usd',
  'unpriced_events',
].join(', ');

/** A process that was killed leaves its copy, with figures of people who may be erased meanwhile. */
const FORGOTTEN_AFTER_MS = 86_400_000;

/**
 * A database beside the live one, for a copy of some figures under the names of the live one's views: queries of titles work in it
 * as in the live database. Its people are hidden as they are in the live one.
 */
export class CopyDatabase {
  private constructor(
    readonly client: ClickHouseClient,
    readonly live: ClickHouseClient,
    /** The live database's name, quoted. */
    readonly from: string,
    private readonly name: string,
  ) {}

  /**
   * Drops what earlier processes have left of its kind, too.
   *
   * @param kind a word for its name.
   * @param statements what makes its tables, of the live database's quoted name.
   */
  static async create(
    live: ClickHouseClient,
    connection: ClickHouseConnection,
    kind: string,
    statements: (live: string) => readonly string[],
  ): Promise<CopyDatabase> {
    const prefix = `${connection.database}_${kind}_`;
    await dropForgotten(live, prefix);
    const database = `${prefix}${Date.now()}_${randomBytes(4).toString('hex')}`;
    await live.command({ query: `CREATE DATABASE ${quoted(database)}` });
    const from = quoted(connection.database);
    const copy = new CopyDatabase(connectClickHouse({ ...connection, database }), live, from, database);
    try {
      for (const query of statements(from)) await copy.client.command({ query });
      for (const name of ['people_default', 'hidden_exceptions']) {
        await copy.client.command({ query: `CREATE VIEW ${name} AS SELECT * FROM ${from}.${name}` });
      }
      return copy;
    } catch (error) {
      await copy.drop();
      throw error;
    }
  }

  async drop(): Promise<void> {
    const query = `DROP DATABASE IF EXISTS ${quoted(this.name)} SYNC`;
    await allEnded([this.client.close(), this.live.command({ query })]);
  }
}

async function dropForgotten(live: ClickHouseClient, prefix: string): Promise<void> {
  const result = await live.query({
    query: 'SELECT name FROM system.databases WHERE startsWith(name, {prefix:String})',
    query_params: { prefix },
    format: 'JSONEachRow',
  });
  for (const { name } of await result.json<{ name: string }>()) {
    const begunMs = Number(name.slice(prefix.length).split('_')[0]);
    if (begunMs < Date.now() - FORGOTTEN_AFTER_MS) await live.command({ query: `DROP DATABASE ${quoted(name)} SYNC` });
  }
}

const quoted = (name: string): string => `\`${name.replace(/[\\`]/g, '\\$&')}\``;
