import { usageStored, type StoredCause, type UsageStored } from '@laurel/events';
import type { OutgoingRecord } from '@laurel/kafka';
import { dayKey, dayOfMinute, minuteOfDay, type Day, type Minute } from '@laurel/usage';

/** What rows have changed. */
export interface Touched {
  /** Minutes since the epoch that have rows, in any order. */
  readonly minutes: readonly Minute[];
  /** The least Kafka timestamp of their records, in ms. */
  readonly oldestRecordAtMs: number;
}

/** One announcement per touched UTC day, as a day and its hours have one owner, with its minutes ascending. */
export function announcementsOf(touched: readonly Touched[], nowMs: number): readonly UsageStored[] {
  const oldestMs = touched.reduce((oldest, { oldestRecordAtMs }) => Math.min(oldest, oldestRecordAtMs), Infinity);
  const days = new Map<Day, Set<number>>();
  for (const minute of touched.flatMap(({ minutes }) => minutes)) {
    const day = dayOfMinute(minute);
    const own = days.get(day) ?? new Set();
    days.set(day, own);
    own.add(minuteOfDay(minute));
  }
  return [...days].map(([day, minutes]) => ({
    day,
    minutes: [...minutes].sort((a, b) => a - b),
    close_hour: null,
    cause: 'recorded',
    announced_at: nowMs,
    oldest_record_at: oldestMs,
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
