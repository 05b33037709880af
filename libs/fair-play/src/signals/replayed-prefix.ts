import type { PersonDay } from '../person-day.js';
import { thresholds, type SignalEvidence } from '../signal.js';

/** Far more read from caches than written by models: a long beginning that is sent again and again. Evidence: `cache_read`, `output`. */
export function replayedPrefix({ events }: PersonDay): SignalEvidence | null {
  const { cacheRead, readsPerOutputAbove } = thresholds.replayed_prefix;
  const read = events.reduce((sum, { tokens }) => sum + BigInt(tokens.cache_read), 0n);
  const output = events.reduce((sum, { tokens }) => sum + BigInt(tokens.output), 0n);
  if (read < cacheRead || read <= output * BigInt(readsPerOutputAbove)) return null;
  return { cache_read: String(read), output: String(output) };
}
