import { randomUUID } from 'node:crypto';

/**
 * A UUID version 7 (RFC 9562, section 5.7): its first 48 bits are the time, so that ids made together sort and
 * compress together. The random bits are those of a version 4.
 *
 * @param timeMs milliseconds since the epoch
 */
export function newEventId(timeMs: number): string {
  const time = timeMs.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8, 12)}-7${randomUUID().slice(15)}`;
}
