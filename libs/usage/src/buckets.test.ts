import fc from 'fast-check';
import {
  dayKey,
  dayOf,
  dayOfHour,
  dayOfMinute,
  dayStartMs,
  hourInDay,
  hourOf,
  hourOfDay,
  hourOfMinute,
  hourStartMs,
  isWindowName,
  isWithin,
  minuteInDay,
  minuteOf,
  minuteOfDay,
  minuteStartMs,
  parseDayKey,
  windowBefore,
  windowOf,
  type Day,
  type WindowName,
} from './buckets.js';

const instants = fc.integer({ min: Date.UTC(1969, 0, 1), max: Date.UTC(2199, 11, 31) });

describe('buckets', () => {
  it('puts an instant on a boundary into the later bucket', () => {
    const midnight = Date.UTC(2026, 4, 14);
    expect(dayKey(dayOf(midnight))).toBe('2026-05-14');
    expect(dayKey(dayOf(midnight - 1))).toBe('2026-05-13');
    expect(minuteOfDay(minuteOf(midnight - 1))).toBe(1439);
    expect(hourOfDay(hourOf(midnight - 1))).toBe(23);
    expect(minuteOfDay(minuteOf(midnight))).toBe(0);
  });

  it('agrees with the calendar about every instant, before the epoch as well', () => {
    fc.assert(
      fc.property(instants, (ms) => {
        const date = new Date(ms);
        expect(dayKey(dayOf(ms))).toBe(date.toISOString().slice(0, 10));
        expect(hourOfDay(hourOf(ms))).toBe(date.getUTCHours());
        expect(minuteOfDay(minuteOf(ms))).toBe(date.getUTCHours() * 60 + date.getUTCMinutes());
      }),
    );
  });

  it('nests minutes in hours in days', () => {
    fc.assert(
      fc.property(instants, (ms) => {
        const [day, hour, minute] = [dayOf(ms), hourOf(ms), minuteOf(ms)];
        expect(dayOfHour(hour)).toBe(day);
        expect(dayOfMinute(minute)).toBe(day);
        expect(hourOfMinute(minute)).toBe(hour);
        expect(hourInDay(day, hourOfDay(hour))).toBe(hour);
        expect(minuteInDay(day, minuteOfDay(minute))).toBe(minute);
        expect([dayOf(dayStartMs(day)), hourOf(hourStartMs(hour)), minuteOf(minuteStartMs(minute))]).toEqual([
          day,
          hour,
          minute,
        ]);
      }),
    );
  });

  it('reads back the day of a key, and no day that is not in the calendar', () => {
    fc.assert(fc.property(instants, (ms) => expect(parseDayKey(dayKey(dayOf(ms)))).toBe(dayOf(ms))));
    for (const key of ['2026-02-29', '2026-13-01', '2026-5-1', '2026-05-14T00', '', 'today']) {
      expect(parseDayKey(key)).toBeUndefined();
    }
    expect(parseDayKey('1970-01-02')).toBe(1 as Day);
  });
});

describe('windowOf', () => {
  it('takes 30 days as today and the 29 days before it', () => {
    const window = windowOf('30d', Date.UTC(2026, 4, 30, 23, 59, 59, 999));
    expect(window).toEqual({
      startMs: Date.UTC(2026, 4, 1),
      endMs: Date.UTC(2026, 4, 31),
      firstDay: dayOf(Date.UTC(2026, 4, 1)),
      lastDay: dayOf(Date.UTC(2026, 4, 30)),
      days: 30,
    });
    expect(isWithin(window, window.startMs)).toBe(true);
    expect(isWithin(window, window.startMs - 1)).toBe(false);
    expect(isWithin(window, window.endMs - 1)).toBe(true);
    expect(isWithin(window, window.endMs)).toBe(false);
  });

  it('always holds now, and as many whole days as it says', () => {
    fc.assert(
      fc.property(instants, fc.integer({ min: 1, max: 366 }), (nowMs, days) => {
        const window = windowOf(`${days}d`, nowMs);
        expect(isWithin(window, nowMs)).toBe(true);
        expect(window.endMs - window.startMs).toBe(days * 86_400_000);
        expect(window.lastDay - window.firstDay + 1).toBe(days);
        expect(window.endMs).toBe(dayStartMs(window.lastDay) + 86_400_000);
      }),
    );
  });

  it('begins a week on Monday, a month on the first, and all with the earliest event that is valid', () => {
    const first = (name: WindowName, nowMs: number): string => dayKey(windowOf(name, nowMs).firstDay);
    const sunday = Date.UTC(2026, 10, 22, 23, 59);
    const monday = Date.UTC(2026, 10, 23);
    expect([first('week', sunday), first('week', monday)]).toEqual(['2026-11-16', '2026-11-23']);
    expect([first('month', sunday), first('month', Date.UTC(2026, 11, 1))]).toEqual(['2026-11-01', '2026-12-01']);
    expect(first('all', sunday)).toBe('2020-01-01');
    fc.assert(
      fc.property(instants, (nowMs) => {
        const { firstDay, lastDay, days, startMs } = windowOf('week', nowMs);
        expect(new Date(startMs).getUTCDay()).toBe(1);
        expect(days).toBe(lastDay - firstDay + 1);
        expect(days).toBeLessThanOrEqual(7);
        expect(new Date(windowOf('month', nowMs).startMs).getUTCDate()).toBe(1);
        for (const name of ['week', 'month', 'all'] as const) expect(isWithin(windowOf(name, nowMs), nowMs)).toBe(true);
      }),
    );
  });

  it('is preceded by as many days, without a gap', () => {
    fc.assert(
      fc.property(instants, fc.integer({ min: 1, max: 366 }), (nowMs, days) => {
        const window = windowOf(`${days}d`, nowMs);
        const before = windowBefore(window);
        expect(before).toEqual(windowOf(`${days}d`, window.startMs - 1));
        expect([before.endMs, before.lastDay + 1]).toEqual([window.startMs, window.firstDay]);
      }),
    );
  });

  it('knows no window but 1d to 366d, the week, the month, and all', () => {
    expect(['1d', '7d', '30d', '366d', 'week', 'month', 'all'].filter((name) => !isWindowName(name))).toEqual([]);
    for (const name of ['0d', '07d', '367d', '-1d', '1.5d', '30', 'd', '30d ', '1e1d', '30D', 'Week', 'year', '']) {
      expect(isWindowName(name)).toBe(false);
    }
    expect(() => windowOf('0d', 0)).toThrow(RangeError);
  });
});
