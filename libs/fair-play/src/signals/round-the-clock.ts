import { hourOf, isActivity } from '@laurel/usage';
import type { PersonDay } from '../person-day.js';
import { thresholds, type SignalEvidence } from '../signal.js';

/** Calls of the person’s own in most hours of the UTC day. Evidence: `own_hours`, those with at least one. */
export function roundTheClock({ events }: PersonDay): SignalEvidence | null {
  const hours = new Set(events.filter(isActivity).map(({ occurred_at: at }) => hourOf(at))).size;
  return hours < thresholds.round_the_clock.ownHours ? null : { own_hours: String(hours) };
}
