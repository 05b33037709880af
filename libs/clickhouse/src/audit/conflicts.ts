import type { ClickHouseClient } from '@clickhouse/client';
import {
  noTokens,
  tokenFields,
  type Identity,
  type OutcomeRecorded,
  type TokenCounts,
  type UsageRecorded,
} from '@laurel/events';
import type { BucketStart } from '../projections.js';
import { IS_ERASED } from '../erasures.js';
import type { EventTable } from './identities.js';

/** One `(source, event_id)` under several users or times, none of them retracted: ascending by (occurred_at, user_id). */
export interface Conflict {
  readonly source: string;
  readonly eventId: string;
  readonly claims: readonly Claim[];
}

export interface Claim {
  readonly identity: Identity;
  /** The greatest of the identity. */
  readonly revision: number;
}

/** How many ids one query groups, about 100 bytes each on the server. */
const IDS_AT_ONCE = 10_000_000;
const CANDIDATES_AT_ONCE = 1000;

/** How many rows the table has from a day on, versions included. */
export async function rowsSince(client: ClickHouseClient, table: EventTable, since: BucketStart): Promise<number> {
  const result = await client.query({
    query: `SELECT count() AS rows FROM ${table} WHERE toDate(occurred_at) >= toDate({since:UInt32})`,
    query_params: { since },
    format: 'JSONEachRow',
  });
  const [row] = await result.json<{ rows: string }>();
  return Number(row?.rows ?? 0);
}

/**
 * Hashes of the ids that occur under several users or times, retracted or not; some may be others' that share the hash.
 * In slices of the hash, so that the server's memory stays bounded however long the history is.
 */
export async function* conflictCandidates(
  client: ClickHouseClient,
  table: EventTable,
  since: BucketStart,
  rows: number,
  onSlice: (done: number, slices: number) => void = () => undefined,
): AsyncGenerator<readonly string[]> {
  const slices = Math.max(1, Math.ceil(rows / IDS_AT_ONCE));
  for (let slice = 0; slice < slices; slice += 1) {
    onSlice(slice, slices);
    const result = await client.query({
      query: `SELECT toString(cityHash64(source, event_id)) AS id FROM ${table}
              WHERE toDate(occurred_at) >= toDate({since:UInt32}) AND cityHash64(source, event_id) % {slices:UInt32} = {slice:UInt32}
              GROUP BY id HAVING min(cityHash64(user_id, occurred_at)) != max(cityHash64(user_id, occurred_at))`,
      query_params: { since, slices, slice },
      format: 'JSONEachRow',
    });
    const ids = (await result.json<{ id: string }>()).map(({ id }) => id);
    for (let at = 0; at < ids.length; at += CANDIDATES_AT_ONCE) yield ids.slice(at, at + CANDIDATES_AT_ONCE);
  }
}

/** Which of these candidates (hashes as decimal text) are conflicts: the retracted and the erased don't count. */
export async function conflictsAmong(
  client: ClickHouseClient,
  table: EventTable,
  since: BucketStart,
  ids: readonly string[],
): Promise<readonly Conflict[]> {
  if (ids.length === 0) return [];
  const result = await client.query({
    query: `SELECT source, event_id, user_id, toString(toUnixTimestamp64Milli(occurred_at)) AS at, max(revision) AS greatest
            FROM ${table}
            WHERE toDate(occurred_at) >= toDate({since:UInt32}) AND cityHash64(source, event_id) IN (${ids.join(', ')})
            GROUP BY source, event_id, user_id, occurred_at
            HAVING NOT argMax(retracted, version) AND NOT ${IS_ERASED}
            ORDER BY source, event_id, occurred_at, user_id`,
    query_params: { since },
    format: 'JSONEachRow',
  });
  const conflicts = new Map<string, { source: string; eventId: string; claims: Claim[] }>();
  const rows = await result.json<{ source: string; event_id: string; user_id: string; at: string; greatest: number }>();
  for (const { source, event_id: eventId, user_id, at, greatest } of rows) {
    const key = `${source.length} ${source}${eventId}`;
    const known = conflicts.get(key) ?? { source, eventId, claims: [] };
    const identity = { source, event_id: eventId, user_id: user_id as Identity['user_id'], occurred_at: Number(at) };
    known.claims.push({ identity, revision: greatest });
    conflicts.set(key, known);
  }
  return [...conflicts.values()].filter(({ claims }) => claims.length > 1);
}

/** The usage event as it is stored, of the greatest version; undefined when it is not there. */
export async function storedUsage(client: ClickHouseClient, identity: Identity): Promise<UsageRecorded | undefined> {
  const columns = `provider, model, status, origin, ${tokenFields.map((name) => `toString(${name}_tokens) AS ${name}`).join(', ')},
              toString(cost_micro_usd) AS cost`;
  const row = await storedRow<UsageRow>(client, 'usage_events', columns, identity);
  if (row === undefined) return undefined;
  const { provider, model, status, origin, cost } = row;
  const tokens = Object.fromEntries(tokenFields.map((name) => [name, Number(row[name])]));
  return {
    ...commonOf(identity, row),
    provider,
    model,
    status,
    origin,
    tokens: { ...noTokens, ...tokens },
    cost_micro_usd: cost === null ? null : Number(cost),
  };
}

/** The same of an outcome. */
export async function storedOutcome(
  client: ClickHouseClient,
  identity: Identity,
): Promise<OutcomeRecorded | undefined> {
  const row = await storedRow<OutcomeRow>(client, 'outcome_events', 'kind, quantity', identity);
  return row && { ...commonOf(identity, row), kind: row.kind, quantity: Number(row.quantity) };
}

type CommonRow = Pick<UsageRecorded, 'revision' | 'retracted' | 'attributes'> & {
  readonly team: string;
  readonly session_id: string;
};
type UsageRow = Pick<UsageRecorded, 'provider' | 'model' | 'status' | 'origin'> &
  Readonly<Record<keyof TokenCounts, string>> & { readonly cost: string | null };
type OutcomeRow = Pick<OutcomeRecorded, 'kind'> & { readonly quantity: string };

const commonOf = (identity: Identity, { revision, retracted, team, session_id, attributes }: CommonRow) => ({
  ...identity,
  revision,
  retracted,
  team: team === '' ? null : team,
  session_id: session_id === '' ? null : session_id,
  attributes,
});

async function storedRow<Row>(
  client: ClickHouseClient,
  table: EventTable,
  columns: string,
  identity: Identity,
): Promise<(Row & CommonRow) | undefined> {
  const result = await client.query({
    query: `SELECT revision, retracted, team, session_id, attributes, ${columns} FROM ${table}
            WHERE toStartOfMinute(occurred_at) = toStartOfMinute(fromUnixTimestamp64Milli({at:Int64}, 'UTC')) AND user_id = {user:String}
              AND occurred_at = fromUnixTimestamp64Milli({at:Int64}, 'UTC') AND source = {source:String} AND event_id = {id:String}
            ORDER BY version DESC LIMIT 1`,
    query_params: { at: identity.occurred_at, user: identity.user_id, source: identity.source, id: identity.event_id },
    format: 'JSONEachRow',
  });
  return (await result.json<Row & CommonRow>())[0];
}
