import fc from 'fast-check';
import { usageStored } from '@laurel/events';
import { dayKey, dayOf, minuteInDay, minuteOf, type Day, type Minute } from '@laurel/usage';
import { announcementsOf, toStoredRecord, type Touched } from './announcements.js';

const MIDNIGHT = Date.UTC(2026, 4, 14);
const DAY = dayOf(MIDNIGHT);
const MINUTE_MS = 60_000;

const touched = (oldestRecordAtMs: number, ...atMs: readonly number[]): Touched => ({
  minutes: atMs.map(minuteOf),
  outcomeDays: [],
  oldestRecordAtMs,
});

describe('announcementsOf', () => {
  it('names each touched minute of a day once, ascending, and the oldest record', () => {
    const parts = [
      touched(300, MIDNIGHT + 61 * MINUTE_MS, MIDNIGHT + 60 * MINUTE_MS + 59_999),
      touched(100, MIDNIGHT + 61 * MINUTE_MS + 1, MIDNIGHT - 1),
    ];
    const fixed = { close_hour: null, cause: 'recorded', announced_at: 7, oldest_record_at: 100, outcomes: false };
    expect(announcementsOf(parts, 7)).toEqual([
      { ...fixed, day: DAY, minutes: [60, 61] },
      { ...fixed, day: DAY - 1, minutes: [1439] },
    ]);
    expect(announcementsOf([], 7)).toEqual([]);
  });

  it('says which days’ outcomes have changed, with the minutes of usage or without', () => {
    const outcomes = { minutes: [], outcomeDays: [DAY, DAY, (DAY - 1) as Day], oldestRecordAtMs: 50 };
    expect(announcementsOf([touched(60, MIDNIGHT), outcomes], 7)).toMatchObject([
      { day: DAY, minutes: [0], outcomes: true, oldest_record_at: 50 },
      { day: DAY - 1, minutes: [], outcomes: true },
    ]);
  });

  it('announces exactly the minutes of the rows, and survives its encoding', () => {
    const minute = fc.integer({ min: -2 * 1440, max: 2 * 1440 }).map((one) => (minuteOf(MIDNIGHT) + one) as Minute);
    const part = fc.record({
      minutes: fc.array(minute, { minLength: 1 }),
      outcomeDays: fc.array(fc.integer({ min: DAY - 2, max: DAY + 2 }).map((day) => day as Day)),
      oldestRecordAtMs: fc.nat(1000),
    });
    fc.assert(
      fc.property(fc.array(part, { maxLength: 4 }), (parts) => {
        const announcements = announcementsOf(parts, 1);
        const records = announcements.map(toStoredRecord);
        expect(records.map(({ key }) => key)).toEqual(announcements.map(({ day }) => dayKey(day as Day)));
        const read = records.map(({ value }) => usageStored.decode(value ?? new Uint8Array()));
        expect(read).toEqual(announcements);
        const minutes = read.flatMap(({ day, minutes: own }) => own.map((one) => minuteInDay(day as Day, one)));
        const expected = new Set(parts.flatMap((one) => one.minutes));
        expect(minutes.sort((a, b) => a - b)).toEqual([...expected].sort((a, b) => a - b));
        const days = read.filter(({ outcomes }) => outcomes).map(({ day }) => day);
        expect(new Set(days)).toEqual(new Set(parts.flatMap((one) => one.outcomeDays)));
      }),
    );
  });
});
