import { randomInt, randomUUID } from 'node:crypto';
import {
  closedHeads,
  PriceKeeper,
  publishHeads,
  readClosures,
  rollIdOf,
  SECONDS_PER,
  Shadow,
  sweepErased,
  type BucketStart,
  type ClickHouseClient,
  type ClickHouseConnection,
  type Closures,
  type EventTable,
  type NextOffsets,
  type PublishedHead,
} from '@laurel/clickhouse';
import { outcomeReaderForSchema, topics, usageReaderForSchema, usageStored } from '@laurel/events';
import { changeRecords, IngestPorts, OutcomeStore, UsageStore, type RecordStore } from '@laurel/ingest';
import {
  partitionOf,
  RangeReader,
  RegistrySchemas,
  type Kafka,
  type RecordProducer,
  type SchemaRegistry,
} from '@laurel/kafka';
import { keepTrying, type RetryPolicy } from '@laurel/stream';
import { dayKey, minuteInDay, type Day } from '@laurel/usage';
import type { PriceCatalogue } from '@laurel/usage/price-list';
import { assertCovered, presentRanges, readHistory, SilentPorts, type OffsetRange } from './history.js';

export interface RebuildWorld {
  readonly clickhouse: ClickHouseClient;
  readonly connection: ClickHouseConnection;
  readonly kafka: Kafka;
  readonly producer: RecordProducer;
  readonly registry: SchemaRegistry;
  /** Of models that the tables have no prices of. */
  readonly prices: PriceCatalogue;
  readonly topicPrefix: string;
  readonly policy: RetryPolicy;
}

export interface RebuildProgress {
  /** A new step begins. */
  step(name: string): void;
  /** How much of the present step is done. */
  at(done: number, total: number): void;
}

/** Figures of a log, to compare what is with what is rebuilt. */
export interface LogFigures {
  readonly events: number;
  readonly retracted: number;
  readonly tokens: string;
  /** Not retracted. */
  readonly outcomes: number;
}

export interface RebuildReport {
  readonly from: 'kafka' | 'events';
  readonly exchanged: boolean;
  /** Of the log that was there and the one that was made; the former goes on while the latter is made. */
  readonly before: LogFigures;
  readonly after: LogFigures;
  /** By outcome, of the records read from Kafka; `refused` of them are dead now, and are in the log that was there. */
  readonly records: {
    readonly rows: number;
    readonly dead: number;
    readonly erased: number;
    readonly refused: number;
  };
  readonly days: number;
  readonly late_minutes: number;
  readonly announced_days: number;
  readonly seconds: number;
}

/** Heads must be written well before the projector's sweep takes the rolls for abandoned (15 minutes). */
const PUBLISH_WITHIN_MS = 10 * 60_000;
/** What came in while the former round was read is read in another, until a round is small. */
const SMALL_ROUND_RECORDS = 50_000;
const MAX_ROUNDS = 10;

type Ends = ReadonlyMap<number, number>;

/** A topic that is read again, and the table that is made of it. */
interface RebuiltLog {
  readonly table: EventTable;
  /** Without the prefix. */
  readonly topic: string;
  readonly ports: SilentPorts;
}

/** By topic, with its prefix, what is read next. */
type Ranges = ReadonlyMap<string, ReadonlyMap<number, OffsetRange>>;

/**
 * Makes the tables anew beside those in use, and exchanges them.
 *
 * From Kafka: a new `usage_events` and a new `outcome_events` are read from the log; from events: the present ones are taken as they
 * are. Then every closed hour and day, and every day of outcomes, is rolled in a shadow database, the rolls are copied into the live tables, where nobody reads them yet, the
 * logs are exchanged (from Kafka), and the heads of all rolls are written in one step, which is what readers see: all of
 * the old before it, all of the new after it. Live ingestion goes on; what it changed meanwhile is announced again, so that
 * the projector rolls it from the new log, and what it stored in the former log is copied.
 */
