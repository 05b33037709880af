import { dayKey, type Day } from '@laurel/usage';
import { text, whole } from '../evidence.js';
import type { MetricOf } from '../rule.js';
import type { Measurement } from '../standings.js';
import { tokensByDay, volumeOf, type PersonFacts } from './facts.js';

/** Consecutive active days. */
interface Streak {
  readonly first: Day;
  readonly last: Day;
  /** How many of them were active. */
  readonly days: number;
}

/**
 * The longest streak: the greatest number of active UTC days of the window that follow one another. Active: with tokens of
 * counted events (as for Token Legend, all classes).
 *
 * With `weekends: count` every day without usage ends a streak. With `skip` only a weekday does, Monday to Friday, so that
 * nobody has to work on a weekend for the sake of a streak; a weekend day that was active counts all the same. Of equal
 * streaks the earlier one is named.
 *
 * Volume: as for Token Legend. Evidence: `streak_days` and `active_days` (of the window), whole numbers; `first_day` and
 * `last_day` of the streak ('YYYY-MM-DD') and `weekends`, strings. {} for a person without an active day.
 */
export function longestStreak(metric: MetricOf<'longest_streak'>, person: PersonFacts): Measurement {
  const volume = volumeOf(person);
  const days = [...tokensByDay(person.rows).keys()].sort((a, b) => a - b);
  const best = streaksOf(metric, days).reduce<Streak | undefined>(
    (longest, streak) => (streak.days > (longest?.days ?? 0) ? streak : longest),
    undefined,
  );
  if (best === undefined) return { userId: person.userId, value: 0, volume, evidence: {} };
  return {
    userId: person.userId,
    value: best.days,
    volume,
    evidence: {
      streak_days: whole(best.days),
      first_day: text(dayKey(best.first)),
      last_day: text(dayKey(best.last)),
      active_days: whole(days.length),
      weekends: text(metric.weekends),
    },
  };
}

/** @param days distinct and ascending. */
export function streaksOf({ weekends }: MetricOf<'longest_streak'>, days: readonly Day[]): readonly Streak[] {
  const streaks: Streak[] = [];
  for (const day of days) {
    const current = streaks.at(-1);
    const goesOn = current !== undefined && missedDays(current.last, day, weekends) === 0;
    if (goesOn) streaks[streaks.length - 1] = { ...current, last: day, days: current.days + 1 };
    else streaks.push({ first: day, last: day, days: 1 });
  }
  return streaks;
}

/** The days strictly between two others that count as missed. */
const missedDays = (from: Day, to: Day, weekends: MetricOf<'longest_streak'>['weekends']): number =>
  weekends === 'count' ? to - from - 1 : weekdaysBefore(to) - weekdaysBefore(from + 1);

/** The weekdays from Monday, 1969-12-29, up to a day, that day left out; 1970-01-01 was a Thursday. */
function weekdaysBefore(day: number): number {
  const since = day + 3;
  return 5 * Math.floor(since / 7) + Math.min(since - 7 * Math.floor(since / 7), 5);
}
