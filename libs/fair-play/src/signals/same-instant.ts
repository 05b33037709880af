import type { PersonDay } from '../person-day.js';
import { thresholds, type SignalEvidence } from '../signal.js';

/**
 * Many calls of the very same millisecond, as whoever makes up events, or copies them from a list, writes them. Of several such instants the one
 * with the most calls, then the earliest.
 *
 * Evidence: `instant` (ms), `calls`.
 */
export function sameInstant({ events }: PersonDay): SignalEvidence | null {
  const calls = new Map<number, number>();
  for (const { occurred_at: at } of events) calls.set(at, (calls.get(at) ?? 0) + 1);
  const [best] = [...calls]
    .filter(([, count]) => count >= thresholds.same_instant.calls)
    .sort(([a, own], [b, other]) => other - own || a - b);
  return best === undefined ? null : { instant: String(best[0]), calls: String(best[1]) };
}
