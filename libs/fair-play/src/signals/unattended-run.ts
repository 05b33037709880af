import { attendanceOf, dayOfHour, hourStartMs, type AttendedHour } from '@laurel/usage';
import type { PersonDay } from '../person-day.js';
import { runsBy } from '../runs.js';
import { thresholds, type SignalEvidence } from '../signal.js';

/**
 * Agents went on for hours in which nobody asked anything: consecutive UTC hours, each with tokens and without a call of the person’s
 * own, of which the last lies in the day; the day before is looked at too, and what lies before that is cut off. Of several such runs the
 * longest, then the earliest.
 *
 * Evidence: `run_start` (ms), `hours`, `tokens`.
 */
export function unattendedRun({ day, events, eventsBefore }: PersonDay): SignalEvidence | null {
  const least = thresholds.unattended_run;
  const idle = attendanceOf([...eventsBefore, ...events])
    .filter(({ tokens, ownMinutes }) => tokens > 0n && ownMinutes === 0)
    .sort((a, b) => a.hour - b.hour);
  const [best] = runsBy(idle, ({ hour }) => hour, 1)
    .filter(
      ({ last, items }) => dayOfHour(last.hour) === day && items.length >= least.hours && sumOf(items) >= least.tokens,
    )
    .sort((a, b) => b.items.length - a.items.length || a.first.hour - b.first.hour);
  if (best === undefined) return null;
  return {
    run_start: String(hourStartMs(best.first.hour)),
    hours: String(best.items.length),
    tokens: String(sumOf(best.items)),
  };
}

const sumOf = (hours: readonly AttendedHour[]): bigint => hours.reduce((sum, { tokens }) => sum + tokens, 0n);