export async function rebuild(
  world: RebuildWorld,
  options: { readonly from: 'kafka' | 'events'; readonly dryRun: boolean; readonly acceptRefused: boolean },
  progress: RebuildProgress,
): Promise<RebuildReport> {
  const began = performance.now();
  await endInterrupted(world, progress);

  const { clickhouse, kafka, topicPrefix } = world;
  const storedTopic = topicPrefix + topics.usageStored.name;
  const fromKafka = options.from === 'kafka';
  // Announcements before these offsets tell of records that are in what is read from here on.
  let announced = await ends(kafka, storedTopic);
  let ranges = await rangesOfAll(world);
  if (fromKafka) await assertCovered(clickhouse, ranges);

  const shadow = await Shadow.create(clickhouse, world.connection, randomUUID());
  let isExchanging = false;
  try {
    const logOf = (table: EventTable): string => (fromKafka ? table : `\`${world.connection.database}\`.${table}`);
    const log = logOf('usage_events');
    const closed = await readClosures(clickhouse);
    const onRefused = options.dryRun ? 'count' : options.acceptRefused ? 'keep' : 'stop';
    const prices = new PriceKeeper(clickhouse, world.prices);
    const silent = (table: EventTable, records: RecordStore<unknown>): SilentPorts =>
      new SilentPorts(clickhouse, table, onRefused, shadow.client, world.producer, records, topicPrefix);
    const usageSchemas = new RegistrySchemas(world.registry, usageReaderForSchema);
    const usage = silent('usage_events', new UsageStore(shadow.client, usageSchemas, prices, world.policy));
    const outcomeSchemas = new RegistrySchemas(world.registry, outcomeReaderForSchema);
    const outcomes = silent('outcome_events', new OutcomeStore(shadow.client, outcomeSchemas, world.policy));
    const logs: readonly RebuiltLog[] = [
      { table: 'usage_events', topic: topics.usageEvents.name, ports: usage },
      { table: 'outcome_events', topic: topics.usageOutcomes.name, ports: outcomes },
    ];
    let rolled = 0n;
    const rollAll = async (days: readonly BucketStart[], outcomeDays: readonly BucketStart[]): Promise<void> => {
      progress.step('rolling days');
      rolled += 1n;
      const total = days.length + outcomeDays.length;
      for (const [index, day] of days.entries()) {
        await shadow.roll(day, log, closed, rolled);
        progress.at(index + 1, total);
      }
      for (const [index, day] of outcomeDays.entries()) {
        await shadow.rollOutcomes(day, logOf('outcome_events'), rolled);
        progress.at(days.length + index + 1, total);
      }
    };
    const rollEverything = async (): Promise<void> =>
      rollAll(await shadow.days(log, closed.hour), await shadow.outcomeDays(logOf('outcome_events')));

    if (fromKafka) {
      for (let round = 0; round < MAX_ROUNDS; round += 1) {
        if (round > 0) {
          announced = await ends(kafka, storedTopic);
          ranges = after(ranges, await rangesOfAll(world));
        }
        const total = size(ranges);
        let read = 0;
        usage.days.clear();
        outcomes.outcomeDays.clear();
        progress.step(round === 0 ? 'reading Kafka' : 'reading what came in meanwhile');
        for (const { topic, ports } of logs) {
          await readHistory(ranges.get(topicPrefix + topic) ?? new Map(), {
            ...world,
            topic,
            ports,
            onProgress: (records) => progress.at((read += records), total),
          });
        }
        if (round === 0) await rollEverything();
        else await rollAll(ascending(usage.days), ascending(outcomes.outcomeDays));
        if (total <= SMALL_ROUND_RECORDS) break;
      }
    } else {
      await rollEverything();
    }
    const next: NextOffsets = fromKafka ? nextOf(logs, topicPrefix, ranges) : new Map();

    const figures = {
      before: await figuresOf(clickhouse),
      after: fromKafka ? await figuresOf(shadow.client) : await figuresOf(clickhouse),
    };
    const entries = logs.flatMap(({ ports }) => ports.entries);
    const records = entries.reduce(
      ({ rows, dead, erased, refused }, entry) => ({
        rows: rows + entry.rows,
        dead: dead + entry.dead,
        erased: erased + entry.erased,
        refused,
      }),
      { rows: 0, dead: 0, erased: 0, refused: usage.refused + outcomes.refused },
    );
    const usageDays = await shadow.days(log, closed.hour);
    const days = ascending(new Set([...usageDays, ...(await shadow.outcomeDays(logOf('outcome_events')))]));
    const report = (more: Partial<RebuildReport>): RebuildReport => ({
      from: options.from,
      exchanged: false,
      ...figures,
      records,
      days: days.length,
      late_minutes: 0,
      announced_days: 0,
      seconds: Math.round((performance.now() - began) / 100) / 10,
      ...more,
    });
    await shadow.assertOwned();
    if (options.dryRun) {
      await shadow.drop();
      return report({});
    }

    // Who was erased since their records were read is in what was made of them.
    await shadow.sweepErased();
    const heads = await copyRolls(shadow, clickhouse, days, closed, announced, progress);
    await shadow.assertOwned();
    // From here on an outage is waited out: half of it would be neither the old nor the new. Each step may be repeated.
    const attempt = <T>(step: string, work: () => Promise<T>): Promise<T> =>
      keepTrying(step, work, world.policy, new AbortController().signal);
    if (fromKafka) {
      progress.step('exchanging');
      const former = await shadow.liveLogIds();
      isExchanging = true;
      await attempt('exchange', () => shadow.enter({ stage: 'exchanging', next }));
      await attempt('exchange', () => shadow.exchangeLogs(former));
    }
    await attempt('heads', () => publishHeads(clickhouse, heads));
    if (fromKafka) {
      // Every offset read has its outcome, also where the ledger was lost.
      const ledger = new IngestPorts(clickhouse, world.producer, usage.records, topicPrefix);
      for (const entry of entries) await attempt('ledger', () => ledger.record([entry]));
    }
    const late = new Touched();
    await attempt('late rows', () => late.addLateRows(world, shadow, next));
    const touched = new Touched();
    touched.add(late);
    // A day that was closed meanwhile was rolled from the former heads of its hours; its first minute stands for it.
    touched.addMinutes(usageDays.filter((day) => day >= closed.day));
    await attempt('announce', () => touched.addOpenMinutes(clickhouse, closed));
    // What was rolled meanwhile was made from the former log, and days from the former heads of their hours; it is rolled once more.
    await attempt('announce', () =>
      touched.addAnnounced(kafka, storedTopic, `${topicPrefix}laurel-rebuild-`, announced),
    );
    const announcedDays = await attempt('announce', () => touched.announce(world.producer));
    const rest = await attempt('end', () => end(world, shadow, next, progress));
    // What was read before an erasure and published after it is out of reach of `laurel forget`.
    await attempt('erasures', () => sweepErased(clickhouse));
    late.add(rest);
    return report({ exchanged: true, late_minutes: late.size, announced_days: announcedDays });
  } catch (error) {
    if (!isExchanging)
      await shadow.assertOwned().then(
        () => shadow.drop(),
        () => undefined,
      );
    throw error;
  } finally {
    await shadow.close();
  }
}

