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
  isWithin,
  minuteInDay,
  minuteOf,
  minuteOfDay,
  minuteStartMs,
  parseDayKey,
  parseWindowName,
  windowOf,
  type Day,
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

  it('knows no window but 1d to 366d', () => {
    expect(['1d', '7d', '30d', '366d'].map(parseWindowName)).toEqual([1, 7, 30, 366]);
    for (const name of ['0d', '07d', '367d', '-1d', '1.5d', '30', 'd', '30d ', '1e1d', '30D']) {
      expect(parseWindowName(name)).toBeUndefined();
    }
    expect(() => windowOf('0d', 0)).toThrow(RangeError);
  });
});
