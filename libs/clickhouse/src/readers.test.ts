import { outcomeEvent, usageEvent } from '@laurel/usage/fixture';
import type { UsageEvent } from '@laurel/events';
import { OutcomeRows } from './outcome-rows.js';
import {
  rollDay,
  rollHours,
  rollIdOf,
  rollMinutes,
  rollOutcomes,
  runAll,
  writeClosure,
  writeHeads,
  type BucketStart,
  type Grain,
  type Statement,
} from './projections.js';
import { TestDatabase } from './test-database.fixture.js';
import { UsageRows } from './usage-rows.fixture.js';

const HOUR = 3600;
const DAY = 86_400;
const TODAY = Math.floor(Date.now() / 1000 / DAY) * DAY;
/** Hours around a midnight, an event each 20 minutes by each of 40 people. */
const FIRST = TODAY - 5 * HOUR;
const LAST = TODAY + 5 * HOUR;
/** How often an open hour's minutes, the closed hour before it and the closed day are rolled again at least before it closes. */
const REPEATS = 3;
const EVENTS = ((LAST - FIRST) / 1200) * 40;

function* traffic(): Generator<UsageEvent> {
  for (let at = FIRST; at < LAST; at += 1200) {
    for (let person = 0; person < 40; person += 1) {
      yield usageEvent({
        event_id: `${at}-${person}`,
        user_id: `u-${person}`,
        session_id: `s-${at % DAY}`,
        occurred_at: at * 1000,
        tokens: { input: 1 },
      });
    }
  }
}

/** Each view's count of events, or what stands for it; the last reads two views in one query, as titles do. */
const READS: Readonly<Record<string, string>> = {
  usage: 'SELECT sum(events) AS n FROM usage',
  usage_by_day: 'SELECT sum(events) AS n FROM usage_by_day',
  model_usage_by_day: 'SELECT sum(input_tokens) AS n FROM model_usage_by_day',
  session_activity: 'SELECT sum(bitCount(active_minutes)) AS n FROM session_activity',
  attendance: 'SELECT sum(arraySum(tokens)) AS n FROM attendance',
  leaderboard_30d: 'SELECT sum(events) AS n FROM leaderboard_30d',
  model_mix: 'SELECT sum(events) AS n FROM model_mix',
  outcomes: 'SELECT sum(quantity) AS n FROM outcomes',
  'sessions and days': `SELECT if(sessions.n = days.n, days.n, 0) AS n
    FROM (SELECT sum(bitCount(active_minutes)) AS n FROM session_activity) AS sessions,
         (SELECT sum(events) AS n FROM usage_by_day) AS days`,
};

const STATEMENTS = {
  minute: rollMinutes,
  hour: rollHours,
  day: ([day = 0]: readonly BucketStart[], rollId: bigint): readonly Statement[] => rollDay(day, rollId),
  outcome_day: ([day = 0]: readonly BucketStart[], rollId: bigint): readonly Statement[] => rollOutcomes(day, rollId),
} as const;

/** Makes the server wait before each snapshot of a table, in ms, so that whatever may come between two of them does. */
const SLOW_SNAPSHOTS = { merge_tree_storage_snapshot_sleep_ms: '50' };

/*
 * What this guards: a reader's query reads `closed_before` first, then the heads, and takes its snapshot of the rolls'
 * rows last. Were the snapshot taken before the heads, a head could name a roll whose rows the reader does not see, and
 * the bucket would be missing; were `closed_before` read more than once, a bucket could be missing or be read twice.
 */
describe('readers, while rolls, heads and closures are written', () => {
  let database: TestDatabase;
  let serial = 0;

  const roll = async (grain: Grain, buckets: readonly BucketStart[]): Promise<void> => {
    serial += 1;
    const id = rollIdOf(serial, Date.now(), 0);
    await runAll(database.client, STATEMENTS[grain](buckets, id));
    await writeHeads(database.client, grain, buckets, id);
  };

  const bucketsOf = (from: number, to: number, width: number): readonly BucketStart[] =>
    Array.from({ length: Math.ceil((to - from) / width) }, (_, index) => from + index * width);

  beforeAll(async () => {
    database = await TestDatabase.create();
    const rows = new Map<number, UsageRows>();
    for (const event of traffic()) {
      const day = Math.floor(event.occurred_at / 1000 / DAY);
      const own = rows.get(day) ?? new UsageRows();
      rows.set(day, own);
      own.push(event, { topic: 't', partition: 0, offset: 0, timestampMs: event.occurred_at });
    }
    for (const own of rows.values()) await own.insert(database.client);
    const outcomes = new OutcomeRows();
    for (const at of [FIRST, TODAY]) {
      const half = outcomeEvent({ event_id: `${at}`, occurred_at: at * 1000, quantity: EVENTS / 2 });
      outcomes.push(half, { offset: at, timestampMs: at * 1000 });
    }
    await outcomes.insert(database.client, 't', [{ partition: 0, rows: outcomes.length }]);
    for (const day of [TODAY - DAY, TODAY]) await roll('outcome_day', [day]);
    // All of it open at first.
    await writeClosure(database.client, 'day', TODAY - DAY);
    await writeClosure(database.client, 'hour', FIRST);
    await roll('minute', bucketsOf(FIRST, TODAY, 1200));
    await roll('minute', bucketsOf(TODAY, LAST, 1200));
  });

  afterAll(() => database.drop());

  it('see no bucket missing and none twice', async () => {
    const reads = new Map<string, number>();
    const wrong: string[] = [];
    let isWriting = true;

    const turns = Object.entries(READS);
    let turn = 0;
    const read = async (): Promise<void> => {
      while (isWriting) {
        const [view = '', query = ''] = turns[turn % turns.length] ?? [];
        turn += 1;
        const result = await database.client.query({
          query,
          format: 'JSONEachRow',
          clickhouse_settings: SLOW_SNAPSHOTS,
        });
        const [row] = await result.json<{ n: string }>();
        reads.set(view, (reads.get(view) ?? 0) + 1);
        if (Number(row?.n) !== EVENTS) wrong.push(`${view}: ${row?.n} of ${EVENTS}`);
      }
    };

    const fewest = (): number => Math.min(...turns.map(([view]) => reads.get(view) ?? 0));

    /** Closes hour after hour and the day, and in between rolls again what is closed and what is open. */
    const write = async (): Promise<void> => {
      for (let hour = FIRST; hour < LAST; hour += HOUR) {
        // Each view is read in each hour, so that every boundary is met.
        const before = fewest();
        for (let time = 0; time < REPEATS || fewest() === before; time += 1) {
          await roll('minute', bucketsOf(hour, hour + HOUR, 1200));
          await roll('outcome_day', [Math.floor(hour / DAY) * DAY]);
          if (hour > FIRST) await roll('hour', [hour - HOUR]);
          if (hour >= TODAY) await roll('day', [TODAY - DAY]);
        }
        await roll('hour', [hour]);
        await writeClosure(database.client, 'hour', hour + HOUR);
        if (hour + HOUR === TODAY) {
          await roll('day', [TODAY - DAY]);
          await writeClosure(database.client, 'day', TODAY);
        }
      }
    };
    const writing = write().finally(() => {
      isWriting = false;
    });

    await Promise.all([writing, read(), read(), read()]);
    expect(wrong.slice(0, 10)).toEqual([]);
    expect(fewest()).toBeGreaterThanOrEqual(10);
  });
});
