import fc from 'fast-check';
import { tokenClasses, tokenFields, totalTokens, type JsonObject, type UsageEvent } from '@laurel/events';
import { dayOf, minuteOf } from './buckets.js';
import {
  activeMinutes,
  deduplicate,
  figuresBy,
  figuresByModel,
  figuresByUser,
  figuresByUserDayModel,
  isCounted,
  noFigures,
  totalOf,
} from './reference.js';
import { usageEvent } from './events.fixture.js';

/** Few ids, times and users, so that identities meet often. */
const events: fc.Arbitrary<UsageEvent> = fc
  .record({
    event_id: fc.constantFrom('a', 'b', 'c'),
    occurred_at: fc.constantFrom(Date.UTC(2026, 4, 14), Date.UTC(2026, 4, 14, 0, 1), Date.UTC(2026, 4, 15)),
    user_id: fc.constantFrom('u-1', 'u-2'),
    model: fc.constantFrom('m-1', 'm-2'),
    session_id: fc.constantFrom(null, 's-1'),
    revision: fc.integer({ min: 0, max: 2 }),
    retracted: fc.boolean(),
    status: fc.constantFrom('ok', 'error'),
    origin: fc.constantFrom('main', 'subagent', 'auxiliary', 'unknown'),
    tokens: fc.record({
      input: fc.integer({ min: 0, max: 2 ** 40 }),
      output: fc.integer({ min: 5, max: 99 }),
      reasoning: fc.nat(5),
    }),
    cost_micro_usd: fc.constantFrom(null, 7),
  })
  .map((fields: JsonObject) => usageEvent(fields));

describe('deduplicate', () => {
  it('takes the higher revision of an identity, whichever came first', () => {
    const first = usageEvent({ revision: 0, tokens: { input: 100 } });
    const second = usageEvent({ revision: 1, tokens: { input: 3 } });
    expect(deduplicate([first, second])).toEqual([second]);
    expect(deduplicate([second, first])).toEqual([second]);
  });

  it('lets a retraction take the event out, and a later revision bring it back', () => {
    const recorded = usageEvent({ revision: 0 });
    const retracted = usageEvent({ revision: 1, retracted: true });
    const restored = usageEvent({ revision: 2 });
    expect(deduplicate([retracted, recorded])).toEqual([]);
    expect(deduplicate([restored, retracted, recorded])).toEqual([restored]);
  });

  it('keeps events apart that differ in any part of the identity', () => {
    const apart = [
      usageEvent(),
      usageEvent({ event_id: 'e-2' }),
      usageEvent({ source: 'other' }),
      usageEvent({ user_id: 'u-2' }),
      usageEvent({ occurred_at: '2026-05-14T10:00:00.001Z' }),
    ];
    expect(deduplicate(apart)).toHaveLength(5);
  });

  it('chooses alike between equal revisions of different content in any order', () => {
    const one = usageEvent({ tokens: { input: 1 } });
    const other = usageEvent({ tokens: { input: 2 } });
    expect(deduplicate([one, other])).toEqual(deduplicate([other, one]));
  });

  it('depends neither on the order of arrival nor on duplicates', () => {
    const logs = fc.array(events, { maxLength: 12 }).chain((log) =>
      fc.tuple(
        fc.constant(log),
        fc
          .tuple(fc.constant(log), fc.subarray(log), fc.subarray(log))
          .map((copies) => copies.flat())
          .chain((all) => fc.shuffledSubarray(all, { minLength: all.length })),
      ),
    );
    fc.assert(
      fc.property(logs, ([log, resent]) => {
        const kept = deduplicate(log);
        expect(deduplicate(resent)).toEqual(kept);
        expect(deduplicate(kept)).toEqual(kept);
      }),
    );
  });

  it('agrees with looking at every identity by itself', () => {
    fc.assert(
      fc.property(fc.array(events, { maxLength: 12 }), (log) => {
        const kept = deduplicate(log);
        for (const event of log) {
          const same = log.filter(
            (one) =>
              one.event_id === event.event_id && one.user_id === event.user_id && one.occurred_at === event.occurred_at,
          );
          const revision = Math.max(...same.map((one) => one.revision));
          const latest = same.filter((one) => one.revision === revision);
          const survivors = kept.filter((one) => same.includes(one));
          expect(survivors.length).toBeLessThanOrEqual(1);
          if (latest.every((one) => one.retracted)) expect(survivors).toEqual([]);
          if (latest.every((one) => !one.retracted)) expect(latest).toEqual(expect.arrayContaining(survivors));
          if (latest.every((one) => !one.retracted)) expect(survivors).toHaveLength(1);
        }
      }),
    );
  });
});

