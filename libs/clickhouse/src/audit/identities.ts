import type { ClickHouseClient } from '@clickhouse/client';
import { identityOf, type Identity } from '@laurel/events';
import { tuples, type Place } from './ledger.js';

/** The tables that hold events as they came; they have the same key, and the same columns for where an event stands in Kafka. */
export type EventTable = 'usage_events' | 'outcome_events';

/** Parameters travel in the URL, which servers and what stands before them bound to some kilobytes. */
const MAX_PARAMETER_BYTES = 6000;

/**
 * The greatest version stored of each identity, by `identityOf`; those that are not stored are left out. The greatest is
 * what FINAL would keep, so no FINAL is needed.
 */
export async function storedVersions(
  client: ClickHouseClient,
  table: EventTable,
  identities: readonly Identity[],
): Promise<ReadonlyMap<string, bigint>> {
  const versions = new Map<string, bigint>();
  for (const some of inParameters(identities)) {
    for (const [identity, version] of await lookUp(client, table, some)) versions.set(identity, version);
  }
  return versions;
}

/** Runs of identities that are short enough for one URL. */
export function* inParameters(identities: readonly Identity[]): Generator<readonly Identity[]> {
  let run: Identity[] = [];
  let bytes = 0;
  for (const one of identities) {
    const { source, event_id: id, user_id: user } = one;
    // The quotes, brackets and separators of three texts and a number are encoded as well.
    const size = encodeURIComponent(source + id + user).length + 60;
    if (run.length > 0 && bytes + size > MAX_PARAMETER_BYTES) {
      yield run;
      run = [];
      bytes = 0;
    }
    run.push(one);
    bytes += size;
  }
  if (run.length > 0) yield run;
}

async function lookUp(
  client: ClickHouseClient,
  table: EventTable,
  identities: readonly Identity[],
): Promise<ReadonlyMap<string, bigint>> {
  const column = <K extends keyof Identity>(name: K): readonly Identity[K][] => identities.map((one) => one[name]);
  const result = await client.query({
    query: `
      WITH arrayMap(at -> fromUnixTimestamp64Milli(at, 'UTC'), {ats:Array(Int64)}) AS times
      SELECT source, event_id, user_id, toUnixTimestamp64Milli(occurred_at) AS at, toString(max(version)) AS version
      FROM ${table}
      WHERE toDate(occurred_at) IN (SELECT arrayJoin(arrayMap(t -> toDate(t), times)))
        AND toStartOfMinute(occurred_at) IN (SELECT arrayJoin(arrayMap(t -> toStartOfMinute(t), times)))
        AND (user_id, occurred_at, source, event_id) IN (
          SELECT arrayJoin(arrayZip({users:Array(String)}, times, {sources:Array(String)}, {ids:Array(String)})))
      GROUP BY source, event_id, user_id, occurred_at`,
    query_params: {
      ats: column('occurred_at'),
      users: column('user_id'),
      sources: column('source'),
      ids: column('event_id'),
    },
    format: 'JSONEachRow',
  });
  const rows = await result.json<{
    source: string;
    event_id: string;
    user_id: Identity['user_id'];
    at: string;
    version: string;
  }>();
  return new Map(
    rows.map(({ at, version, ...id }) => [identityOf({ ...id, occurred_at: Number(at) }), BigInt(version)]),
  );
}

/** Which of these records of a topic have rows of their own in its table. */
export async function placesWithRows(
  client: ClickHouseClient,
  table: EventTable,
  topic: string,
  places: readonly Place[],
): Promise<readonly Place[]> {
  if (places.length === 0) return [];
  const result = await client.query({
    query: `SELECT DISTINCT kafka_partition AS partition, kafka_offset AS offset FROM ${table}
            WHERE kafka_topic = {topic:String} AND kafka_offset IN (SELECT arrayJoin(${tuples(places)}).2)
              AND (kafka_partition, kafka_offset) IN (SELECT arrayJoin(${tuples(places)}))`,
    query_params: { topic },
    format: 'JSONEachRow',
  });
  return (await result.json<{ partition: number; offset: string }>()).map(({ partition, offset }) => ({
    partition,
    offset: Number(offset),
  }));
}
