import xxhash from 'xxhash-wasm';
import { usageRecorded } from '../codecs.js';
import type { UsageEvent } from './validity.js';

const hasher = await xxhash();

/** `(source, event_id, user_id, occurred_at)` as one text. The lengths come first, as ids may hold any character. */
export function identityOf(event: Pick<UsageEvent, 'source' | 'event_id' | 'user_id' | 'occurred_at'>): string {
  const { source, event_id: id, user_id: user, occurred_at: at } = event;
  return `${source.length} ${id.length} ${at} ${source}${id}${user}`;
}

/** The event's Avro body with its attributes in the order of their names: the same for the same event, whatever framing it came in. */
export function canonicalBody(event: UsageEvent): Buffer {
  const names = Object.keys(event.attributes);
  if (names.length < 2) return usageRecorded.type.toBuffer(event);
  const attributes = Object.fromEntries(names.sort().map((name) => [name, event.attributes[name] ?? '']));
  return usageRecorded.type.toBuffer({ ...event, attributes });
}

/** XXH64 (seed 0) of the canonical body. */
export const contentHash = (event: UsageEvent): bigint => hasher.h64Raw(canonicalBody(event));

/** `revision · 2^64 + contentHash`: of one identity's versions the greatest wins, whatever the order of arrival. */
export function versionOf(event: UsageEvent): bigint {
  return (BigInt(event.revision) << 64n) | contentHash(event);
}
