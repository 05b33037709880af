import { Command, InvalidArgumentError, Option } from 'commander';
import Table from 'cli-table3';
import { readTokens, writeToken, type ClickHouseClient, type StoredToken } from '@laurel/clickhouse';
import { drawToken, tokenScopes } from '@laurel/policy';
import { withClickHouse } from '../environment.js';
import { harmless } from '../terminal.js';

const DAY_MS = 86_400_000;
const MOST_DAYS = 366;

interface Flags {
  readonly json?: boolean;
}

interface CreateFlags extends Flags {
  readonly name: string;
  readonly scope: readonly string[];
  /** Days. */
  readonly expires: number;
}

/** `90d` as 90. */
function days(text: string): number {
  const count = Number(/^([1-9]\d{0,2})d$/.exec(text)?.[1]);
  if (!(count <= MOST_DAYS)) throw new InvalidArgumentError(`It is 1d to ${MOST_DAYS}d.`);
  return count;
}

export function tokensCommand(): Command {
  return new Command('tokens')
    .description('tokens by which programs ask the API')
    .addCommand(
      new Command('create')
        .description('make a token; it is shown once, and only its hash is kept')
        .requiredOption('--name <text>', 'what it is for')
        .addOption(new Option('--scope <scope...>', 'what it may do').choices(tokenScopes).makeOptionMandatory())
        .option('--expires <days>', `how long it holds, 1d to ${MOST_DAYS}d`, days, 90)
        .option('--json', 'print the result as JSON')
        .addHelpText(
          'after',
          `
board:read: boards, models, teams, titles, awards and streams. people:read: pages of persons. export:all: tables (CSV).
operations:read: how the service is. access:read: who looked at whose figures. docs/operations/access.md says more.`,
        )
        .action((flags: CreateFlags) => withTokens((clickhouse) => create(clickhouse, flags))),
    )
    .addCommand(
      new Command('list')
        .description('every token, with what it may do and until when')
        .option('--json', 'print the result as JSON')
        .action((flags: Flags) => withTokens((clickhouse) => list(clickhouse, flags))),
    )
    .addCommand(
      new Command('revoke')
        .description('end a token; it is refused everywhere within two seconds')
        .argument('<id>', 'as list tells it')
        .action((id: string) => withTokens((clickhouse) => revoke(clickhouse, id))),
    );
}

const withTokens = (work: (clickhouse: ClickHouseClient) => Promise<void>): Promise<void> =>
  withClickHouse('laurel-tokens', work);

async function create(clickhouse: ClickHouseClient, { name, scope, expires, json }: CreateFlags): Promise<void> {
  const { token, id, secretHash } = drawToken();
  const nowMs = Date.now();
  const expiresAtMs = nowMs + expires * DAY_MS;
  const scopes = [...new Set(scope)].sort();
  await writeToken(clickhouse, { id, name, scopes, secretHash, createdAtMs: nowMs, expiresAtMs, revokedAtMs: null });
  const expiresAt = new Date(expiresAtMs).toISOString();
  if (json === true) {
    console.log(JSON.stringify({ token, id, name, scopes, expires_at: expiresAt }, undefined, 2));
    return;
  }
  console.log(`${token}\n\nIt is shown this once. It holds until ${expiresAt}, for ${scopes.join(', ')}.`);
}

/** What has become of it. */
function stateOf({ revokedAtMs, expiresAtMs }: StoredToken): 'revoked' | 'expired' | 'valid' {
  if (revokedAtMs !== null) return 'revoked';
  return expiresAtMs <= Date.now() ? 'expired' : 'valid';
}

async function list(clickhouse: ClickHouseClient, { json }: Flags): Promise<void> {
  const tokens = (await readTokens(clickhouse)).map((token) => ({
    id: token.id,
    name: token.name,
    scopes: token.scopes,
    state: stateOf(token),
    created_at: new Date(token.createdAtMs).toISOString(),
    expires_at: new Date(token.expiresAtMs).toISOString(),
  }));
  if (json === true) {
    console.log(JSON.stringify(tokens, undefined, 2));
    return;
  }
  const table = new Table({ head: ['id', 'name', 'scopes', 'state', 'expires'], style: { head: [], border: [] } });
  for (const { id, name, scopes, state, expires_at: expires } of tokens) {
    table.push([id, harmless(name), scopes.join('\n'), state, expires.slice(0, 10)]);
  }
  console.log(tokens.length === 0 ? 'There are no tokens.' : table.toString());
}

async function revoke(clickhouse: ClickHouseClient, id: string): Promise<void> {
  const token = (await readTokens(clickhouse)).find((one) => one.id === id);
  if (token === undefined) throw new Error(`there is no token ${harmless(id)}: see laurel tokens list`);
  if (token.revokedAtMs === null) await writeToken(clickhouse, { ...token, revokedAtMs: Date.now() });
  console.log(`${id} (${harmless(token.name)}) is revoked.`);
}
