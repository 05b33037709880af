import xxhash from 'xxhash-wasm';
import type { AvroCodec } from '../avro/codec.js';
import { outcomeRecorded, usageRecorded } from '../codecs.js';
import type { OutcomeEvent } from '../outcomes/validity.js';
import type { UsageEvent } from '../usage/validity.js';
import type { UserId, Valid } from './validity.js';

const hasher = await xxhash();

/** What tells one event of a topic from another; the time in ms since the epoch, UTC. */
export interface Identity {
  readonly source: string;
  readonly event_id: string;
  readonly user_id: UserId;
  readonly occurred_at: number;
}

/** `(source, event_id, user_id, occurred_at)` as one text. The lengths come first, as ids may hold any character. */
export function identityOf(event: Identity): string {
  const { source, event_id: id, user_id: user, occurred_at: at } = event;
  return `${source.length} ${id.length} ${at} ${source}${id}${user}`;
}

/** The event's Avro body with its attributes in the order of their names: the same for the same event, whatever framing it came in. */
export const canonicalBody = (event: UsageEvent): Buffer => canonical(usageRecorded, event);

function canonical<T extends { readonly attributes: Readonly<Record<string, string>> }>(
  { type }: AvroCodec<T>,
  event: T,
): Buffer {
  const names = Object.keys(event.attributes);
  if (names.length < 2) return type.toBuffer(event);
  const attributes = Object.fromEntries(names.sort().map((name) => [name, event.attributes[name] ?? '']));
  return type.toBuffer({ ...event, attributes });
}

/** XXH64 (seed 0) of the canonical body. */
export const contentHash = (event: UsageEvent): bigint => hasher.h64Raw(canonicalBody(event));

/** `revision · 2^64 + contentHash`: of one identity's versions the greatest wins, whatever the order of arrival. */
export const versionOf = (event: UsageEvent): bigint => version(event, contentHash(event));

/** The same of an outcome. */
export const outcomeVersionOf = (event: OutcomeEvent): bigint =>
  version(event, hasher.h64Raw(canonical(outcomeRecorded, event)));

const version = ({ revision }: Valid<{ readonly revision: number }>, hash: bigint): bigint =>
  (BigInt(revision) << 64n) | hash;
