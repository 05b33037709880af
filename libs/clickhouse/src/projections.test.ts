import fc from 'fast-check';
import { usageEvent } from '@laurel/usage/fixture';
import {
  daysWithHeads,
  greatestHeadOffset,
  offsetOfRoll,
  rangesOf,
  readClosures,
  rollDay,
  rollHours,
  rollIdOf,
  rollMinutes,
  runAll,
  writeClosure,
  writeHeads,
} from './projections.js';
import { TestDatabase } from './test-database.fixture.js';
import { UsageRows } from './usage-rows.fixture.js';

const HOUR = 3600;
const DAY = Date.UTC(2026, 4, 14) / 1000;
const TEN = DAY + 10 * HOUR;

describe('rangesOf', () => {
  it('joins neighbours and leaves gaps out', () => {
    expect(rangesOf([0, 60, 180, 240, 600], 60)).toEqual([
      [0, 120],
      [180, 300],
      [600, 660],
    ]);
    expect(rangesOf([], 60)).toEqual([]);
  });

  it('covers exactly the given buckets', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(200)), (drawn) => {
        const buckets = drawn.sort((a, b) => a - b).map((one) => one * 60);
        const ranges = rangesOf(buckets, 60);
        const covered = ranges.flatMap(([from, to]) =>
          Array.from({ length: (to - from) / 60 }, (_, index) => from + index * 60),
        );
        expect(covered).toEqual(buckets);
        // Joined as far as they can be.
        ranges.slice(1).forEach(([from], index) => expect(from).toBeGreaterThan(ranges[index]?.[1] ?? Infinity));
      }),
    );
  });
});

describe('rollIdOf', () => {
  const parts = fc.tuple(
    fc.integer({ min: -1, max: 2 ** 48 - 2 }),
    fc.integer({ min: 0, max: 2 ** 43 }),
    fc.integer({ min: 0, max: 2 ** 20 - 1 }),
  );

  it('orders by the offset, then the time of the attempt, then chance', () => {
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        const different = a.findIndex((one, index) => one !== b[index]);
        const expected = different < 0 ? 0 : Math.sign((a[different] ?? 0) - (b[different] ?? 0));
        const [x, y] = [rollIdOf(...a), rollIdOf(...b)];
        expect(x === y ? 0 : x > y ? 1 : -1).toBe(expected);
      }),
    );
  });

  it('gives its offset back', () => {
    fc.assert(
      fc.property(parts, ([offset, ms, random]) => expect(offsetOfRoll(rollIdOf(offset, ms, random))).toBe(offset)),
    );
  });
});

