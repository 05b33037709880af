import type { ClickHouseClient } from '@clickhouse/client';
import { connectClickHouse, type ClickHouseConnection } from './client.js';
import type { EventTable } from './audit/identities.js';
import { sweepErased } from './erasures.js';
import {
  rollDay,
  rollHours,
  rollOutcomes,
  runAll,
  SECONDS_PER,
  USAGE_TABLES,
  writeHeads,
  type BucketStart,
  type Closures,
  type Grain,
} from './projections.js';

const LOGS: readonly EventTable[] = ['usage_events', 'outcome_events'];

type RolledGrain = Exclude<Grain, 'minute'>;

/** Closed buckets and days of outcomes, and what is rolled of them; minutes stay the projector's. */
const ROLLED = USAGE_TABLES.filter(({ grain }) => grain !== 'minute');

/** How far a rebuild has come, kept in its shadow so that an interrupted one can be ended in the right way. */
export type RebuildStage = 'building' | 'exchanging';

export interface RebuildState {
  readonly stage: RebuildStage;
  readonly next: NextOffsets;
}

/** Of the topic of each log, by partition, the offset that the rebuild would have read next; of none where it read none. */
export type NextOffsets = ReadonlyMap<EventTable, ReadonlyMap<number, number>>;

/** A head of the shadow, under the id that its roll is to have in the live tables. */
export interface PublishedHead {
  readonly grain: RolledGrain;
  readonly bucket: BucketStart;
  readonly rollId: bigint;
}

/** Any roll id will do in the shadow: nothing there is compared with another attempt's, only with an older one of its own. */
type ShadowRoll = bigint;

/**
 * A second set of tables, in a database of its own beside the live one, in which everything is made anew while the live
 * tables go on. Its rolls are made by the statements of the live ones.
 */
export class Shadow {
  private constructor(
    /** Works in the shadow database. */
    readonly client: ClickHouseClient,
    private readonly live: ClickHouseClient,
    readonly database: string,
    private readonly liveDatabase: string,
    private readonly owner: string,
  ) {}

  static nameFor(liveDatabase: string): string {
    return `${liveDatabase}_rebuild`;
  }

  /** What an interrupted rebuild left; undefined where there is none. */
  static async leftOver(live: ClickHouseClient, liveDatabase: string): Promise<RebuildState | undefined> {
    const database = Shadow.nameFor(liveDatabase);
    const found = await rowsOf<{ n: string }>(
      live,
      `SELECT count() AS n FROM system.tables WHERE database = '${database}' AND name = 'rebuild'`,
    );
    if (Number(found[0]?.n) === 0) return undefined;
    const [row] = await rowsOf<{ stage: RebuildStage; next: [EventTable, [number, string][]][] }>(
      live,
      `SELECT stage, CAST(next, 'Array(Tuple(String, Array(Tuple(UInt32, UInt64))))') AS next
       FROM ${quoted(database)}.rebuild ORDER BY at DESC LIMIT 1`,
    );
    if (row === undefined) return undefined;
    const offsets = (of: [number, string][]) => new Map(of.map(([partition, at]) => [partition, Number(at)]));
    return { stage: row.stage, next: new Map(row.next.map(([table, own]) => [table, offsets(own)])) };
  }

  /** Creates empty tables; what an interrupted rebuild left is dropped. */
  static async create(live: ClickHouseClient, connection: ClickHouseConnection, owner: string): Promise<Shadow> {
    const database = Shadow.nameFor(connection.database);
    const name = quoted(database);
    const from = quoted(connection.database);
    await live.command({ query: `DROP DATABASE IF EXISTS ${name} SYNC` });
    await live.command({ query: `CREATE DATABASE ${name}` });
    for (const table of [...LOGS, 'roll_heads', ...ROLLED.map((one) => one.table)]) {
      await live.command({ query: `CREATE TABLE ${name}.${table} AS ${from}.${table}` });
    }
    await live.command({ query: `CREATE VIEW ${name}.hour_rolls AS SELECT * FROM ${name}.usage_by_hour` });
    await live.command({ query: `CREATE VIEW ${name}.session_rolls AS SELECT * FROM ${name}.session_minutes` });
    await live.command({ query: `CREATE VIEW ${name}.erasures AS SELECT * FROM ${from}.erasures` });
    // A rebuild prices nothing anew.
    await live.command({ query: `CREATE VIEW ${name}.model_prices AS SELECT * FROM ${from}.model_prices` });
    await live.command({
      query: `CREATE TABLE ${name}.rebuild (owner String, stage String, next Map(String, Map(UInt32, UInt64)), at DateTime64(9, 'UTC') DEFAULT now64(9, 'UTC'))
              ENGINE = MergeTree ORDER BY at`,
    });
    const shadow = Shadow.open(live, connection, owner);
    await shadow.enter({ stage: 'building', next: new Map() });
    return shadow;
  }

