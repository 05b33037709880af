import fc from 'fast-check';
import type { JsonObject, UsageEvent } from '@laurel/events';
import { signalIds, signalsOf, type Signal } from '@laurel/fair-play';
import { deduplicate, type Day } from '@laurel/usage';
import { usageEvent } from '@laurel/usage/fixture';
import { recordErasure, sweepErased, userHashOf } from '../erasures.js';
import { readFiguresVersion } from '../figures-version.js';
import { readClosures, rollIdOf } from '../projections.js';
import { Roller } from '../roller.fixture.js';
import { Sweeper } from '../sweep.js';
import { TestDatabase } from '../test-database.fixture.js';
import { flaggedUsage, readFlags, writeReview, type Flag } from './flags.js';
import { computeSignals, staleSignals, type StalePart } from './signal-heads.js';

const DAY_MS = 86_400_000;
const HOUR_MS = DAY_MS / 24;
const MINUTE_MS = HOUR_MS / 60;
/** The last closed day. */
const LAST = Math.floor(Date.UTC(2026, 4, 14) / DAY_MS) as Day;
const FIRST = (LAST - 1) as Day;
const PEOPLE = ['u-1', 'u-2', 'u-3', 'u-4', 'u-5', 'ü-6'];

/** Calls of one person, as what they do on the last closed day or from the day before on; `event_id` and `user_id` are set later. */
type Habit = readonly JsonObject[];

const at = (minute: number): number => LAST * DAY_MS + minute * MINUTE_MS;
const range = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);
const times = (count: number, call: (index: number) => JsonObject): Habit =>
  Array.from({ length: count }, (_, index) => call(index));

/** Each near the bounds of a signal, on both sides of them. */
const habit: fc.Arbitrary<Habit> = fc.oneof(
  // Agents for some hours, the person asking in one of them or in none.
  fc
    .tuple(
      fc.integer({ min: -30, max: 19 }),
      fc.integer({ min: 3, max: 6 }),
      fc.constantFrom(200_000, 250_000, 400_000),
      fc.nat(12),
    )
    .map(([first, hours, input, asked]) => [
      ...times(hours, (index) => ({
        occurred_at: at((first + index) * 60 + 7),
        origin: 'subagent',
        tokens: { input },
      })),
      ...times(asked < hours ? 1 : 0, () => ({ occurred_at: at((first + asked) * 60 + 50), tokens: { output: 1 } })),
    ]),
  // Own calls at a pace, in changing sessions.
  fc
    .tuple(fc.integer({ min: -1500, max: 700 }), fc.constantFrom(19, 20, 20, 21), fc.integer({ min: 29, max: 32 }))
    .map(([first, pace, calls]) =>
      times(calls, (index) => ({
        occurred_at: at(first + index * pace) + index,
        session_id: [null, 's-1', 's-2'][index % 3] ?? null,
        tokens: { input: 5 },
      })),
    ),
  fc
    .integer({ min: 16, max: 19 })
    .map((hours) => times(hours, (index) => ({ occurred_at: at(index * 60), tokens: { input: 3 } }))),
  fc
    .tuple(fc.constantFrom(9_999_999, 10_000_000, 10_000_001), fc.constantFrom(0, 19_999, 20_000, 20_001))
    .map(([cache_read, output]) => [{ occurred_at: at(600), tokens: { cache_read, output } }]),
  fc
    .tuple(fc.integer({ min: 4, max: 6 }), fc.constantFrom(0, 9, 10))
    .map(([models, input]) => [
      { occurred_at: at(500), model: 'big', tokens: { input: 1000 - models * input } },
      ...times(models, (index) => ({ occurred_at: at(501), model: `tiny-${index}`, tokens: { input } })),
    ]),
  fc
    .tuple(fc.integer({ min: 29, max: 31 }), fc.constantFrom('a', 'b', 'ß'), fc.constantFrom(999, 1000, 1500))
    .map(([calls, model, input]) =>
      times(calls, (index) => ({ occurred_at: at(400 + index), model, tokens: { input } })),
    ),
  fc
    .tuple(fc.integer({ min: 29, max: 31 }), fc.constantFrom(300, 301))
    .map(([calls, minute]) => times(calls, (index) => ({ occurred_at: at(minute), tokens: { input: index } }))),
  // A usual day of about a million, on some days of the last five weeks, and another one today.
  fc
    .tuple(
      fc.subarray([1, 2, 3, 4, 5, 20, 28, 29], { minLength: 4 }),
      fc.constantFrom(9_999_999, 10_000_000, 15_000_000),
      fc.constantFrom(null, 'red', 'blue'),
    )
    .map(([daysAgo, input, team]) => [
      { occurred_at: at(610), team, tokens: { input } },
      ...daysAgo.map((ago) => ({ occurred_at: at(620 - ago * 1440), tokens: { input: 1_000_000 + ago * 1000 } })),
    ]),
  fc
    .constantFrom(
      'x-20260514',
      'x-20260515',
      'x-2026-05-16',
      'y@20270101',
      'x-20261301',
      'vendor.x-20260601-v1:0',
      'z-202606011',
    )
    .map((model) => [{ occurred_at: at(700), model, tokens: { input: 1 } }]),
  fc.constantFrom('red', 'blue').map((team) => [{ occurred_at: at(800), team, tokens: { input: 1_200_000 } }]),
  fc
    .constantFrom('error', 'cancelled')
    .map((status) => times(40, () => ({ occurred_at: at(900), status, tokens: { input: 2e6 } }))),
  fc.constant(times(40, () => ({ occurred_at: at(901), origin: 'auxiliary', tokens: { cache_read: 2e6 } }))),
);

