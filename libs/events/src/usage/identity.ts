import xxhash from 'xxhash-wasm';
import { usageRecorded } from '../codecs.js';
import type { UsageEvent } from './validity.js';

const hasher = await xxhash();

/** `(source, event_id, user_id, occurred_at)` as one text. The lengths come first, as ids may hold any character. */
export function identityOf(event: Pick<UsageEvent, 'source' | 'event_id' | 'user_id' | 'occurred_at'>): string {
  const { source, event_id: id, user_id: user, occurred_at: at } = event;
  return `${source.length} ${id.length} ${at} ${source}${id}${user}`;
}

/**
 * XXH64 (seed 0) of the canonical content: the event's Avro body with its attributes in the order of their names.
 * The same event gives the same hash whatever framing it came in.
 */
export function contentHash(event: UsageEvent): bigint {
  const names = Object.keys(event.attributes);
  if (names.length < 2) return hasher.h64Raw(usageRecorded.type.toBuffer(event));
  const attributes = Object.fromEntries(names.sort().map((name) => [name, event.attributes[name] ?? '']));
  return hasher.h64Raw(usageRecorded.type.toBuffer({ ...event, attributes }));
}

/** `revision · 2^64 + contentHash`: of one identity's versions the greatest wins, whatever the order of arrival. */
export function versionOf(event: UsageEvent): bigint {
  return (BigInt(event.revision) << 64n) | contentHash(event);
}
