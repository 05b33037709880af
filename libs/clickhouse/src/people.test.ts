import fc from 'fast-check';
import { outcomeEvent, usageEvent } from '@laurel/usage/fixture';
import { recordErasure, sweepErased, userHashOf } from './erasures.js';
import { OutcomeRows } from './outcome-rows.js';
import {
  choiceVersions,
  everybody,
  greatestChoiceVersion,
  hiddenAmong,
  isGuarded,
  writeChoices,
  writePeopleDefault,
  type ChoiceRow,
} from './people.js';
import { rollIdOf, rollOutcomes, runAll, writeHeads } from './projections.js';
import { Roller } from './roller.fixture.js';
import { TestDatabase } from './test-database.fixture.js';

const PEOPLE = ['u-1', 'u-2', 'ü-3', "o'4"];
const choices = fc.record({
  visibility: fc.constantFrom('name' as const, 'handle' as const, 'hidden' as const),
  figures: fc.constantFrom('exact' as const, 'rounded' as const, 'bands' as const),
  changed_at: fc.constant<number>(1_790_000_000_123),
});
type Choice = typeof choices extends fc.Arbitrary<infer C> ? C : never;

describe('people’s choices in the tables', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  beforeEach(() => database.truncate(['people_choices', 'erasures', 'usage_by_hour']));
  afterAll(() => database.drop());

  const guarded = async (): Promise<ReadonlySet<string>> => {
    const rows = await database.rows<{ user_id: string }>(
      `SELECT user_id FROM (SELECT arrayJoin({users:Array(String)}) AS user_id) WHERE ${isGuarded()}`,
      { users: PEOPLE },
    );
    return new Set(rows.map(({ user_id }) => user_id));
  };
  const isHiding = ({ visibility }: Pick<Choice, 'visibility'>): boolean => visibility === 'hidden';
  const isGuarding = (choice: Pick<Choice, 'visibility' | 'figures'>): boolean =>
    isHiding(choice) || choice.figures !== 'exact';

  it('say who is hidden and who is guarded, by the last version of each, whatever the order, repetition and default', async () => {
    const logs = fc.array(fc.record({ user: fc.constantFrom(...PEOPLE), choice: fc.option(choices) }), {
      maxLength: 10,
    });
    const standards = fc.option(
      fc.record({
        visibility: fc.constantFrom('handle' as const, 'hidden' as const),
        figures: choices.map((one) => one.figures),
      }),
    );
    await fc.assert(
      fc.asyncProperty(standards, logs, fc.infiniteStream(fc.nat()), async (standard, log, random) => {
        await database.truncate(['people_choices']);
        if (standard !== null) await writePeopleDefault(database.client, standard, 5);
        const rows = log.map(({ user, choice }, offset): ChoiceRow => ({ userId: user, choice, version: 2 * offset }));
        const shuffled = [...rows, ...rows.slice(0, 2)]
          .map((row) => ({ row, at: random.next().value as number }))
          .sort((a, b) => a.at - b.at);
        // In several inserts, so that there are parts to be merged or not.
        for (const { row } of shuffled.slice(0, 4)) await writeChoices(database.client, [row]);
        await writeChoices(
          database.client,
          shuffled.slice(4).map(({ row }) => row),
        );

        const last = (user: string) => rows.findLast(({ userId }) => userId === user)?.choice ?? standard;
        const those = (isOne: (choice: Choice) => boolean) =>
          new Set(
            PEOPLE.filter((user) => isOne({ visibility: 'handle', figures: 'exact', changed_at: 0, ...last(user) })),
          );
        expect(await hiddenAmong(database.client, PEOPLE)).toEqual(those(isHiding));
        expect(await guarded()).toEqual(those(isGuarding));
        expect(await greatestChoiceVersion(database.client)).toBe(rows.at(-1)?.version ?? -1);
        const present = PEOPLE.flatMap((user) => {
          const row = rows.findLast(({ userId }) => userId === user);
          return row === undefined || row.choice === null ? [] : [[user, row.version] as const];
        });
        expect(await choiceVersions(database.client)).toEqual(new Map(present));
      }),
      { numRuns: 25 },
    );
  });

  it('keep the time of a change to the millisecond, and write a default only when it changes', async () => {
    await writeChoices(database.client, [
      { userId: 'u-1', choice: { visibility: 'name', figures: 'bands', changed_at: 1_790_000_000_123 }, version: 4 },
    ]);
    for (const nowMs of [10, 20])
      await writePeopleDefault(database.client, { visibility: 'hidden', figures: 'exact' }, nowMs);
    expect(
      await database.rows(
        'SELECT user_id, toString(visibility) AS visibility, toUnixTimestamp64Milli(changed_at) AS at FROM people_choices FINAL ORDER BY user_id',
      ),
    ).toEqual([
      { user_id: '', visibility: 'hidden', at: '10' },
      { user_id: 'u-1', visibility: 'name', at: '1790000000123' },
    ]);
  });

  it('take people off the board, who still count in every sum, and go with an erased person', async () => {
    const now = Math.floor(Date.now() / 1000);
    const hour = now - (now % 3600) - 7200;
    const roller = new Roller(database, hour - (hour % 86_400), now);
    await roller.begin();
    const events = PEOPLE.map((user_id) => usageEvent({ user_id, event_id: user_id, occurred_at: hour * 1000 }));
    await roller.take({ events, closeHours: 0, closeDays: false });
    const outcomes = new OutcomeRows();
    for (const user_id of [...PEOPLE, 'only-outcomes'])
      outcomes.push(outcomeEvent({ event_id: user_id, user_id, occurred_at: hour * 1000 }), {
        offset: 0,
        timestampMs: 0,
      });
    await outcomes.insert(database.client, 't', [{ partition: 0, rows: outcomes.length }]);
    const day = hour - (hour % 86_400);
    await runAll(database.client, rollOutcomes(day, rollIdOf(1, 1, 0)));
    await writeHeads(database.client, 'outcome_day', [day], rollIdOf(1, 1, 0));
    const makers = async () =>
      (await database.rows<{ user_id: string }>('SELECT user_id FROM outcomes_30d WHERE commits = 1')).map(
        (row) => row.user_id,
      );
    const board = async () =>
      (await database.rows<{ user_id: string }>('SELECT user_id FROM leaderboard_30d')).map((row) => row.user_id);
    const count = () => database.rows('SELECT sum(events) AS events, uniqExact(user_id) AS people FROM usage');
    const all = await board();
    expect([...all].sort()).toEqual([...PEOPLE].sort());
    expect((await makers()).sort()).toEqual([...PEOPLE, 'only-outcomes'].sort());
    expect(new Set(await everybody(database.client))).toEqual(new Set([...PEOPLE, 'only-outcomes']));
    const before = await count();

    const hide = { visibility: 'hidden' as const, figures: 'exact' as const, changed_at: 1 };
    await writeChoices(
      database.client,
      ['u-1', "o'4"].map((userId, offset) => ({ userId, choice: hide, version: offset })),
    );
    expect(await board()).toEqual(all.filter((user) => user !== 'u-1' && user !== "o'4"));
    expect(await makers()).not.toContain('u-1');
    expect(await makers()).toHaveLength(PEOPLE.length - 1);
    await writePeopleDefault(database.client, { visibility: 'hidden', figures: 'exact' }, 1);
    expect(await board()).toEqual([]);
    await writeChoices(database.client, [{ userId: 'ü-3', choice: { ...hide, visibility: 'handle' }, version: 9 }]);
    expect(await board()).toEqual(['ü-3']);
    expect(await makers()).toEqual(['ü-3']);
    expect(await count()).toEqual(before);

    await recordErasure(database.client, userHashOf('u-1'));
    expect((await sweepErased(database.client)).get('people_choices')).toBe(1);
    expect([...(await choiceVersions(database.client)).keys()].sort()).toEqual(["o'4", 'ü-3']);
  });
});