describe('figures', () => {
  it('stay exact where sums pass 2^53', () => {
    const log = Array.from({ length: 8193 }, (_, index) =>
      usageEvent({ event_id: `e-${index}`, tokens: { input: 2 ** 40 - (index === 0 ? 1 : 0) } }),
    );
    expect(figuresByUser(log).get('u-1')?.tokens.input).toBe(8193n * 2n ** 40n - 1n);
  });

  it('add up the disjoint classes, and reasoning not again', () => {
    const event = usageEvent({
      tokens: {
        input: 1,
        cache_read: 10,
        cache_write_5m: 100,
        cache_write_1h: 1000,
        cache_write: 10_000,
        output: 100_000,
        reasoning: 70_000,
      },
      cost_micro_usd: 5,
    });
    const figures = figuresByModel([event]).get('claude-sonnet-4-5') ?? noFigures;
    expect(totalOf(figures)).toBe(111_111n);
    expect(figures).toMatchObject({
      events: 1,
      costMicroUsd: 5n,
      tokens: { reasoning: 70_000n, cache_write: 10_000n },
    });
  });

  it('agree whichever way the events are divided', () => {
    fc.assert(
      fc.property(fc.array(events, { maxLength: 20 }), (arrived) => {
        const log = deduplicate(arrived);
        const whole = figuresBy(log, () => 'all').get('all') ?? noFigures;
        expect(totalOf(whole)).toBe(log.reduce((sum, event) => sum + BigInt(totalTokens(event.tokens)), 0n));
        const divisions = [
          [...figuresByUser(log).values()],
          [...figuresByModel(log).values()],
          figuresByUserDayModel(log).map((row) => row.figures),
        ];
        for (const parts of divisions) {
          expect(parts.reduce((sum, part) => sum + part.events, 0)).toBe(whole.events);
          expect(parts.reduce((sum, part) => sum + part.costMicroUsd, 0n)).toBe(whole.costMicroUsd);
          for (const field of tokenFields) {
            expect(parts.reduce((sum, part) => sum + part.tokens[field], 0n)).toBe(whole.tokens[field]);
          }
        }
        expect(tokenClasses).not.toContain('reasoning');
      }),
    );
  });

  it('have one row for each user, UTC day and model', () => {
    const rows = figuresByUserDayModel([
      usageEvent({ event_id: 'a', occurred_at: '2026-05-14T23:59:59.999Z', tokens: { input: 1 } }),
      usageEvent({ event_id: 'b', occurred_at: '2026-05-14T00:00:00Z', tokens: { input: 2 } }),
      usageEvent({ event_id: 'c', occurred_at: '2026-05-15T00:00:00Z', tokens: { input: 4 } }),
      usageEvent({ event_id: 'd', model: 'gpt-5', tokens: { input: 8 } }),
    ]);
    expect(rows.map((row) => [row.day - dayOf(Date.UTC(2026, 4, 14)), row.model, row.figures.tokens.input])).toEqual([
      [0, 'claude-sonnet-4-5', 3n],
      [1, 'claude-sonnet-4-5', 4n],
      [0, 'gpt-5', 8n],
    ]);
  });
});

describe('what counts', () => {
  it('is the success of the person and of their agents', () => {
    const counted = (status: string, origin: string) => isCounted(usageEvent({ status, origin }));
    expect(['main', 'subagent', 'auxiliary', 'unknown'].map((origin) => counted('ok', origin))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(['error', 'cancelled'].map((status) => counted(status, 'main'))).toEqual([false, false]);
  });
});

describe('activeMinutes', () => {
  const at = (occurred_at: string, more: JsonObject = {}): UsageEvent =>
    usageEvent({ event_id: occurred_at, occurred_at, session_id: 's-1', ...more });

  it('counts a minute once, in order, and only where the person themselves succeeded', () => {
    const sessions = activeMinutes([
      at('2026-05-14T10:05:59.999Z'),
      at('2026-05-14T10:00:30Z'),
      at('2026-05-14T10:05:00Z'),
      at('2026-05-14T10:01:00Z', { origin: 'subagent' }),
      at('2026-05-14T10:02:00Z', { status: 'error' }),
      at('2026-05-14T10:03:00Z', { session_id: null }),
    ]);
    const first = minuteOf(Date.UTC(2026, 4, 14, 10));
    expect(sessions).toEqual([{ userId: 'u-1', sessionId: 's-1', minutes: [first, first + 5] }]);
  });

  it('does not mix two people who share a session id', () => {
    const sessions = activeMinutes([at('2026-05-14T10:00:00Z'), at('2026-05-14T10:00:00Z', { user_id: 'u-2' })]);
    expect(sessions.map((session) => [session.userId, session.minutes.length])).toEqual([
      ['u-1', 1],
      ['u-2', 1],
    ]);
  });
});
