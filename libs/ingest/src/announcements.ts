import type { TouchedDay } from '@laurel/clickhouse';
import { usageStored, type StoredCause, type UsageStored } from '@laurel/events';
import type { OutgoingRecord } from '@laurel/kafka';
import { dayKey, dayOfMinute, minuteOfDay, type Day, type Minute } from '@laurel/usage';

/** What rows have changed. */
export interface Touched {
  /** Minutes since the epoch that have rows of usage, in any order. */
  readonly minutes: readonly Minute[];
  /** Days that have rows of outcomes, in any order. */
  readonly outcomeDays: readonly Day[];
  /** The least Kafka timestamp of their records, in ms. */
  readonly oldestRecordAtMs: number;
}

export const touchedTogether = (parts: readonly Touched[]): Touched => ({
  minutes: parts.flatMap(({ minutes }) => minutes),
  outcomeDays: parts.flatMap(({ outcomeDays }) => outcomeDays),
  oldestRecordAtMs: parts.reduce((oldest, { oldestRecordAtMs }) => Math.min(oldest, oldestRecordAtMs), Infinity),
});

/** One announcement per touched UTC day, as a day and its hours have one owner, with its minutes ascending. */
export function announcementsOf(touched: readonly Touched[], nowMs: number): readonly UsageStored[] {
  const { minutes, outcomeDays, oldestRecordAtMs } = touchedTogether(touched);
  const days = new Map<Day, Set<number>>(outcomeDays.map((day) => [day, new Set()]));
  for (const minute of minutes) {
    const day = dayOfMinute(minute);
    const own = days.get(day) ?? new Set();
    days.set(day, own);
    own.add(minuteOfDay(minute));
  }
  const withOutcomes = new Set(outcomeDays);
  return [...days].map(([day, own]) => ({
    day,
    minutes: [...own].sort((a, b) => a - b),
    close_hour: null,
    cause: 'recorded',
    announced_at: nowMs,
    oldest_record_at: oldestRecordAtMs,
    outcomes: withOutcomes.has(day),
  }));
}

/** Has buckets of these days rolled again, as nothing was recorded. */
export const changeRecords = (
  days: readonly TouchedDay[],
  cause: StoredCause,
  nowMs: number,
): readonly OutgoingRecord[] =>
  days.map(({ day, minutes, outcomes }) =>
    toStoredRecord({
      day,
      minutes: [...minutes],
      close_hour: null,
      cause,
      announced_at: nowMs,
      oldest_record_at: null,
      outcomes,
    }),
  );

export const toStoredRecord = (announcement: UsageStored): OutgoingRecord => ({
  key: dayKey(announcement.day as Day),
  value: usageStored.encode(announcement),
});