describe('rolls and heads', () => {
  let database: TestDatabase;
  const client = () => database.client;

  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  afterAll(() => database.drop());
  beforeEach(() => database.truncate());

  let serial = 0;
  /** Another event of ten o'clock, so that each roll of that hour differs from the one before. */
  const store = async (secondsAfterTen = 0): Promise<void> => {
    const rows = new UsageRows();
    serial += 1;
    rows.push(
      usageEvent({
        event_id: `e-${serial}`,
        occurred_at: (TEN + secondsAfterTen) * 1000,
        session_id: 's',
        tokens: { input: 1 },
      }),
      { topic: 't', partition: 0, offset: serial, timestampMs: TEN * 1000 },
    );
    await rows.insert(client());
  };

  const events = async (view: string): Promise<number> =>
    Number((await database.rows<{ n: string }>(`SELECT sum(events) AS n FROM ${view}`))[0]?.n);
  const count = async (table: string): Promise<number> =>
    Number((await database.rows<{ n: string }>(`SELECT count() AS n FROM ${table}`))[0]?.n);

  it.each([
    ['minute', rollMinutes, TEN],
    ['hour', rollHours, TEN + HOUR],
  ] as const)(
    'read of a %s the roll that knows the most announcements, whatever the order of the heads',
    async (grain, statements, closedBefore) => {
      await writeClosure(client(), 'hour', closedBefore);
      // The twin read the log before the second event, and writes its head last, at the latest time.
      const [stalled, fresh] = [rollIdOf(7, 2000, 0), rollIdOf(8, 1000, 0)];
      await store();
      await runAll(client(), statements([TEN], stalled));
      await store();
      await runAll(client(), statements([TEN], fresh));
      await writeHeads(client(), grain, [TEN], fresh);
      expect(await events('usage')).toBe(2);
      await writeHeads(client(), grain, [TEN], stalled);
      expect(await events('usage')).toBe(2);
      await client().command({ query: 'OPTIMIZE TABLE roll_heads FINAL' });
      expect(await events('usage')).toBe(2);
    },
  );

  it('read of equal offsets the later attempt', async () => {
    await writeClosure(client(), 'hour', TEN + HOUR);
    await store();
    await runAll(client(), rollHours([TEN], rollIdOf(7, 1000, 9)));
    await store();
    await runAll(client(), rollHours([TEN], rollIdOf(7, 1001, 0)));
    await writeHeads(client(), 'hour', [TEN], rollIdOf(7, 1001, 0));
    await writeHeads(client(), 'hour', [TEN], rollIdOf(7, 1000, 9));
    expect(await events('usage')).toBe(2);
  });

  it('never read a roll without a head', async () => {
    await writeClosure(client(), 'hour', TEN + HOUR);
    await store();
    await runAll(client(), rollHours([TEN], rollIdOf(1, 1000, 0)));
    expect(await count('usage_by_hour')).toBe(1);
    expect(await count('session_minutes')).toBe(1);
    for (const view of ['usage', 'usage_by_day', 'model_usage_by_day', 'session_activity', 'attendance'])
      expect([view, await count(view)]).toEqual([view, 0]);
    await writeHeads(client(), 'hour', [TEN], rollIdOf(1, 1000, 0));
    for (const view of ['usage', 'usage_by_day', 'model_usage_by_day', 'session_activity', 'attendance'])
      expect([view, await count(view)]).toEqual([view, 1]);
  });

  it('roll a day from the heads of its hours alone', async () => {
    await store();
    await runAll(client(), rollHours([TEN], rollIdOf(1, 1000, 0)));
    await writeHeads(client(), 'hour', [TEN], rollIdOf(1, 1000, 0));
    await store();
    // A second roll of the hour without a head.
    await runAll(client(), rollHours([TEN], rollIdOf(2, 1000, 0)));
    await runAll(client(), rollDay(DAY, rollIdOf(2, 1000, 0)));
    await writeHeads(client(), 'day', [DAY], rollIdOf(2, 1000, 0));
    await writeClosure(client(), 'hour', DAY + 24 * HOUR);
    await writeClosure(client(), 'day', DAY + 24 * HOUR);
    expect(await events('usage_by_day')).toBe(1);
    expect(await events('model_usage_by_day')).toBe(1);
  });

  it('never lower a closure', async () => {
    expect(await readClosures(client())).toEqual({ hour: 0, day: 0 });
    await writeClosure(client(), 'day', DAY);
    await writeClosure(client(), 'hour', TEN);
    await writeClosure(client(), 'hour', TEN - HOUR);
    expect(await readClosures(client())).toEqual({ hour: TEN, day: DAY });
  });

  it('say which days have heads and the greatest offset of some of them', async () => {
    expect(await daysWithHeads(client())).toEqual([]);
    expect(await greatestHeadOffset(client(), [DAY])).toBe(-1);
    expect(await greatestHeadOffset(client(), [])).toBe(-1);
    await writeHeads(client(), 'minute', [TEN], rollIdOf(5, 9000, 0));
    await writeHeads(client(), 'day', [DAY], rollIdOf(41, 1000, 0));
    await writeHeads(client(), 'hour', [DAY + 30 * HOUR], rollIdOf(99, 1000, 0));
    expect([...(await daysWithHeads(client()))].sort()).toEqual([DAY, DAY + 24 * HOUR]);
    expect(await greatestHeadOffset(client(), [DAY])).toBe(41);
    expect(await greatestHeadOffset(client(), [DAY, DAY + 24 * HOUR])).toBe(99);
  });
});
