import { setTimeout as sleep } from 'node:timers/promises';
import {
  rollDay,
  rollHours,
  rollIdOf,
  runAll,
  writeClosure,
  writeHeads,
  type BucketStart,
  type Suspect,
} from '@laurel/clickhouse';
import { TestDatabase, UsageRows } from '@laurel/clickhouse/fixture';
import { usageEvent } from '@laurel/usage/fixture';
import { DriftWatch, type DriftEvents } from './drift-watch.js';

const DAY = Date.UTC(2026, 4, 14) / 1000;
const HOUR = DAY + 10 * 3600;

describe('the watch over drift', () => {
  let database: TestDatabase;
  let offset = 0;
  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  beforeEach(async () => {
    await database.truncate();
    await writeClosure(database.client, 'day', DAY);
    await writeClosure(database.client, 'hour', HOUR + 3600);
  });
  afterAll(() => database.drop());

  async function store(id: string, at: BucketStart = HOUR): Promise<void> {
    const rows = new UsageRows();
    const event = usageEvent({ event_id: id, occurred_at: at * 1000 });
    rows.push(event, { topic: 't', partition: 0, offset: 0, timestampMs: event.occurred_at });
    await rows.insert(database.client);
  }
  const ledger = (from: number, rows: number): Promise<unknown> =>
    database.client.insert({
      table: 'ingest_ledger',
      format: 'JSONEachRow',
      values: [{ topic: 't', partition: 0, from_offset: from, to_offset: from + rows - 1, rows }],
    });
  async function roll(at: BucketStart = HOUR): Promise<void> {
    const id = rollIdOf((offset += 1), Date.now(), 0);
    await runAll(database.client, rollHours([at], id));
    await writeHeads(database.client, 'hour', [at], id);
    const day = Math.floor(at / 86_400) * 86_400;
    await runAll(database.client, rollDay(day, id));
    await writeHeads(database.client, 'day', [day], id);
  }
  const watchOver = (events: Partial<DriftEvents> = {}, isOurs = (): boolean => true, settleMs = 20): DriftWatch =>
    new DriftWatch(
      database.client,
      { topics: ['t', 'o'], intervalMs: 1, settleMs, timeShare: 1 },
      {
        onLook: () => undefined,
        onRound: () => undefined,
        onCounted: () => undefined,
        onFailed: () => undefined,
        onHandedOver: () => undefined,
        ...events,
      },
      isOurs,
    );
  const codes = (suspects: readonly Suspect[]): unknown[] => suspects.map(({ code, of, bucket }) => [code, of, bucket]);

  it('finds nothing where the figures are the log’s', async () => {
    await store('1');
    await roll();
    expect(await watchOver().look(DAY)).toEqual({ drifting: [], identities: 1 });
  });

  it('finds a bucket that nobody computes again', async () => {
    await store('1');
    await roll();
    await store('2');
    expect(codes((await watchOver().look(DAY)).drifting)).toEqual([['figures_differ', 'hour', HOUR]]);
  });

  it('says nothing of what is mended, or changes, while it waits', async () => {
    await store('1');
    await roll();
    await store('2');
    await store('3', HOUR - 3600);
    const look = watchOver({}, () => true, 1500).look(DAY);
    await sleep(300);
    await roll();
    await store('4', HOUR - 3600);
    expect((await look).drifting).toEqual([]);
  });

  it('goes from day to day, the newest first and round again, while the task is this instance’s', async () => {
    for (const day of [0, 1, 2]) {
      await store(`${day}`, HOUR - day * 86_400);
      // No roll is made of the day before.
      if (day !== 1) await roll(HOUR - day * 86_400);
    }
    let isOurs = true;
    let handedOver = 0;
    const looked: [number, number][] = [];
    const watch = watchOver(
      {
        onLook: (day, suspects) => {
          looked.push([(day - DAY) / 86_400, suspects.length]);
          isOurs = looked.length < 7;
        },
        onHandedOver: () => (handedOver += 1),
      },
      () => isOurs,
    );
    watch.start();
    while (handedOver < 3) await sleep(5);
    watch.stop();
    // The wrong one again after each other, and no other twice in a round.
    const days = looked.map(([day]) => day);
    expect(days.filter((day) => day !== -1)).toEqual([0, -2, 0, -2].slice(0, days.filter((day) => day !== -1).length));
    expect(days.slice(0, 2)).toEqual([0, -1]);
    expect(days.filter((day) => day === -1).length).toBeGreaterThanOrEqual(3);
    expect(looked.every(([day, wrong]) => wrong === (day === -1 ? 1 : 0))).toBe(true);
  });

  it('tells after a round how many records were stored for how many events', async () => {
    await store('1');
    await store('1');
    await store('2', HOUR - 86_400);
    await ledger(0, 2);
    // A batch that was repeated has one entry.
    await ledger(0, 2);
    await ledger(2, 1);
    const counted = new Promise<readonly number[]>((resolve) => {
      const watch = watchOver({
        onCounted: (...counts) => {
          watch.stop();
          resolve(counts);
        },
      });
      watch.start();
    });
    expect(await counted).toEqual([3, 2]);
  });

  it('bears a database that is away, and tells', async () => {
    await store('1');
    const failed: unknown[] = [];
    const gone = await TestDatabase.create();
    await gone.drop();
    const watch = new DriftWatch(
      gone.client,
      { topics: ['t'], intervalMs: 1, settleMs: 1, timeShare: 1 },
      {
        onLook: () => undefined,
        onRound: () => undefined,
        onCounted: () => undefined,
        onFailed: (_day, error) => failed.push(error),
        onHandedOver: () => undefined,
      },
      () => true,
    );
    watch.start();
    while (failed.length < 3) await sleep(5);
    watch.stop();
    expect(failed.every((error) => error instanceof Error)).toBe(true);
  });
});
