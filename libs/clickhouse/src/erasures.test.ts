import { outcomeEvent, usageEvent } from '@laurel/usage/fixture';
import { daysOfUser, deleteErased, erasedRows, Erasures, recordErasure, userHashOf } from './erasures.js';
import { OutcomeRows } from './outcome-rows.js';
import { rollIdOf, rollOutcomes, runAll, writeHeads } from './projections.js';
import { Roller } from './roller.fixture.js';
import { TestDatabase } from './test-database.fixture.js';

const HOUR = 3600;
const DAY = Date.UTC(2026, 4, 14) / 1000;

describe('an erased person', () => {
  let database: TestDatabase;
  const client = () => database.client;

  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  beforeEach(() => database.truncate());
  afterAll(() => database.drop());

  const at = (hour: number, minute: number, user_id: string) =>
    usageEvent({
      event_id: `${user_id}-${hour}-${minute}`,
      user_id,
      session_id: `s-${user_id}`,
      occurred_at: (DAY + hour * HOUR + minute * 60) * 1000,
    });

  /** Two people, a closed day and an open hour after it. */
  async function rolled(): Promise<Roller> {
    const roller = new Roller(database, DAY, DAY + 26 * HOUR);
    await roller.begin();
    const events = [1, 25].flatMap((hour) => [at(hour, 5, 'ada'), at(hour, 7, 'ada'), at(hour, 5, 'bo')]);
    await roller.take({ events, closeHours: 25, closeDays: true });
    return roller;
  }

  /** An outcome of each of the two, on the first day. */
  async function withOutcomes(serial = 1): Promise<void> {
    const rows = new OutcomeRows();
    for (const user_id of ['ada', 'bo'])
      rows.push(outcomeEvent({ event_id: user_id, user_id, occurred_at: (DAY + HOUR) * 1000 }), {
        offset: 0,
        timestampMs: 0,
      });
    await rows.insert(client(), 't', [{ partition: 0, rows: rows.length }]);
    await rollTheOutcomes(serial);
  }
  async function rollTheOutcomes(serial: number): Promise<void> {
    const id = rollIdOf(serial, 1, 0);
    await runAll(client(), rollOutcomes(DAY, id));
    await writeHeads(client(), 'outcome_day', [DAY], id);
  }

  const everybody = async (): Promise<unknown> => {
    const views = ['usage', 'usage_by_day', 'model_usage_by_day', 'session_activity', 'attendance', 'outcomes'];
    const rows = await Promise.all(
      views.map((view) => database.rows<{ user_id: string }>(`SELECT DISTINCT user_id FROM ${view} ORDER BY user_id`)),
    );
    return Object.fromEntries(views.map((view, index) => [view, rows[index]?.map(({ user_id }) => user_id)]));
  };
  const only = (...users: string[]) => ({
    usage: users,
    usage_by_day: users,
    model_usage_by_day: users,
    session_activity: users,
    attendance: users,
    outcomes: users.filter((user) => user !== 'cy'),
  });

  it('is known by the hash of the pseudonym, to the server and to a process, as soon as it asks', async () => {
    const erasures = new Erasures(client());
    await erasures.refresh();
    expect(erasures.has('ada')).toBe(false);
    await recordErasure(client(), userHashOf('ada'));
    await recordErasure(client(), userHashOf('ada'));
    await erasures.refresh();
    expect([erasures.has('ada'), erasures.has('bo')]).toEqual([true, false]);
    expect(await database.rows("SELECT user_hash = SHA256('ada') AS same FROM erasures FINAL")).toEqual([{ same: 1 }]);
    await recordErasure(client(), userHashOf('ünï'));
    await erasures.refresh();
    expect(erasures.has('ünï')).toBe(true);
    expect(await database.rows("SELECT count() AS n FROM erasures FINAL WHERE user_hash = SHA256('ünï')")).toEqual([
      { n: '1' },
    ]);
  });

  it('is left out of every roll, though the events are still there', async () => {
    const roller = await rolled();
    await withOutcomes();
    expect(await everybody()).toEqual(only('ada', 'bo'));
    await recordErasure(client(), userHashOf('ada'));
    // Any later touch of a bucket is enough.
    await roller.take({ events: [at(1, 5, 'cy'), at(25, 5, 'cy'), at(25, 7, 'cy')], closeHours: 0, closeDays: false });
    await rollTheOutcomes(2);
    expect(await everybody()).toEqual(only('bo', 'cy'));
    expect(await database.rows("SELECT count() AS n FROM usage_events FINAL WHERE user_id = 'ada'")).toEqual([
      { n: '4' },
    ]);
  });

  it('is found wherever rows are left, and deleted from there', async () => {
    await rolled();
    await withOutcomes();
    expect(await erasedRows(client())).toEqual([]);
    await recordErasure(client(), userHashOf('ada'));
    const found = await erasedRows(client());
    expect(new Set(found.map(({ table }) => table))).toEqual(
      new Set([
        'usage_events',
        'usage_by_minute',
        'usage_by_hour',
        'usage_by_day_user',
        'usage_by_day_model',
        'session_minutes',
        'attendance_by_day',
        'outcome_events',
        'outcomes_by_day',
      ]),
    );
    for (const { table } of found) await deleteErased(client(), table);
    expect(await erasedRows(client())).toEqual([]);
    expect(await everybody()).toEqual(only('bo'));
    expect(await database.rows('SELECT DISTINCT user_id FROM usage_events')).toEqual([{ user_id: 'bo' }]);
  });

  it('touched these minutes, of which every bucket is to be rolled again', async () => {
    await rolled();
    const day = DAY / 86_400;
    expect(await daysOfUser(client(), 'nobody')).toEqual([]);
    const minutes = await daysOfUser(client(), 'ada');
    expect(minutes.map((one) => one.day)).toEqual([day, day + 1]);
    expect(minutes[0]?.minutes).toEqual(expect.arrayContaining([65, 67]));
    expect(minutes[1]?.minutes).toEqual(expect.arrayContaining([65, 67]));
    // Where the events were deleted already, the rolls still tell.
    await client().command({
      query: "ALTER TABLE usage_events DELETE WHERE user_id = 'ada' SETTINGS mutations_sync = 2",
    });
    expect((await daysOfUser(client(), 'ada')).map((one) => one.day)).toEqual([day, day + 1]);
  });

  it('touched these days’ outcomes, also where only a roll has them', async () => {
    await withOutcomes();
    const day = { day: DAY / 86_400, minutes: [], outcomes: true };
    expect(await daysOfUser(client(), 'ada')).toEqual([day]);
    await client().command({
      query: "ALTER TABLE outcome_events DELETE WHERE user_id = 'ada' SETTINGS mutations_sync = 2",
    });
    expect(await daysOfUser(client(), 'ada')).toEqual([day]);
    await rolled();
    expect((await daysOfUser(client(), 'ada')).map(({ outcomes }) => outcomes)).toEqual([true, false]);
  });
});
