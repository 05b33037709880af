import type { ClickHouseClient } from '@clickhouse/client';

/** A token as the table keeps it; times in ms. */
export interface StoredToken {
  readonly id: string;
  /** What it is for, in its maker's words. */
  readonly name: string;
  readonly scopes: readonly string[];
  /** SHA-256 of its secret, in hex. */
  readonly secretHash: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly revokedAtMs: number | null;
}

interface TokenRow {
  readonly token_id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly secret_hash: string;
  readonly created: string;
  readonly expires: string;
  readonly revoked: string | null;
}

/** Every token there is, revoked and expired ones too; the oldest first. */
export async function readTokens(client: ClickHouseClient): Promise<readonly StoredToken[]> {
  const result = await client.query({
    query: `SELECT token_id, name, scopes, secret_hash, toUnixTimestamp64Milli(created_at) AS created,
              toUnixTimestamp64Milli(expires_at) AS expires, toUnixTimestamp64Milli(revoked_at) AS revoked
            FROM api_tokens FINAL ORDER BY created_at, token_id`,
    format: 'JSONEachRow',
  });
  return (await result.json<TokenRow>()).map((row) => ({
    id: row.token_id,
    name: row.name,
    scopes: row.scopes,
    secretHash: row.secret_hash,
    createdAtMs: Number(row.created),
    expiresAtMs: Number(row.expires),
    revokedAtMs: row.revoked === null ? null : Number(row.revoked),
  }));
}

/** Stores a token, or its revocation, which wins whatever is written after it. */
export async function writeToken(client: ClickHouseClient, token: StoredToken): Promise<void> {
  await client.insert({
    table: 'api_tokens',
    format: 'JSONEachRow',
    values: [
      {
        token_id: token.id,
        name: token.name,
        scopes: token.scopes,
        secret_hash: token.secretHash,
        created_at: token.createdAtMs,
        expires_at: token.expiresAtMs,
        revoked_at: token.revokedAtMs,
        version: token.revokedAtMs === null ? 0 : 1,
      },
    ],
  });
}

/** One look at a person's figures, or one table of many people's. */
export interface Access {
  readonly atMs: number;
  readonly action: 'look' | 'export';
  /** Whose figures; empty for a table. */
  readonly userId: string;
  /** A pseudonym, or token:<id>. */
  readonly reader: string;
  /** Of the OpenAPI document. */
  readonly operation: string;
  /** The query of the request. */
  readonly parameters: string;
  readonly requestId: string;
}

export async function writeAccesses(client: ClickHouseClient, accesses: readonly Access[]): Promise<void> {
  await client.insert({
    table: 'access_log',
    format: 'JSONEachRow',
    values: accesses.map(({ atMs, action, userId, reader, operation, parameters, requestId }) => ({
      at: atMs,
      action,
      user_id: userId,
      reader,
      operation,
      parameters,
      request_id: requestId,
    })),
  });
}

export interface AccessQuery {
  /** Only of this person's figures. */
  readonly userId?: string | undefined;
  /** Only by this reader. */
  readonly reader?: string | undefined;
  /** Only before this one in the order of the answer. */
  readonly before?: Pick<Access, 'atMs' | 'requestId'> | undefined;
  readonly limit: number;
}

interface AccessRow {
  readonly at_ms: string;
  readonly action: Access['action'];
  readonly user_id: string;
  readonly reader: string;
  readonly operation: string;
  readonly parameters: string;
  readonly request_id: string;
}

/** The newest first, of equal times the greater request id. */
export async function readAccesses(
  client: ClickHouseClient,
  { userId, reader, before, limit }: AccessQuery,
): Promise<readonly Access[]> {
  const conditions = [
    ...(userId === undefined ? [] : ['user_id = {user:String}']),
    ...(reader === undefined ? [] : ['reader = {reader:String}']),
    ...(before === undefined
      ? []
      : ["(at, request_id) < (fromUnixTimestamp64Milli({before:Int64}, 'UTC'), {before_id:String})"]),
  ];
  const result = await client.query({
    query: `SELECT toUnixTimestamp64Milli(at) AS at_ms, toString(action) AS action, user_id, reader, operation, parameters, request_id
            FROM access_log ${conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`}
            ORDER BY at DESC, request_id DESC LIMIT {limit:UInt32}`,
    query_params: {
      limit,
      ...(userId === undefined ? {} : { user: userId }),
      ...(reader === undefined ? {} : { reader }),
      ...(before === undefined ? {} : { before: before.atMs, before_id: before.requestId }),
    },
    format: 'JSONEachRow',
  });
  return (await result.json<AccessRow>()).map((row) => ({
    atMs: Number(row.at_ms),
    action: row.action,
    userId: row.user_id,
    reader: row.reader,
    operation: row.operation,
    parameters: row.parameters,
    requestId: row.request_id,
  }));
}
