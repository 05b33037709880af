import { outcomeEvent, usageEvent } from '@laurel/usage/fixture';
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
} from './projections.js';
import { deleteRolls, dropMinutesBefore, headlessRolls, Sweeper } from './sweep.js';
import { TestDatabase } from './test-database.fixture.js';
import { UsageRows } from './usage-rows.fixture.js';

const HOUR = 3600;
const DAY = Date.UTC(2026, 4, 14) / 1000;
const TEN = DAY + 10 * HOUR;
const LONG_AGO_MS = 1000;

describe('a sweep', () => {
  let database: TestDatabase;
  const client = () => database.client;

  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  afterAll(() => database.drop());
  beforeEach(() => database.truncate());

  const store = async (secondsAfterTen = 0): Promise<void> => {
    const rows = new UsageRows();
    rows.push(
      usageEvent({
        event_id: `e-${secondsAfterTen}`,
        occurred_at: (TEN + secondsAfterTen) * 1000,
        session_id: 's',
        tokens: { input: 1 },
      }),
      { topic: 't', partition: 0, offset: secondsAfterTen + HOUR, timestampMs: TEN * 1000 },
    );
    await rows.insert(client());
    const outcomes = new OutcomeRows();
    const position = { offset: secondsAfterTen + HOUR, timestampMs: TEN * 1000 };
    outcomes.push(outcomeEvent({ occurred_at: TEN * 1000 }), position);
    await outcomes.insert(client(), 't', [{ partition: 0, rows: outcomes.length }]);
  };

  async function rollAll(roll: bigint, withHeads: boolean): Promise<void> {
    await runAll(client(), rollMinutes([TEN], roll));
    await runAll(client(), rollHours([TEN], roll));
    if (withHeads) await writeHeads(client(), 'minute', [TEN], roll);
    if (withHeads) await writeHeads(client(), 'hour', [TEN], roll);
    await runAll(client(), rollDay(DAY, roll));
    await runAll(client(), rollOutcomes(DAY, roll));
    if (withHeads) await writeHeads(client(), 'day', [DAY], roll);
    if (withHeads) await writeHeads(client(), 'outcome_day', [DAY], roll);
  }

  const rollsIn = async (table: string): Promise<bigint[]> => {
    const rows = await database.rows<{ roll: string }>(
      `SELECT DISTINCT toString(roll_id) AS roll FROM ${table} ORDER BY roll_id`,
    );
    return rows.map(({ roll }) => BigInt(roll));
  };
  const everywhere = async (): Promise<unknown> => {
    const tables = [
      'usage_by_minute',
      'usage_by_hour',
      'session_minutes',
      'usage_by_day_user',
      'usage_by_day_model',
      'attendance_by_day',
      'outcomes_by_day',
    ];
    const found = await Promise.all(tables.map(rollsIn));
    return new Set(found.map((rolls) => rolls.join()));
  };

  it('deletes from every table what was headless long ago and still is, whatever the time in its id', async () => {
    await store();
    const [abandoned, head] = [rollIdOf(8, Date.now() + 86_400_000, 5), rollIdOf(9, 1, 0)];
    const sweeper = new Sweeper(client(), LONG_AGO_MS);
    await rollAll(abandoned, true);
    await rollAll(head, true);
    await sweeper.sweep(() => 0, 0);
    expect(await everywhere()).toEqual(new Set([`${abandoned},${head}`]));
    await sweeper.sweep(() => LONG_AGO_MS - 1, 0);
    expect(await everywhere()).toEqual(new Set([`${abandoned},${head}`]));
    await sweeper.sweep(() => LONG_AGO_MS, 0);
    expect(await everywhere()).toEqual(new Set([`${head}`]));
  });

  it('keeps what an attempt that is under way has written, and a former head that a reader may still hold', async () => {
    await store();
    const [former, head, underWay] = [rollIdOf(1, 1, 0), rollIdOf(2, 1, 0), rollIdOf(3, 1, 0)];
    const sweeper = new Sweeper(client(), LONG_AGO_MS);
    await rollAll(former, true);
    await sweeper.sweep(() => 0, 0);
    await rollAll(head, true);
    await rollAll(underWay, false);
    await sweeper.sweep(() => LONG_AGO_MS, 0);
    expect(await rollsIn('usage_by_hour')).toEqual([former, head, underWay]);
    // It became the head after it was seen without one.
    await writeHeads(client(), 'hour', [TEN], underWay);
    await sweeper.sweep(() => 2 * LONG_AGO_MS, 0);
    expect(await rollsIn('usage_by_hour')).toEqual([head, underWay]);
    await sweeper.sweep(() => 3 * LONG_AGO_MS, 0);
    expect(await rollsIn('usage_by_hour')).toEqual([underWay]);
  });

  it('keeps for its readers what became a head after it was seen without one, and is none again', async () => {
    await store();
    const [first, passing, last] = [rollIdOf(1, 1, 0), rollIdOf(2, 1, 0), rollIdOf(3, 1, 0)];
    const sweeper = new Sweeper(client(), LONG_AGO_MS);
    await rollAll(first, true);
    await rollAll(passing, false);
    await sweeper.sweep(() => 0, 0);
    for (const grain of ['minute', 'hour'] as const) await writeHeads(client(), grain, [TEN], passing);
    for (const grain of ['day', 'outcome_day'] as const) await writeHeads(client(), grain, [DAY], passing);
    await rollAll(last, true);
    await sweeper.sweep(() => LONG_AGO_MS, 0);
    expect(await everywhere()).toEqual(new Set([`${first},${passing},${last}`]));
    await sweeper.sweep(() => 2 * LONG_AGO_MS, 0);
    expect(await everywhere()).toEqual(new Set([`${last}`]));
  });

  it('leaves a table alone while an earlier deletion from it is under way', async () => {
    await store();
    const [former, head] = [rollIdOf(1, 1, 0), rollIdOf(2, 1, 0)];
    const sweeper = new Sweeper(client(), LONG_AGO_MS);
    await rollAll(former, true);
    await rollAll(head, true);
    await sweeper.sweep(() => 0, 0);
    await client().command({ query: 'SYSTEM STOP MERGES usage_by_hour' });
    await client().command({
      query: "DELETE FROM usage_by_hour WHERE user_id = 'nobody'",
      clickhouse_settings: { lightweight_deletes_sync: '0' },
    });
    await sweeper.sweep(() => LONG_AGO_MS, 0);
    expect(await rollsIn('usage_by_hour')).toEqual([former, head]);
    expect(await rollsIn('usage_by_day_user')).toEqual([head]);
    await client().command({ query: 'SYSTEM START MERGES usage_by_hour' });
    while (
      (await database.rows('SELECT 1 FROM system.mutations WHERE NOT is_done AND database = currentDatabase()'))
        .length > 0
    );
    await sweeper.sweep(() => 2 * LONG_AGO_MS, 0);
    expect(await rollsIn('usage_by_hour')).toEqual([head]);
  });

  it('deletes what was given up before it had a head', async () => {
    await store();
    const [head, abandoned] = [rollIdOf(1, 1, 0), rollIdOf(2, 1, 0)];
    const sweeper = new Sweeper(client(), LONG_AGO_MS);
    await rollAll(head, true);
    await rollAll(abandoned, false);
    await sweeper.sweep(() => 0, 0);
    await sweeper.sweep(() => LONG_AGO_MS, 0);
    expect(await everywhere()).toEqual(new Set([`${head}`]));
  });

  it('deletes a roll for one bucket and keeps it for another, whose head it is', async () => {
    const NEXT = TEN + HOUR;
    await store();
    await store(HOUR);
    const [first, second] = [rollIdOf(1, 1000, 0), rollIdOf(2, 1000, 0)];
    await runAll(client(), rollHours([TEN, NEXT], first));
    await writeHeads(client(), 'hour', [TEN, NEXT], first);
    await runAll(client(), rollHours([TEN], second));
    await writeHeads(client(), 'hour', [TEN], second);
    await deleteRolls(client(), await headlessRolls(client()));
    const rows = await database.rows<{ hour: number; roll: string }>(
      'SELECT toUnixTimestamp(hour) AS hour, toString(roll_id) AS roll FROM usage_by_hour ORDER BY hour',
    );
    expect(rows).toEqual([
      { hour: TEN, roll: String(second) },
      { hour: NEXT, roll: String(first) },
    ]);
  });

  it('deletes no head, though it was headless when it was looked at', async () => {
    await store();
    const roll = rollIdOf(1, 1, 0);
    await rollAll(roll, false);
    const seen = await headlessRolls(client());
    await writeHeads(client(), 'hour', [TEN], roll);
    await deleteRolls(client(), seen);
    expect(await rollsIn('usage_by_hour')).toEqual([roll]);
    expect(await rollsIn('usage_by_minute')).toEqual([]);
  });

  it('deletes more rolls than one statement can name', async () => {
    await store();
    await client().command({
      query: `INSERT INTO usage_by_hour (hour, roll_id, user_id) SELECT toDateTime(${TEN}, 'UTC'), number + 1, 'u' FROM numbers(4500)`,
    });
    await deleteRolls(client(), await headlessRolls(client()));
    expect(await rollsIn('usage_by_hour')).toEqual([]);
  });

  it('drops the minutes, and their heads, of hours that were closed long ago, and no others', async () => {
    for (const seconds of [-60, 0, 3599, HOUR]) await store(seconds);
    const minutes = [TEN - 60, TEN, TEN + HOUR - 60, TEN + HOUR];
    await runAll(client(), rollMinutes(minutes, rollIdOf(1, 1000, 0)));
    await writeHeads(client(), 'minute', minutes, rollIdOf(1, 1000, 0));
    const left = async () =>
      Promise.all(
        ['SELECT minute AS m FROM usage_by_minute', "SELECT bucket AS m FROM roll_heads WHERE grain = 'minute'"].map(
          async (query) =>
            (await database.rows<{ m: number }>(`SELECT toUnixTimestamp(m) AS m FROM (${query}) ORDER BY m`)).map(
              ({ m }) => m,
            ),
        ),
      );
    await writeClosure(client(), 'hour', TEN + HOUR);
    const sweeper = new Sweeper(client(), LONG_AGO_MS);
    await sweeper.sweep(() => 0, TEN);
    await sweeper.sweep(() => LONG_AGO_MS, TEN + HOUR);
    expect(await left()).toEqual([minutes.slice(1), minutes.slice(1)]);
    await sweeper.sweep(() => 2 * LONG_AGO_MS, TEN + HOUR);
    expect(await left()).toEqual([minutes.slice(3), minutes.slice(3)]);
    expect(await dropMinutesBefore(client(), TEN + HOUR)).toBe(0);
  });
});
