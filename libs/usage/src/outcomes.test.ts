import fc from 'fast-check';
import { outcomeKindValues, type JsonObject, type OutcomeEvent } from '@laurel/events';
import { dayOf } from './buckets.js';
import { outcomeEvent } from './events.fixture.js';
import { deduplicateOutcomes, outcomesByDay } from './reference.js';

/** Few ids, times and users, so that identities meet often. */
const outcomes: fc.Arbitrary<OutcomeEvent> = fc
  .record({
    event_id: fc.constantFrom('a', 'b', 'c'),
    occurred_at: fc.constantFrom(Date.UTC(2026, 4, 14), Date.UTC(2026, 4, 14, 23, 59, 59, 999), Date.UTC(2026, 4, 15)),
    user_id: fc.constantFrom('u-1', 'u-2'),
    team: fc.constantFrom(null, 'red', 'blue'),
    revision: fc.nat(2),
    retracted: fc.boolean(),
    kind: fc.constantFrom(...outcomeKindValues),
    quantity: fc.oneof(fc.nat(9), fc.constant(2 ** 40)),
  })
  .map((fields: JsonObject) => outcomeEvent(fields));

describe('outcomes', () => {
  it('count once, by the higher revision, and not when they were retracted', () => {
    const [first, second] = [outcomeEvent({ quantity: 5 }), outcomeEvent({ quantity: 3, revision: 1 })];
    expect(deduplicateOutcomes([second, first, first])).toEqual([second]);
    const retracted = outcomeEvent({ revision: 2, retracted: true });
    expect(deduplicateOutcomes([retracted, second, first])).toEqual([]);
    expect(deduplicateOutcomes([retracted, outcomeEvent({ revision: 3 })])).toHaveLength(1);
  });

  it('depend neither on the order of arrival nor on duplicates', () => {
    const logs = fc.array(outcomes, { maxLength: 12 }).chain((log) =>
      fc.tuple(
        fc.constant(log),
        fc
          .subarray(log)
          .chain((copies) => fc.shuffledSubarray([...log, ...copies], { minLength: log.length + copies.length })),
      ),
    );
    fc.assert(
      fc.property(logs, ([log, resent]) => {
        expect(deduplicateOutcomes(resent)).toEqual(deduplicateOutcomes(log));
      }),
    );
  });

  it('have one row for each user, UTC day, team and kind, which add up to all of them', () => {
    fc.assert(
      fc.property(fc.array(outcomes, { maxLength: 20 }), (arrived) => {
        const log = deduplicateOutcomes(arrived);
        const rows = outcomesByDay(log);
        expect(new Set(rows.map(({ userId, day, team, kind }) => `${userId} ${day} ${team} ${kind}`)).size).toBe(
          rows.length,
        );
        for (const { userId, day, team, kind, events, quantity } of rows) {
          const own = log.filter(
            (one) => one.user_id === userId && dayOf(one.occurred_at) === day && one.team === team && one.kind === kind,
          );
          expect([events, quantity]).toEqual([own.length, own.reduce((sum, one) => sum + BigInt(one.quantity), 0n)]);
        }
        expect(rows.reduce((sum, { events }) => sum + events, 0)).toBe(log.length);
      }),
    );
  });
});
