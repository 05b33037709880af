import fc from 'fast-check';
import { usageStored, type UsageEvent } from '@laurel/events';
import type { Accepted } from '@laurel/stream';
import { dayKey, dayOf, minuteInDay, minuteOf, type Day } from '@laurel/usage';
import { usageEvent } from '@laurel/usage/fixture';
import { announcementsOf, byDay, toStoredRecord } from './announcements.js';

const MIDNIGHT = Date.UTC(2026, 4, 14);
const DAY = dayOf(MIDNIGHT);
const MINUTE_MS = 60_000;

let offset = 0;
const accepted = (occurred_at: number, timestampMs = occurred_at): Accepted<UsageEvent> => {
  offset += 1;
  return {
    event: usageEvent({ event_id: `e-${offset}`, occurred_at }),
    record: { offset, key: null, value: null, headers: {}, timestampMs },
  };
};

const batch = fc
  .array(fc.tuple(fc.integer({ min: -2 * 1440, max: 2 * 1440 }), fc.nat(MINUTE_MS - 1), fc.nat(1000)), {
    maxLength: 30,
  })
  .map((all) => all.map(([minute, ms, recorded]) => accepted(MIDNIGHT + minute * MINUTE_MS + ms, recorded)));

describe('byDay', () => {
  it('puts the last millisecond before midnight and the first after it on two days', () => {
    const [before, after] = [accepted(MIDNIGHT - 1), accepted(MIDNIGHT)];
    expect([...byDay([before, after])]).toEqual([
      [DAY - 1, [before]],
      [DAY, [after]],
    ]);
  });

  it('keeps every row once, in the order of the batch', () => {
    fc.assert(
      fc.property(batch, (rows) => {
        const days = byDay(rows);
        for (const [day, own] of days)
          expect(own).toEqual(rows.filter(({ event }) => dayOf(event.occurred_at) === day));
        expect([...days.values()].flat()).toHaveLength(rows.length);
      }),
    );
  });
});

describe('announcementsOf', () => {
  it('names each touched minute of a day once, ascending, and the oldest record', () => {
    const rows = [
      accepted(MIDNIGHT + 61 * MINUTE_MS, 500),
      accepted(MIDNIGHT + 60 * MINUTE_MS + 59_999, 300),
      accepted(MIDNIGHT + 61 * MINUTE_MS + 1, 400),
      accepted(MIDNIGHT - 1, 100),
    ];
    const fixed = { close_hour: null, cause: 'recorded', announced_at: 7 };
    expect(announcementsOf(rows, 7)).toEqual([
      { ...fixed, day: DAY, minutes: [60, 61], oldest_record_at: 300 },
      { ...fixed, day: DAY - 1, minutes: [1439], oldest_record_at: 100 },
    ]);
    expect(announcementsOf([], 7)).toEqual([]);
  });

  it('announces a retraction as any other change', () => {
    const { record } = accepted(MIDNIGHT);
    const event = usageEvent({ occurred_at: MIDNIGHT, retracted: true, revision: 1 });
    expect(announcementsOf([{ record, event }], 0)).toMatchObject([{ day: DAY, minutes: [0] }]);
  });

  it('announces exactly the minutes of the rows, and survives its encoding', () => {
    fc.assert(
      fc.property(batch, (rows) => {
        const announcements = announcementsOf(rows, 1);
        const records = announcements.map(toStoredRecord);
        expect(records.map(({ key }) => key)).toEqual(announcements.map(({ day }) => dayKey(day as Day)));
        const read = records.map(({ value }) => usageStored.decode(value ?? new Uint8Array()));
        expect(read).toEqual(announcements);
        const minutes = read.flatMap(({ day, minutes: own }) => own.map((minute) => minuteInDay(day as Day, minute)));
        const touched = new Set(rows.map(({ event }) => minuteOf(event.occurred_at)));
        expect(minutes.sort((a, b) => a - b)).toEqual([...touched].sort((a, b) => a - b));
      }),
    );
  });
});
