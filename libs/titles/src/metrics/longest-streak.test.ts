import fc from 'fast-check';
import { usageEvent } from '@laurel/usage/fixture';
import { parseDayKey, windowOf } from '@laurel/usage';
import { activeDays } from './active-days.js';
import { factsOf, type PersonFacts } from './facts.js';
import { longestStreak } from './longest-streak.js';

const NOW = Date.UTC(2026, 10, 30, 12);
const DAY_MS = 86_400_000;

const personOf = (days: readonly string[], tokens = 10): PersonFacts => {
  const events = days.map((day, index) =>
    usageEvent({ event_id: `e-${index}`, occurred_at: Date.parse(`${day}T10:00:00Z`), tokens: { input: tokens } }),
  );
  const [person] = factsOf(events, windowOf('30d', NOW)).people;
  if (person === undefined) throw new Error('nobody');
  return person;
};
const streak = (days: readonly string[], weekends: 'count' | 'skip') =>
  longestStreak({ kind: 'longest_streak', weekends }, personOf(days));

describe('the longest streak', () => {
  // 2026-11-06 is a Friday.
  const workWeeks = ['2026-11-05', '2026-11-06', '2026-11-09', '2026-11-10'];

  it('goes on over a weekend where weekends are skipped, and ends there where they count', () => {
    expect(streak(workWeeks, 'skip')).toMatchObject({
      value: 4,
      evidence: {
        streak_days: { long: 4 },
        first_day: { string: '2026-11-05' },
        last_day: { string: '2026-11-10' },
        active_days: { long: 4 },
        weekends: { string: 'skip' },
      },
    });
    expect(streak(workWeeks, 'count').value).toBe(2);
  });

  it('ends at a weekday without usage', () => {
    expect(streak(['2026-11-02', '2026-11-03', '2026-11-05'], 'skip').value).toBe(2);
    expect(streak(['2026-11-06', '2026-11-10'], 'skip').value).toBe(1);
  });

  it('counts a day of the weekend that was active', () => {
    expect(streak(['2026-11-06', '2026-11-07', '2026-11-09'], 'skip').value).toBe(3);
    expect(streak(['2026-11-07', '2026-11-08'], 'count').value).toBe(2);
  });

  it('names the earlier of two that are equally long', () => {
    expect(streak(['2026-11-02', '2026-11-04'], 'count').evidence['first_day']).toEqual({ string: '2026-11-02' });
  });

  it('is nothing where no tokens were used', () => {
    expect(longestStreak({ kind: 'longest_streak', weekends: 'skip' }, personOf(['2026-11-02'], 0))).toMatchObject({
      value: 0,
      evidence: {},
    });
  });

  it('is never longer than the active days, nor shorter when weekends are skipped, and is what counting by hand gives', () => {
    const days = fc.uniqueArray(fc.integer({ min: 0, max: 29 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(days, fc.constantFrom('count' as const, 'skip' as const), (ago, weekends) => {
        const active = new Set(ago.map((days) => new Date(NOW - days * DAY_MS).toISOString().slice(0, 10)));
        let [longest, current] = [0, 0];
        for (let at = NOW - 30 * DAY_MS; at <= NOW; at += DAY_MS) {
          const isWeekend = [0, 6].includes(new Date(at).getUTCDay());
          if (active.has(new Date(at).toISOString().slice(0, 10))) current += 1;
          else if (weekends === 'count' || !isWeekend) current = 0;
          longest = Math.max(longest, current);
        }
        const { value, evidence } = streak([...active], weekends);
        expect(value).toBe(longest);
        expect(value).toBeLessThanOrEqual(active.size);
        expect(streak([...active], 'skip').value).toBeGreaterThanOrEqual(streak([...active], 'count').value);
        expect(parseDayKey((evidence['first_day'] as { string: string }).string)).toBeDefined();
      }),
    );
  });
});

describe('the active days', () => {
  it('are those with tokens, however many events they have', () => {
    const person = personOf(['2026-11-02', '2026-11-02', '2026-11-05']);
    expect(activeDays(person)).toMatchObject({
      value: 2,
      evidence: { active_days: { long: 2 }, tokens: { long: 30 }, events: { long: 3 } },
    });
    expect(activeDays(personOf(['2026-11-02'], 0)).value).toBe(0);
  });
});
