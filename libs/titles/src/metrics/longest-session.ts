import { compareUtf8, dayOfMinute, minuteStartMs, MINUTE_MS, type Minute } from '@laurel/usage';
import { groupBy } from './grouping.js';
import { text, whole } from '../evidence.js';
import type { MetricOf } from '../rule.js';
import type { Measurement } from '../standings.js';
import { volumeOf, type PersonFacts } from './facts.js';

/** A stretch of one session without a gap that ends it. */
export interface Run {
  readonly sessionId: string;
  readonly first: Minute;
  readonly last: Minute;
  /** Uncapped. */
  readonly activeMinutes: number;
  /** UTC days with more active minutes than count. */
  readonly cappedDays: number;
  /** Active minutes on the other days. */
  readonly uncappedMinutes: number;
  /** What counts: uncappedMinutes + cappedDays · daily_cap_minutes. */
  readonly value: number;
}

/**
 * Session Immortal: the longest session in active minutes.
 *
 * 1. A session is (user_id, session_id); events without a session_id are in none. Its active minutes are the distinct
 *    UTC minutes of the window with at least one event of origin main and status ok, not retracted.
 * 2. In ascending order, a minute begins a new run when it is more than max_gap_minutes after the one before: with 30,
 *    10:00 and 10:30 are one run, 10:00 and 10:31 are two. A run that began before the window counts from its first
 *    minute inside it.
 * 3. A run's value: Σ over UTC days of min(daily_cap_minutes, the run's active minutes on that day).
 * 4. The person's value is their greatest run's; of equal ones the earlier start, then the smaller session id (by
 *    bytes) is named. 0 without any.
 *
 * Active minutes, as wall-clock time would reward an agent left alone: subagents' calls don't make a minute active.
 *
 * Volume: as for Token Legend. Evidence: `session_id` (string); `run_start` (first instant of the first minute) and
 * `run_end` (first instant after the last), ms since the epoch; `active_minutes` (uncapped), `capped_days` (with more
 * than the cap), `uncapped_minutes` (on the other days), `daily_cap_minutes`, `max_gap_minutes`: whole numbers.
 * So value = uncapped_minutes + capped_days · daily_cap_minutes. {} for a person without active minutes.
 */
export function longestSession(metric: MetricOf<'longest_session'>, person: PersonFacts): Measurement {
  const runs = person.sessionMinutes.flatMap(({ sessionId, minutes }) => runsOf(metric, sessionId, minutes));
  const best = runs.sort((a, b) => b.value - a.value || a.first - b.first || compareUtf8(a.sessionId, b.sessionId))[0];
  const volume = volumeOf(person);
  if (best === undefined) return { userId: person.userId, value: 0, volume, evidence: {} };
  return {
    userId: person.userId,
    value: best.value,
    volume,
    evidence: {
      session_id: text(best.sessionId),
      run_start: whole(minuteStartMs(best.first)),
      run_end: whole(minuteStartMs(best.last) + MINUTE_MS),
      active_minutes: whole(best.activeMinutes),
      capped_days: whole(best.cappedDays),
      uncapped_minutes: whole(best.uncappedMinutes),
      daily_cap_minutes: whole(metric.daily_cap_minutes),
      max_gap_minutes: whole(metric.max_gap_minutes),
    },
  };
}

/**
 * A session's runs in the order of time.
 *
 * @param minutes distinct and ascending.
 */
export function runsOf(metric: MetricOf<'longest_session'>, sessionId: string, minutes: readonly Minute[]): Run[] {
  const stretches: Minute[][] = [];
  let previous: Minute | undefined;
  for (const minute of minutes) {
    if (previous === undefined || minute - previous > metric.max_gap_minutes) stretches.push([minute]);
    else stretches.at(-1)?.push(minute);
    previous = minute;
  }
  return stretches.flatMap((stretch) => {
    const [first, last] = [stretch[0], stretch.at(-1)];
    return first === undefined || last === undefined ? [] : [runOf(metric, sessionId, stretch, first, last)];
  });
}

function runOf(
  { daily_cap_minutes: cap }: MetricOf<'longest_session'>,
  sessionId: string,
  stretch: readonly Minute[],
  first: Minute,
  last: Minute,
): Run {
  const days = [...groupBy(stretch, dayOfMinute).values()].map((minutes) => minutes.length);
  const cappedDays = days.filter((minutes) => minutes > cap).length;
  const uncappedMinutes = days.filter((minutes) => minutes <= cap).reduce((sum, minutes) => sum + minutes, 0);
  return {
    sessionId,
    first,
    last,
    activeMinutes: stretch.length,
    cappedDays,
    uncappedMinutes,
    value: uncappedMinutes + cappedDays * cap,
  };
}
