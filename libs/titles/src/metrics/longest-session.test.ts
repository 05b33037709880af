import fc from 'fast-check';
import type { JsonObject, UsageEvent } from '@laurel/events';
import { minuteOf, type Minute } from '@laurel/usage';
import { builtInRules } from '../built-in-rules.js';
import { runsOf } from './longest-session.js';
import { event, NOW, standingOf } from './window.fixture.js';

const [, , , sessionImmortal] = builtInRules;

describe('Session Immortal', () => {
  const metric = sessionImmortal.metric;
  const session = (minutes: readonly number[], fields: JsonObject = {}, daysAgo = 1): UsageEvent[] =>
    minutes.map((minute) => event(daysAgo, { session_id: 's-1', ...fields }, minute));
  const valueOf = (events: readonly UsageEvent[]): number | undefined => standingOf(sessionImmortal, events)?.value;

  it('goes on over a gap of 30 minutes and ends at one of 31', () => {
    expect(valueOf(session([0, 30, 60]))).toBe(3);
    expect(valueOf(session([0, 30, 61]))).toBe(2);
  });

  it('counts a minute once, and none of an agent, of a failure, or without a session', () => {
    const events = [
      ...session([5, 5, 6]),
      ...session([7], { origin: 'subagent' }),
      ...session([8], { status: 'error' }),
      ...session([9], { session_id: null }),
    ];
    expect(valueOf(events)).toBe(2);
    expect(valueOf(session([0, 1, 2], { origin: 'subagent' }))).toBe(0);
  });

  it('takes the greatest run of any one session, not their sum', () => {
    const standing = standingOf(sessionImmortal, [
      ...session([0, 1, 2]),
      ...session([100, 101, 102, 103]),
      ...session([10, 11, 12, 13, 14], { session_id: 's-2' }, 2),
    ]);
    const start = Date.UTC(2026, 4, 28, 0, 10);
    expect(standing?.value).toBe(5);
    expect(standing?.evidence).toEqual({
      session_id: { string: 's-2' },
      run_start: { long: start },
      run_end: { long: start + 5 * 60_000 },
      active_minutes: { long: 5 },
      capped_days: { long: 0 },
      uncapped_minutes: { long: 5 },
      daily_cap_minutes: { long: 720 },
      max_gap_minutes: { long: 30 },
    });
  });

  it('names the earlier of equal runs, then the smaller session', () => {
    const named = (...events: UsageEvent[][]) => standingOf(sessionImmortal, events.flat())?.evidence['session_id'];
    expect(named(session([9, 10], { session_id: 'a' }), session([5, 6], { session_id: 'b' }))).toEqual({ string: 'b' });
    expect(named(session([5, 6], { session_id: 'b' }), session([5, 6], { session_id: 'a' }))).toEqual({ string: 'a' });
  });

  it('caps a day at 12 hours, and goes on over midnight', () => {
    const first = Date.UTC(2026, 4, 28) / 60_000;
    const minutes = (from: number, to: number): Minute[] =>
      Array.from({ length: to - from }, (_, index) => (first + from + index) as Minute);
    const [run] = runsOf(metric, 's', minutes(1440 - 800, 1440 + 100));
    expect(run).toMatchObject({ activeMinutes: 900, cappedDays: 1, uncappedMinutes: 100, value: 820 });
    expect(runsOf(metric, 's', minutes(0, 720))[0]).toMatchObject({ cappedDays: 0, value: 720 });
  });

  it('counts a run that began before the window from the window’s start', () => {
    expect(valueOf([...session([1438, 1439], {}, 30), ...session([0, 1, 2], {}, 29)])).toBe(3);
  });

  it('divides all active minutes into runs as walking back from each of them does', () => {
    const drawn = fc.uniqueArray(fc.integer({ min: 0, max: 4000 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(drawn, fc.integer({ min: 1, max: 5 }), (offsets, cap) => {
        const minutes = offsets.toSorted((a, b) => a - b).map((offset) => (minuteOf(NOW) + offset) as Minute);
        const startOf = (minute: Minute): Minute => {
          const before = minutes.findLast((one) => one < minute && one >= minute - 30);
          return before === undefined ? minute : startOf(before);
        };
        const expected = new Map<Minute, { active: number; days: Map<number, number> }>();
        for (const minute of minutes) {
          const run = expected.get(startOf(minute)) ?? { active: 0, days: new Map<number, number>() };
          expected.set(startOf(minute), run);
          const day = Math.floor(minute / 1440);
          run.active += 1;
          run.days.set(day, Math.min(cap, (run.days.get(day) ?? 0) + 1));
        }
        const runs = runsOf({ ...metric, daily_cap_minutes: cap }, 's', minutes);
        expect(runs.map((run) => [run.first, run.activeMinutes, run.value])).toEqual(
          [...expected].map(([first, { active, days }]) => [first, active, [...days.values()].reduce((x, y) => x + y)]),
        );
      }),
    );
  });
});