/**
 * Ends what a rebuild that was killed has left. It may have exchanged the logs and published no head: every bucket is announced, so
 * that the figures are those of the log that is there now, whatever the rebuild comes to that begins after this.
 */
async function endInterrupted(world: RebuildWorld, progress: RebuildProgress): Promise<void> {
  const left = await Shadow.leftOver(world.clickhouse, world.connection.database);
  if (left?.stage !== 'exchanging') return;
  const shadow = Shadow.open(world.clickhouse, world.connection, randomUUID());
  try {
    progress.step('ending a rebuild that was interrupted');
    await end(world, shadow, left.next, progress);
    const touched = new Touched();
    const closed = await readClosures(world.clickhouse);
    await touched.addClosedHours(world.clickhouse, closed);
    await touched.addOpenMinutes(world.clickhouse, closed);
    await touched.addOutcomeDays(world.clickhouse);
    await touched.announce(world.producer);
    await sweepErased(world.clickhouse);
  } finally {
    await shadow.close();
  }
}

/**
 * What came into the former logs until their last insert had ended is copied and announced; then the shadow is dropped.
 *
 * @returns what rows were copied of.
 */
async function end(
  world: RebuildWorld,
  shadow: Shadow,
  next: NextOffsets,
  progress: RebuildProgress,
): Promise<Touched> {
  progress.step('waiting for inserts that are under way');
  await shadow.drained();
  const touched = new Touched();
  await touched.addLateRows(world, shadow, next);
  await touched.announce(world.producer);
  await shadow.drop();
  return touched;
}

