import type { Day } from '@laurel/usage';
import { streaksOf } from '../metrics/longest-streak.js';
import type { MetricOf } from '../rule.js';
import type { ClosedDays, Course, Timeline } from './timeline.js';

/**
 * `longestStreak` at each instant.
 *
 * @param closed 1 of each active day.
 * @param activeDays how many there are in the window, today with them if it is one already.
 */
export function longestStreakThrough(
  metric: MetricOf<'longest_streak'>,
  { days, firstDays }: Timeline,
  closed: ClosedDays,
  activeDays: Course,
): Course {
  const active = closed.days.filter((_, index) => closed.values[index] === 1);
  const course = new Float64Array(days.length);
  for (let at = 0; at < days.length; at += 1) {
    const [day, first] = [days[at] as number, firstDays[at] as number];
    if (at > 0 && day === days[at - 1] && activeDays[at] === activeDays[at - 1]) {
      course[at] = course[at - 1] as number;
      continue;
    }
    const own = active.filter((one) => one >= first && one < day);
    if ((activeDays[at] as number) > own.length) own.push(day);
    course[at] = Math.max(
      0,
      ...streaksOf(metric, own as readonly number[] as readonly Day[]).map((streak) => streak.days),
    );
  }
  return course;
}