const drawn: fc.Arbitrary<readonly UsageEvent[]> = fc
  .tuple(...PEOPLE.map((user) => fc.array(habit, { maxLength: 3 }).map((habits) => ({ user, habits }))))
  .map((people) =>
    people.flatMap(({ user, habits }) =>
      habits
        .flat()
        .map((fields, index) => usageEvent({ event_id: `e-${index}`, user_id: user, origin: 'main', ...fields })),
    ),
  );

/** One person of each signal, as what is drawn may leave one out. */
const everySignal: readonly UsageEvent[] = [
  ...range(4).map((hour) => ({ occurred_at: at(hour * 60), origin: 'subagent', tokens: { input: 250_000 } })),
  ...range(31).map((call) => ({ user_id: 'u-2', occurred_at: at(call * 20), tokens: { input: call } })),
  ...range(18).map((hour) => ({ user_id: 'u-3', occurred_at: at(hour * 60), tokens: { input: hour } })),
  { user_id: 'u-4', occurred_at: at(1), tokens: { cache_read: 10_000_000 } },
  ...range(6).map((index) => ({
    user_id: 'u-5',
    occurred_at: at(2),
    model: `m-${index}`,
    tokens: { input: index === 0 ? 1_000_000 : 1 },
  })),
  ...range(30).map((call) => ({ user_id: 'ü-6', occurred_at: at(call), tokens: { input: 1000 } })),
  ...range(30).map((call) => ({ user_id: 'u-7', occurred_at: at(3), tokens: { input: call } })),
  ...range(6).map((ago) => ({
    user_id: 'u-8',
    occurred_at: at(4 - ago * 1440),
    tokens: { input: ago === 0 ? 10_000_000 : 1_000_000 },
  })),
  { user_id: 'u-9', occurred_at: at(5), model: 'x-20270101', tokens: { input: 1 } },
].map((fields, index) => usageEvent({ event_id: `every-${index}`, user_id: 'u-1', origin: 'main', ...fields }));

