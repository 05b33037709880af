import { usageStored, type StoredCause, type UsageEvent, type UsageStored } from '@laurel/events';
import type { OutgoingRecord } from '@laurel/kafka';
import type { Accepted } from '@laurel/stream';
import { dayKey, dayOf, minuteOf, minuteOfDay, type Day } from '@laurel/usage';

/** Rows by UTC day, as a day and its hours have one owner and so one announcement. */
export function byDay(accepted: readonly Accepted<UsageEvent>[]): ReadonlyMap<Day, readonly Accepted<UsageEvent>[]> {
  const days = new Map<Day, Accepted<UsageEvent>[]>();
  for (const one of accepted) {
    const day = dayOf(one.event.occurred_at);
    const rows = days.get(day);
    if (rows === undefined) days.set(day, [one]);
    else rows.push(one);
  }
  return days;
}

/** One announcement per touched day, with the minutes that were touched. */
export function announcementsOf(accepted: readonly Accepted<UsageEvent>[], nowMs: number): readonly UsageStored[] {
  return [...byDay(accepted)].map(([day, rows]) => ({
    day,
    minutes: [...new Set(rows.map(({ event }) => minuteOfDay(minuteOf(event.occurred_at))))].sort((a, b) => a - b),
    close_hour: null,
    cause: 'recorded',
    announced_at: nowMs,
    oldest_record_at: rows.reduce((oldest, { record }) => Math.min(oldest, record.timestampMs), Infinity),
  }));
}

/** Has buckets of these days (since the epoch, UTC; minutes of the day, ascending) rolled again, as nothing was recorded. */
export const changeRecords = (
  days: readonly { readonly day: number; readonly minutes: readonly number[] }[],
  cause: StoredCause,
  nowMs: number,
): readonly OutgoingRecord[] =>
  days.map(({ day, minutes }) =>
    toStoredRecord({
      day,
      minutes: [...minutes],
      close_hour: null,
      cause,
      announced_at: nowMs,
      oldest_record_at: null,
    }),
  );

export const toStoredRecord = (announcement: UsageStored): OutgoingRecord => ({
  key: dayKey(announcement.day as Day),
  value: usageStored.encode(announcement),
});