async function copyRolls(
  shadow: Shadow,
  clickhouse: ClickHouseClient,
  days: readonly BucketStart[],
  closed: Closures,
  announced: Ends,
  progress: RebuildProgress,
): Promise<readonly PublishedHead[]> {
  progress.step('copying rolls');
  const began = Date.now();
  const random = randomInt(2 ** 20);
  // What the projector rolls until then of announcements that are in here was made from the former log, and is not to come after it.
  const attemptMs = began + 2 * PUBLISH_WITHIN_MS;
  const idFor = (day: BucketStart): bigint => {
    const partition = partitionOf(dayKey((day / SECONDS_PER.day) as Day), topics.usageStored.partitions);
    return rollIdOf((announced.get(partition) ?? 0) - 1, attemptMs, random);
  };
  const heads = new Map<string, PublishedHead>();
  for (const [index, day] of days.entries()) {
    for (const head of await shadow.copyRolls(day, idFor(day))) heads.set(`${head.grain} ${head.bucket}`, head);
    progress.at(index + 1, days.length);
    if (Date.now() - began > PUBLISH_WITHIN_MS) {
      throw new Error('copying the rolls took over 10 minutes, so that they can not be published; nothing was changed');
    }
  }
  // What has a head and no events any more gets a roll without rows; but not what was closed meanwhile, of which there is no roll.
  for (const { grain, bucket } of await closedHeads(clickhouse, closed)) {
    const day = bucket - (bucket % SECONDS_PER.day);
    const key = `${grain} ${bucket}`;
    if (!heads.has(key)) heads.set(key, { grain, bucket, rollId: idFor(day) });
  }
  return [...heads.values()];
}

/** What the projector is to roll again. */
class Touched {
  private readonly minutes = new Set<BucketStart>();
  private readonly outcomeDays = new Set<BucketStart>();

  /** How many minutes of usage and days of outcomes. */
  get size(): number {
    return this.minutes.size + this.outcomeDays.size;
  }

  add({ minutes, outcomeDays }: Touched): void {
    for (const minute of minutes) this.minutes.add(minute);
    for (const day of outcomeDays) this.outcomeDays.add(day);
  }

  addMinutes(minutes: readonly BucketStart[]): void {
    for (const minute of minutes) this.minutes.add(minute);
  }

  /** What is copied from the former logs, as it came after what the rebuild has read. */
  async addLateRows({ topicPrefix }: RebuildWorld, shadow: Shadow, next: NextOffsets): Promise<void> {
    for (const [table, offsets] of next) {
      const { name } = table === 'usage_events' ? topics.usageEvents : topics.usageOutcomes;
      const minutes = await shadow.copyLateRows(table, topicPrefix + name, offsets);
      if (table === 'usage_events') this.addMinutes(minutes);
      else for (const minute of minutes) this.outcomeDays.add(minute - (minute % SECONDS_PER.day));
    }
  }

  /** Each that has outcomes, or had some. */
  async addOutcomeDays(client: ClickHouseClient): Promise<void> {
    const result = await client.query({
      query: `SELECT DISTINCT toUnixTimestamp(day) AS start FROM (
                SELECT toStartOfDay(occurred_at) AS day FROM outcome_events
                UNION ALL SELECT bucket FROM roll_heads WHERE grain = 'outcome_day')`,
      format: 'JSONEachRow',
    });
    for (const { start } of await result.json<{ start: number }>()) this.outcomeDays.add(start);
  }

  /** The first of each closed hour that has events, or had some. */
  async addClosedHours(client: ClickHouseClient, closed: Closures): Promise<void> {
    const result = await client.query({
      query: `SELECT DISTINCT toUnixTimestamp(hour) AS start FROM (
                SELECT toStartOfHour(occurred_at) AS hour FROM usage_events WHERE toStartOfMinute(occurred_at) < toDateTime(${closed.hour}, 'UTC')
                UNION ALL SELECT bucket FROM roll_heads WHERE grain = 'hour' AND bucket < toDateTime(${closed.hour}, 'UTC'))`,
      format: 'JSONEachRow',
    });
    for (const { start } of await result.json<{ start: number }>()) this.minutes.add(start);
  }

  /** Those that are not closed, or were not when the rebuild began. */
  async addOpenMinutes(client: ClickHouseClient, closed: Closures): Promise<void> {
    const result = await client.query({
      query: `SELECT DISTINCT toUnixTimestamp(minute) AS start FROM (
                SELECT toStartOfMinute(occurred_at) AS minute FROM usage_events WHERE toStartOfMinute(occurred_at) >= toDateTime(${closed.hour}, 'UTC')
                UNION ALL SELECT bucket FROM roll_heads WHERE grain = 'minute' AND bucket >= toDateTime(${closed.hour}, 'UTC'))`,
      format: 'JSONEachRow',
    });
    for (const { start } of await result.json<{ start: number }>()) this.minutes.add(start);
  }