describe('the signals of a closed day', () => {
  let database: TestDatabase;
  let attempts = 0;
  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  beforeEach(() => database.truncate());
  afterAll(() => database.drop());

  const record = async (events: readonly UsageEvent[]): Promise<Roller> => {
    const roller = new Roller(database, FIRST * 86_400, (LAST + 1) * 86_400);
    await roller.begin();
    await roller.take({ events, closeHours: 48, closeDays: true });
    return roller;
  };
  const stale = async (): Promise<readonly StalePart[]> =>
    staleSignals(database.client, (await readClosures(database.client)).day);
  const compute = async (part: StalePart): Promise<void> => {
    attempts += 1;
    await computeSignals(database.client, part, rollIdOf(-1, Date.now(), attempts));
  };
  const computeAll = async (): Promise<void> => {
    for (const part of await stale()) await compute(part);
    expect(await stale()).toEqual([]);
  };
  const flags = (first: Day = (LAST - 40) as Day): Promise<readonly Flag[]> =>
    readFlags(database.client, { first, last: LAST });
  const inOrder = (signals: readonly Signal[]): readonly string[] =>
    signals.map((one) => JSON.stringify([one.day, one.userId, one.signal, Object.entries(one.evidence).sort()])).sort();

  it('equal the definition’s, on every closed day', async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(drawn, async (events) => {
        await database.truncate();
        await record(events);
        await computeAll();
        const log = deduplicate(events);
        const days = new Set(log.map(({ occurred_at }) => Math.floor(occurred_at / DAY_MS)));
        const expected = [...days].filter((day) => day <= LAST).flatMap((day) => signalsOf(log, day as Day));
        expect(inOrder(await flags())).toEqual(inOrder(expected));
        for (const { signal } of expected) seen.add(signal);
      }),
      { numRuns: 10, examples: [[everySignal]], endOnFailure: true },
    );
    expect([...seen].sort()).toEqual([...signalIds].sort());
  });

  const bulk = (user_id: string, day: Day, count = 30): readonly UsageEvent[] =>
    times(count, (index) => ({ occurred_at: day * DAY_MS + 5, tokens: { input: index } })).map((fields, index) =>
      usageEvent({ event_id: `${day}-${index}`, user_id, origin: 'main', ...fields }),
    );

  it('are computed again where something late came, with whatever looks back at that day, and nothing else', async () => {
    const roller = await record([...bulk('u-1', LAST), ...bulk('u-2', FIRST, 29)]);
    await computeAll();
    expect((await flags()).map(({ userId, signal }) => [userId, signal])).toEqual([['u-1', 'same_instant']]);
    const late = usageEvent({ event_id: 'late', user_id: 'u-2', origin: 'main', occurred_at: FIRST * DAY_MS + 5 });
    await roller.take({ events: [late], closeHours: 0, closeDays: false });
    const waiting = (await stale()).map(({ part, day }) => `${part} ${day - LAST}`);
    expect(waiting.sort()).toEqual(['days -1', 'history -1', 'history 0', 'hours -1', 'hours 0', 'log -1']);
    await computeAll();
    expect((await flags()).map(({ userId, signal }) => [userId, signal])).toEqual([
      ['u-1', 'same_instant'],
      ['u-2', 'same_instant'],
    ]);
  });

  it('begin with what was never computed, the newest day first, and go on with what was computed the longest ago', async () => {
    const roller = await record(bulk('u-1', FIRST));
    const days = async (): Promise<readonly number[]> => [...new Set((await stale()).map(({ day }) => day - LAST))];
    // A day without events that was closed has a head as well.
    expect(await days()).toEqual([0, -1]);
    for (const part of (await stale()).filter(({ day }) => day === FIRST)) await compute(part);
    await computeAll();
    const late = usageEvent({ event_id: 'late', user_id: 'u-2', origin: 'main', occurred_at: FIRST * DAY_MS + 5 });
    await roller.take({ events: [late], closeHours: 0, closeDays: false });
    expect(await days()).toEqual([-1, 0]);
  });

  it('are those of the latest attempt, whichever wrote its head last, and older rolls are swept', async () => {
    const roller = await record(bulk('u-1', LAST));
    const [before] = (await stale()).filter(({ part, day }) => part === 'log' && day === LAST);
    if (before === undefined) throw new Error('nothing is to be computed');
    await roller.take({
      events: bulk('u-1', LAST)
        .slice(0, 1)
        .map((event) => ({ ...event, revision: 1, retracted: true })),
      closeHours: 0,
      closeDays: false,
    });
    await computeAll();
    expect(await flags()).toEqual([]);
    // A twin that read the log before the retraction, and stood still.
    await database.client.command({
      query: `INSERT INTO fair_play_signals SELECT toDate(${LAST}), 'log', 7, 'u-1', 'same_instant', map('calls', '30')`,
    });
    await database.client.insert({
      table: 'fair_play_heads',
      format: 'JSONEachRow',
      values: [{ day: LAST, part: 'log', roll_id: '7', rests_on: before.restsOn }],
    });
    expect(await flags()).toEqual([]);
    expect(await stale()).toEqual([]);
    const sweeper = new Sweeper(database.client, 1);
    await sweeper.sweep(() => 0, 0);
    await sweeper.sweep(() => 1, 0);
    expect(await database.rows('SELECT * FROM fair_play_signals')).toEqual([]);
  });

  it('are none of people who were erased, though their rolls are still there', async () => {
    await record([
      ...bulk('u-1', LAST),
      ...bulk('u-2', LAST),
      ...times(18, (hour) => ({ hour })).map(({ hour }) =>
        usageEvent({
          event_id: `h-${String(hour)}`,
          user_id: 'u-1',
          origin: 'main',
          occurred_at: LAST * DAY_MS + Number(hour) * HOUR_MS,
        }),
      ),
    ]);
    await recordErasure(database.client, userHashOf('u-1'));
    await computeAll();
    expect((await flags()).map(({ userId, signal }) => [userId, signal])).toEqual([['u-2', 'same_instant']]);
  });

  it('can be asked for by person, signal and number', async () => {
    await record([...bulk('u-1', LAST), ...bulk('u-2', LAST), ...bulk('u-2', FIRST)]);
    await computeAll();
    const read = async (selection: Partial<Parameters<typeof readFlags>[1]>): Promise<unknown> =>
      (await readFlags(database.client, { first: FIRST, last: LAST, ...selection })).map(({ userId, day }) => [
        userId,
        day - LAST,
      ]);
    expect(await read({})).toEqual([
      ['u-1', 0],
      ['u-2', 0],
      ['u-2', -1],
    ]);
    expect(await read({ userId: 'u-2', limit: 1 })).toEqual([['u-2', 0]]);
    expect(await read({ first: LAST, signals: ['same_instant'] })).toEqual([
      ['u-1', 0],
      ['u-2', 0],
    ]);
    expect(await read({ signals: ['spike'] })).toEqual([]);
  });

  it('have the latest review of the person’s day beside them, and flag no usage that counts by it', async () => {
    await record([...bulk('u-1', LAST), ...bulk('u-2', LAST)]);
    await computeAll();
    const reviews = async (): Promise<unknown> => (await flags()).map(({ userId, review }) => [userId, review]);
    const flagged = async (): Promise<number> =>
      (await flaggedUsage(database.client, ['same_instant'], LAST, LAST)).personDays;
    expect([await reviews(), await flagged()]).toEqual([
      [
        ['u-1', null],
        ['u-2', null],
      ],
      2,
    ]);
    const ofOne = (await flags()).filter(({ userId }) => userId === 'u-1');
    const version = await readFiguresVersion(database.client);
    await writeReview(database.client, ofOne, { counts: true, reason: 'a batch' });
    expect([await reviews(), await flagged()]).toEqual([
      [
        ['u-1', { counts: true, reason: 'a batch' }],
        ['u-2', null],
      ],
      1,
    ]);
    const counted = await readFiguresVersion(database.client);
    expect(counted).not.toBe(version);
    await writeReview(database.client, ofOne, { counts: false, reason: 'no batch' });
    expect([(await flags())[0]?.review, await flagged()]).toEqual([{ counts: false, reason: 'no batch' }, 2]);
    expect(await readFiguresVersion(database.client)).not.toBe(counted);
    await recordErasure(database.client, userHashOf('u-1'));
    expect((await sweepErased(database.client)).get('fair_play_reviews')).toBeGreaterThan(0);
  });
});
