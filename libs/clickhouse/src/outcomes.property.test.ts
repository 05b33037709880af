import fc from 'fast-check';
import { outcomeKindValues, type JsonObject, type OutcomeEvent } from '@laurel/events';
import { dayKey, dayOf, deduplicateOutcomes, outcomesByDay } from '@laurel/usage';
import { outcomeEvent } from '@laurel/usage/fixture';
import { dayFigures, suspectsOf } from './audit/index.js';
import { takeOutcomes } from './outcomes.fixture.js';
import { readClosures, SECONDS_PER } from './projections.js';
import { TestDatabase } from './test-database.fixture.js';

const FIRST = Date.UTC(2026, 4, 14);

const anIdentity = fc.record({
  event_id: fc.constantFrom('a', 'b'),
  source: fc.constantFrom('x', 'y'),
  user_id: fc.constantFrom('u-1', 'u-2', 'ü-3'),
  occurred_at: fc.constantFrom(0, 1, 86_399_999, 86_400_000, 2 * 86_400_000).map((ms) => FIRST + ms),
});
const contents = fc.record({
  revision: fc.nat(2),
  retracted: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  team: fc.constantFrom(null, 't-1', 't-2'),
  session_id: fc.constantFrom(null, 's-1'),
  kind: fc.constantFrom(...outcomeKindValues),
  quantity: fc.oneof(fc.nat(9), fc.constant(2 ** 40)),
  attributes: fc.constantFrom({}, { a: '1', ü: 'ö' }),
});
/** Of few identities, so that revisions, retractions and copies meet, in one lot and across lots. */
const lots: fc.Arbitrary<readonly (readonly OutcomeEvent[])[]> = fc
  .array(anIdentity, { minLength: 1, maxLength: 8 })
  .chain((identities) => {
    const anEvent = fc
      .tuple(fc.constantFrom(...identities), contents)
      .map((parts): OutcomeEvent => outcomeEvent(Object.assign({}, ...parts) as JsonObject));
    return fc.array(fc.array(anEvent, { maxLength: 12 }), { minLength: 1, maxLength: 4 });
  });

const sorted = (rows: readonly (readonly unknown[])[]): readonly string[] =>
  rows.map((row) => JSON.stringify(row)).sort();

describe('outcomes', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  afterAll(() => database.drop());

  const take = (events: readonly OutcomeEvent[]): Promise<void> => takeOutcomes(database, events);

  it('are the fold of their deduplicated log, in whatever lots it came', async () => {
    await fc.assert(
      fc.asyncProperty(lots, async (all) => {
        await database.truncate();
        for (const lot of all) await take(lot);
        const log = deduplicateOutcomes(all.flat());
        const rows = await database.rows<Record<'day' | 'user_id' | 'team' | 'kind' | 'events' | 'quantity', string>>(
          'SELECT toString(day) AS day, user_id, team, kind, events, quantity FROM outcomes',
        );
        expect(sorted(rows.map((row) => [row.day, row.user_id, row.team, row.kind, row.events, row.quantity]))).toEqual(
          sorted(
            outcomesByDay(log).map((one) => [
              dayKey(one.day),
              one.userId,
              one.team ?? '',
              one.kind,
              String(one.events),
              String(one.quantity),
            ]),
          ),
        );
        const closed = await readClosures(database.client);
        for (const day of new Set(all.flat().map((event) => dayOf(event.occurred_at)))) {
          const start = day * SECONDS_PER.day;
          expect(suspectsOf(await dayFigures(database.client, start, closed), start, closed)).toEqual([]);
        }
      }),
      { numRuns: 15 },
    );
  });

  it('keep all that an outcome says', async () => {
    await database.truncate();
    const event = outcomeEvent({
      event_id: `it's "\\n\t`,
      revision: 2 ** 31 - 1,
      quantity: 2 ** 40,
      team: 'ü',
      session_id: 's',
      kind: 'lines_accepted',
      attributes: { b: '2', a: 'ö' },
      occurred_at: FIRST + 1,
    });
    await take([event]);
    expect(
      await database.rows(
        `SELECT event_id, revision, quantity, team, session_id, kind, attributes, toUnixTimestamp64Milli(occurred_at) AS at, kafka_topic FROM outcome_events`,
      ),
    ).toEqual([
      {
        event_id: event.event_id,
        revision: 2 ** 31 - 1,
        quantity: String(2 ** 40),
        team: 'ü',
        session_id: 's',
        kind: 'lines_accepted',
        attributes: { b: '2', a: 'ö' },
        at: String(FIRST + 1),
        kafka_topic: 't',
      },
    ]);
  });

  it('are found wrong by the audit when a row of a roll is missing, or is somebody else’s', async () => {
    await database.truncate();
    await take([outcomeEvent({ user_id: 'ada', quantity: 3 }), outcomeEvent({ user_id: 'bo' })]);
    const day = dayOf(FIRST) * SECONDS_PER.day;
    const suspects = async () =>
      suspectsOf(await dayFigures(database.client, day, { hour: 0, day: 0 }), day, { hour: 0, day: 0 });
    expect(await suspects()).toEqual([]);
    await database.client.command({
      query: `INSERT INTO outcomes_by_day SELECT * REPLACE ('cy' AS user_id) FROM outcomes_by_day WHERE user_id = 'bo'`,
    });
    await database.client.command({
      query: "ALTER TABLE outcomes_by_day DELETE WHERE user_id = 'bo' SETTINGS mutations_sync = 2",
    });
    expect(await suspects()).toMatchObject([{ code: 'figures_differ', of: 'outcomes' }]);
    await database.client.command({
      query: "ALTER TABLE outcomes_by_day DELETE WHERE user_id != '' SETTINGS mutations_sync = 2",
    });
    expect(await suspects()).toMatchObject([{ code: 'roll_missing', of: 'outcomes' }]);
  });
});