  static open(live: ClickHouseClient, connection: ClickHouseConnection, owner: string): Shadow {
    const database = Shadow.nameFor(connection.database);
    return new Shadow(connectClickHouse({ ...connection, database }), live, database, connection.database, owner);
  }

  async enter({ stage, next }: RebuildState): Promise<void> {
    await this.client.insert({
      table: 'rebuild',
      format: 'JSONEachRow',
      values: [
        {
          owner: this.owner,
          stage,
          next: Object.fromEntries([...next].map(([table, own]) => [table, Object.fromEntries(own)])),
        },
      ],
    });
  }

  /** @throws Error when another rebuild has begun, which dropped what this one had made. */
  async assertOwned(): Promise<void> {
    const [row] = await rowsOf<{ owner: string }>(this.client, 'SELECT owner FROM rebuild ORDER BY at DESC LIMIT 1');
    if (row?.owner !== this.owner) throw new Error('another rebuild has begun meanwhile; this one ends');
  }

  /** The days of `log` that have events in hours before `closedBefore`, ascending. */
  async days(log: string, closedBefore: BucketStart): Promise<readonly BucketStart[]> {
    const rows = await rowsOf<{ day: number }>(
      this.client,
      `SELECT DISTINCT toUnixTimestamp(toStartOfDay(occurred_at)) AS day FROM ${log}
       WHERE occurred_at < toDateTime(${closedBefore}, 'UTC') ORDER BY day`,
    );
    return rows.map(({ day }) => day);
  }

  /** The days of a log of outcomes, ascending. */
  async outcomeDays(log: string): Promise<readonly BucketStart[]> {
    const rows = await rowsOf<{ day: number }>(
      this.client,
      `SELECT DISTINCT toUnixTimestamp(toStartOfDay(occurred_at)) AS day FROM ${log} ORDER BY day`,
    );
    return rows.map(({ day }) => day);
  }

  /** Rolls a day's outcomes. */
  async rollOutcomes(day: BucketStart, log: string, rollId: ShadowRoll): Promise<void> {
    await runAll(this.client, rollOutcomes(day, rollId, log));
    await writeHeads(this.client, 'outcome_day', [day], rollId);
  }

  /** Rolls a day: its hours before `closed.hour`, and itself if it is before `closed.day`. */
  async roll(
    day: BucketStart,
    log: string,
    closed: { readonly hour: BucketStart; readonly day: BucketStart },
    rollId: ShadowRoll,
  ): Promise<void> {
    const hours: BucketStart[] = [];
    for (let hour = day; hour < Math.min(day + SECONDS_PER.day, closed.hour); hour += SECONDS_PER.hour)
      hours.push(hour);
    if (hours.length === 0) return;
    await runAll(this.client, rollHours(hours, rollId, log));
    await writeHeads(this.client, 'hour', hours, rollId);
    if (day >= closed.day) return;
    await runAll(this.client, rollDay(day, rollId));
    await writeHeads(this.client, 'day', [day], rollId);
  }

  /** Copies the rolls of a day into the live tables under another id, where nobody reads them until there are heads. */
  async copyRolls(day: BucketStart, rollId: bigint): Promise<readonly PublishedHead[]> {
    const end = day + SECONDS_PER.day;
    for (const { table, bucket, grain } of ROLLED) {
      await this.client.command({
        query: `INSERT INTO ${quoted(this.liveDatabase)}.${table}
          SELECT * REPLACE ({roll:UInt128} AS roll_id) FROM ${table}
          WHERE ${bucket} >= toDateTime(${day}, 'UTC') AND ${bucket} < toDateTime(${end}, 'UTC')
            AND (${bucket}, ${table}.roll_id) IN (SELECT bucket, max(roll_id) FROM roll_heads WHERE grain = '${grain}' GROUP BY bucket)`,
        query_params: { roll: String(rollId) },
      });
    }
    const heads = await rowsOf<{ grain: RolledGrain; start: number }>(
      this.client,
      `SELECT DISTINCT grain, toUnixTimestamp(bucket) AS start FROM roll_heads
       WHERE bucket >= toDateTime(${day}, 'UTC') AND bucket < toDateTime(${end}, 'UTC')`,
    );
    return heads.map(({ grain, start }) => ({ grain, bucket: start, rollId }));
  }

  /** Deletes what was taken in of people who have been erased since. */
  async sweepErased(): Promise<void> {
    await sweepErased(this.client, [...LOGS, ...ROLLED.map(({ table }) => table)]);
  }

  /** Which table each live log is, whatever its name. */
  async liveLogIds(): Promise<ReadonlyMap<EventTable, string>> {
    const ids = new Map<EventTable, string>();
    for (const table of LOGS) ids.set(table, await this.liveLogId(table));
    return ids;
  }

