import xxhash from 'xxhash-wasm';
import { usageRecorded } from '../codecs.js';
import type { UsageEvent } from './validity.js';

const hasher = await xxhash();

/** `(source, event_id, user_id, occurred_at)` as one text; NUL separates, as ids may hold any other character. */
export function identityOf(event: Pick<UsageEvent, 'source' | 'event_id' | 'user_id' | 'occurred_at'>): string {
  return `${event.source}\0${event.event_id}\0${event.user_id}\0${event.occurred_at}`;
}

/**
 * XXH64 (seed 0) of the canonical content: the event's Avro body with its attributes in the order of their names.
 * The same event gives the same hash whatever framing it came in.
 */
export function contentHash(event: UsageEvent): bigint {
  const names = Object.keys(event.attributes);
  if (names.length < 2) return hasher.h64Raw(usageRecorded.type.toBuffer(event));
  const attributes: Record<string, string> = {};
  for (const name of names.sort()) attributes[name] = event.attributes[name] ?? '';
  return hasher.h64Raw(usageRecorded.type.toBuffer({ ...event, attributes }));
}

/** `revision · 2^64 + contentHash`: of one identity's versions the greatest wins, whatever the order of arrival. */
export function versionOf(event: UsageEvent): bigint {
  return (BigInt(event.revision) << 64n) | contentHash(event);
}