  /** Those that were announced from these offsets on. */
  async addAnnounced(kafka: Kafka, topic: string, groupPrefix: string, from: Ends): Promise<void> {
    const reader = await RangeReader.open(kafka, { topic, groupPrefix });
    try {
      for (const [partition, end] of await ends(kafka, topic)) {
        for await (const records of reader.read(partition, from.get(partition) ?? 0, end)) {
          for (const { value } of records) if (value !== null) this.addAnnouncement(value);
        }
      }
    } finally {
      await reader.close();
    }
  }

  private addAnnouncement(value: Uint8Array): void {
    const { day, minutes, outcomes } = usageStored.decode(value);
    if (outcomes) this.outcomeDays.add(day * SECONDS_PER.day);
    for (const minute of minutes) this.minutes.add(minuteInDay(day as Day, minute) * SECONDS_PER.minute);
  }

  /** @returns of how many days. */
  async announce(producer: RecordProducer): Promise<number> {
    const days = new Map<number, number[]>([...this.outcomeDays].map((start) => [start / SECONDS_PER.day, []]));
    for (const start of [...this.minutes].sort((a, b) => a - b)) {
      const day = Math.floor(start / SECONDS_PER.day);
      const minute = (start % SECONDS_PER.day) / SECONDS_PER.minute;
      days.set(day, [...(days.get(day) ?? []), minute]);
    }
    const touched = [...days].map(([day, minutes]) => ({
      day,
      minutes,
      outcomes: this.outcomeDays.has(day * SECONDS_PER.day),
    }));
    await producer.send(topics.usageStored.name, changeRecords(touched, 'rebuilt', Date.now()));
    return days.size;
  }
}

async function figuresOf(client: ClickHouseClient): Promise<LogFigures> {
  const result = await client.query({
    query: `SELECT countIf(NOT retracted) AS events, countIf(retracted) AS retractions,
              (SELECT count() FROM outcome_events FINAL WHERE NOT retracted) AS outcomes,
              toString(sumIf(input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens + cache_write_tokens + output_tokens, NOT retracted)) AS tokens
            FROM usage_events FINAL SETTINGS do_not_merge_across_partitions_select_final = 1`,
    format: 'JSONEachRow',
  });
  const [row] = await result.json<{ events: string; retractions: string; tokens: string; outcomes: string }>();
  return {
    events: Number(row?.events),
    retracted: Number(row?.retractions),
    tokens: row?.tokens ?? '0',
    outcomes: Number(row?.outcomes),
  };
}

const ends = async (kafka: Kafka, topic: string): Promise<Ends> =>
  new Map([...(await presentRanges(kafka, topic))].map(([partition, { to }]) => [partition, to]));

async function rangesOfAll({ kafka, topicPrefix }: RebuildWorld): Promise<Ranges> {
  const names = [topics.usageEvents, topics.usageOutcomes].map(({ name }) => topicPrefix + name);
  return new Map(await Promise.all(names.map(async (topic) => [topic, await presentRanges(kafka, topic)] as const)));
}

/** What came since. */
const after = (former: Ranges, present: Ranges): Ranges =>
  new Map(
    [...present].map(([topic, partitions]) => [
      topic,
      new Map(
        [...partitions].map(([partition, { from, to }]) => [
          partition,
          { from: former.get(topic)?.get(partition)?.to ?? from, to },
        ]),
      ),
    ]),
  );

const nextOf = (logs: readonly RebuiltLog[], topicPrefix: string, ranges: Ranges): NextOffsets =>
  new Map(
    logs.map(({ table, topic }) => [
      table,
      new Map([...(ranges.get(topicPrefix + topic) ?? [])].map(([partition, { to }]) => [partition, to])),
    ]),
  );

const size = (ranges: Ranges): number =>
  [...ranges.values()]
    .flatMap((partitions) => [...partitions.values()])
    .reduce((sum, { from, to }) => sum + Math.max(0, to - from), 0);

const ascending = (buckets: ReadonlySet<BucketStart>): readonly BucketStart[] => [...buckets].sort((a, b) => a - b);
