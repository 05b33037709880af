import type { Session } from 'chdb';
import { ServerException } from '../exception.js';
import type { ServerRequest } from '../http/request.js';
import { quote, type RowsStatement, type Statement } from '../sql/statement.js';
import { OpenFunctions } from './open-functions.js';
import { isOpenTable, isOpenTableFunction, openViews } from './open-views.js';
import { readQueryTree, type QueryTree } from './query-tree.js';

/** What a statement of an analyst's may cost: as deploy/clickhouse/analysts.sql has it for a server. */
export const analystLimits = {
  max_result_rows: 100_000,
  max_execution_time: 30,
  max_memory_usage: 4_000_000_000,
} as const;

/** Settings that change how an answer is written, and nothing about what it says. */
const FREE_SETTINGS = /^(?:output_format_\w+|date_time_output_format|session_timezone)$/;

/**
 * The user who reads the views for analysts and nothing else. The engine knows no other user and no rights, but it reads the
 * statement for us: what it names is judged before it runs.
 */
export class Analyst {
  private functions: Promise<OpenFunctions> | undefined;

  constructor(readonly name: string) {}

  /**
   * The request with the analyst's limits, in a session that can't change them.
   *
   * @throws ServerException READONLY (164) for a setting that is not theirs to change.
   */
  limited(request: ServerRequest): ServerRequest {
    if (request.session !== undefined) throw this.denied('keep no sessions');
    const asked = [...request.settings].filter(([name, value]) => !(name === 'readonly' && value !== '0'));
    for (const [name, value] of asked) if (!mayChange(name, value)) throw readOnly(name);
    const settings = new Map<string, string>(
      Object.entries(analystLimits).map(([name, value]) => [name, String(value)]),
    );
    for (const [name, value] of asked) settings.set(name, value);
    // The last one: from then on the engine refuses every other change, in the statement too, and all that writes.
    return { ...request, settings: settings.set('readonly', '1') };
  }

  /**
   * Returns if the statement reads what is open to analysts, and nothing else.
   *
   * First the engine only parses it, as it computes scalar subqueries and constants when it looks names up, and their failures
   * quote data. What was found innocent is then looked up, and judged by the tables that the names turned out to mean.
   *
   * @throws ServerException ACCESS_DENIED (497); the engine's errors where the statement is wrong.
   */
  async admit(session: Session, statement: Statement): Promise<void> {
    if (statement.kind !== 'rows' || !/^(?:SELECT|WITH|FROM|\()/i.test(statement.bare))
      throw this.denied('may only SELECT');
    const functions = await (this.functions ??= OpenFunctions.read(session));
    const parsed = await tree(session, statement, 0);
    for (const name of parsed.functions) if (!functions.has(name)) throw this.denied(`may not call ${name}()`);
    for (const name of parsed.tableFunctions) this.admitTableFunction(name);
    for (const name of parsed.sources) {
      if (!isOpenTable(name) && !parsed.given.has(name)) throw this.deniedTable(name);
    }
    for (const name of await tablesAmong(session, parsed.identifiers))
      if (!isOpenTable(name)) throw this.deniedTable(name);

    const resolved = await tree(session, statement, 1);
    for (const name of resolved.tableFunctions) this.admitTableFunction(name);
    for (const name of resolved.tables) if (!isOpenTable(name)) throw this.deniedTable(name);
  }

  private admitTableFunction(name: string): void {
    if (!isOpenTableFunction(name)) throw this.denied(`may not read from ${name}()`);
  }

  private deniedTable(name: string): ServerException {
    return this.denied(`may not read ${name}: open to analysts are ${openViews.join(', ')}`);
  }

  private denied(what: string): ServerException {
    return new ServerException(497, 'ACCESS_DENIED', `${this.name}: Not enough privileges. Analysts ${what}`);
  }
}

function mayChange(name: string, value: string): boolean {
  if (FREE_SETTINGS.test(name)) return true;
  const limit = new Map<string, number>(Object.entries(analystLimits)).get(name);
  const wanted = Number(value);
  return limit !== undefined && wanted > 0 && wanted <= limit;
}

const readOnly = (name: string): ServerException =>
  new ServerException(164, 'READONLY', `Cannot modify '${name}' setting in readonly mode`);

async function tree(session: Session, { bare }: RowsStatement, passes: 0 | 1): Promise<QueryTree> {
  return readQueryTree(await text(session, `EXPLAIN QUERY TREE run_passes = ${passes} ${bare}`));
}

/** Those of the names that are tables, in the database of the request or with their own. */
async function tablesAmong(session: Session, names: readonly string[]): Promise<readonly string[]> {
  if (names.length === 0) return [];
  const list = [...new Set(names)].map(quote).join(', ');
  const found = await text(
    session,
    `SELECT name FROM system.tables WHERE database = currentDatabase() AND name IN (${list})
     UNION ALL SELECT concat(database, '.', name) FROM system.tables WHERE concat(database, '.', name) IN (${list})`,
  );
  return found.split('\n').filter((name) => name !== '');
}

async function text(session: Session, query: string): Promise<string> {
  return (await session.queryAsync(query, { format: 'TSVRaw' })).text();
}
