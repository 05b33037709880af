import { dayOfMinute, isActivity, minuteOf, minuteStartMs } from '@laurel/usage';
import type { PersonDay } from '../person-day.js';
import { runsBy } from '../runs.js';
import { thresholds, type SignalEvidence } from '../signal.js';

/**
 * Calls of the person’s own, in whatever sessions, for hours without a pause: minutes with such a call, none more than `pauseMinutes`
 * after the one before. Its length is from the first minute to the last, both included; the last lies in the day, the day before is looked at too, and what lies
 * before that is cut off. Of several such runs the longest, then the earliest.
 *
 * Evidence: `run_start` (ms), `minutes` (its length), `own_minutes` (those with a call).
 */
export function unbrokenRun({ day, events, eventsBefore }: PersonDay): SignalEvidence | null {
  const least = thresholds.unbroken_run;
  const own = [...eventsBefore, ...events].filter(isActivity).map(({ occurred_at: at }) => minuteOf(at));
  const minutes = [...new Set(own)].sort((a, b) => a - b);
  const [best] = runsBy(minutes, (minute) => minute, least.pauseMinutes)
    .map(({ first, last, items }) => ({ first, last, length: last - first + 1, ownMinutes: items.length }))
    .filter(({ last, length }) => dayOfMinute(last) === day && length >= least.minutes)
    .sort((a, b) => b.length - a.length || a.first - b.first);
  if (best === undefined) return null;
  return {
    run_start: String(minuteStartMs(best.first)),
    minutes: String(best.length),
    own_minutes: String(best.ownMinutes),
  };
}