  private async liveLogId(table: EventTable): Promise<string> {
    const [row] = await rowsOf<{ uuid: string }>(
      this.live,
      `SELECT toString(uuid) AS uuid FROM system.tables WHERE database = currentDatabase() AND name = '${table}'`,
    );
    if (row === undefined) throw new Error(`there is no table ${table}`);
    return row.uuid;
  }

  /**
   * The logs of the shadow take the place of the live ones, each in one step for every reader and writer. May be repeated.
   *
   * @param former `liveLogIds` as they were before.
   */
  async exchangeLogs(former: ReadonlyMap<EventTable, string>): Promise<void> {
    for (const table of LOGS) {
      if ((await this.liveLogId(table)) !== former.get(table)) continue;
      await this.live.command({
        query: `EXCHANGE TABLES ${quoted(this.liveDatabase)}.${table} AND ${quoted(this.database)}.${table}`,
      });
    }
  }

  /**
   * Copies from a former live log, which is the shadow's after the exchange, what came after the offsets that the rebuild
   * has read. A row that is in both collapses.
   *
   * @param next by partition, the offset that the rebuild would have read next.
   * @returns the minutes that rows were copied of.
   */
  async copyLateRows(
    table: EventTable,
    topic: string,
    next: ReadonlyMap<number, number>,
  ): Promise<readonly BucketStart[]> {
    const read = [...next].map(
      ([partition, offset]) => `(kafka_partition = ${partition} AND kafka_offset < ${offset})`,
    );
    const isLate = `kafka_topic = {topic:String} AND NOT (${read.length === 0 ? '0' : read.join(' OR ')})`;
    const query_params = { topic };
    const minutes = await rowsOf<{ minute: number }>(
      this.client,
      `SELECT DISTINCT toUnixTimestamp(toStartOfMinute(occurred_at)) AS minute FROM ${table} WHERE ${isLate} ORDER BY minute`,
      query_params,
    );
    if (minutes.length > 0) {
      await this.live.command({
        query: `INSERT INTO ${table} SELECT * FROM ${quoted(this.database)}.${table} WHERE ${isLate}`,
        query_params,
        clickhouse_settings: { max_partitions_per_insert_block: '0' },
      });
    }
    return minutes.map(({ minute }) => minute);
  }

  /** Resolves when every insert into a log that began before the call has ended: it may still write to the former table. */
  async drained(pollMs = 200): Promise<void> {
    const began = performance.now();
    for (;;) {
      // A second more than it can be, as a query's time is counted by another clock.
      const older = Math.max(0, (performance.now() - began) / 1000 - 1);
      const running = await rowsOf<{ n: string }>(
        this.live,
        `SELECT count() AS n FROM system.processes
         WHERE (${LOGS.map((table) => `query LIKE 'INSERT INTO ${table} %'`).join(' OR ')}) AND current_database = currentDatabase() AND elapsed > ${older.toFixed(3)}`,
      );
      if (Number(running[0]?.n) === 0) return;
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }

  async drop(): Promise<void> {
    await this.live.command({ query: `DROP DATABASE IF EXISTS ${quoted(this.database)} SYNC` });
  }

  close(): Promise<void> {
    return this.client.close();
  }
}

/** The grain and start of every bucket with a head that was closed at these boundaries, and of every day of outcomes with one. */
export async function closedHeads(
  client: ClickHouseClient,
  closed: Closures,
): Promise<readonly { readonly grain: RolledGrain; readonly bucket: BucketStart }[]> {
  const rows = await rowsOf<{ grain: RolledGrain; start: number }>(
    client,
    `SELECT DISTINCT grain, toUnixTimestamp(bucket) AS start FROM roll_heads
     WHERE (grain = 'hour' AND bucket < toDateTime(${closed.hour}, 'UTC')) OR (grain = 'day' AND bucket < toDateTime(${closed.day}, 'UTC'))
       OR grain = 'outcome_day'`,
  );
  return rows.map(({ grain, start }) => ({ grain, bucket: start }));
}

/** Makes all these rolls the heads of their buckets in one step: one block, one part. */
export async function publishHeads(client: ClickHouseClient, heads: readonly PublishedHead[]): Promise<void> {
  if (heads.length === 0) return;
  await client.insert({
    table: 'roll_heads',
    format: 'JSONEachRow',
    values: heads.map(({ grain, bucket, rollId }) => ({ grain, bucket, roll_id: String(rollId) })),
    clickhouse_settings: { input_format_parallel_parsing: 0, max_insert_block_size: String(heads.length + 1) },
  });
}

const quoted = (identifier: string): string => `\`${identifier.replaceAll('`', '``')}\``;

async function rowsOf<T>(
  client: ClickHouseClient,
  query: string,
  query_params: Record<string, unknown> = {},
): Promise<T[]> {
  const result = await client.query({ query, query_params, format: 'JSONEachRow' });
  return result.json<T>();
}
