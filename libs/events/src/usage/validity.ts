import type { UsageRecorded } from '../generated/types.js';
import { accept, reject, type Checked } from '../outcome.js';
import { tokenFields } from '../tokens.js';

declare const valid: unique symbol;
declare const brand: unique symbol;

/** A pseudonym, as it stands in tables and awards. */
export type UserId = string & { readonly [brand]: 'UserId' };

/** A usage event that passed `validateUsage`: nothing else makes one. */
export type UsageEvent = UsageRecorded & { readonly user_id: UserId; readonly [valid]: true };

/** Inclusive bounds of what is accepted; DESIGN: validity depends on the record alone. */
export const usageLimits = {
  maxCount: 2 ** 40,
  maxCostMicroUsd: 2 ** 50,
  maxRevision: 2 ** 31 - 1,
  maxIdBytes: 256,
  maxAttributes: 32,
  maxAttributeBytes: 8192,
  minOccurredAtMs: Date.UTC(2020, 0, 1),
  maxAheadOfRecordMs: 24 * 3_600_000,
} as const;

const REQUIRED_IDS = ['event_id', 'source', 'user_id', 'provider', 'model'] as const;
const OPTIONAL_IDS = ['team', 'session_id'] as const;
const EMAIL = /^[^@\s]+@[^@\s]+\.[^@\s]+$/;

/**
 * Checks every bound of a decoded event. An empty `team` or `session_id` means none.
 *
 * @param recordTimestampMs the record's own Kafka timestamp (LogAppendTime), which bounds `occurred_at` from above.
 */
export function validateUsage(event: UsageRecorded, recordTimestampMs: number): Checked<UsageEvent> {
  for (const field of REQUIRED_IDS) {
    const checked = checkText(event[field], field, 1);
    if (!checked.ok) return checked;
  }
  for (const field of OPTIONAL_IDS) {
    const value = event[field];
    if (value === null) continue;
    const checked = checkText(value, field, 0);
    if (!checked.ok) return checked;
  }
  if (EMAIL.test(event.user_id)) {
    return reject('user_id_is_email', 'user_id is to be a pseudonym, not an e-mail address', 'user_id');
  }
  for (const field of tokenFields) {
    if (!isCount(event.tokens[field], usageLimits.maxCount)) {
      return reject('count_out_of_range', `tokens.${field} is not a whole number from 0 to 2^40`, `tokens.${field}`);
    }
  }
  if (event.tokens.reasoning > event.tokens.output) {
    return reject(
      'reasoning_exceeds_output',
      'reasoning tokens are a part of output tokens and cannot exceed them',
      'tokens.reasoning',
    );
  }
  if (!isCount(event.revision, usageLimits.maxRevision)) {
    return reject('count_out_of_range', 'revision is not a whole number from 0 to 2^31 - 1', 'revision');
  }
  if (event.cost_micro_usd !== null && !isCount(event.cost_micro_usd, usageLimits.maxCostMicroUsd)) {
    return reject('count_out_of_range', 'cost_micro_usd is not a whole number from 0 to 2^50', 'cost_micro_usd');
  }
  const latest = recordTimestampMs + usageLimits.maxAheadOfRecordMs;
  if (!(event.occurred_at >= usageLimits.minOccurredAtMs && event.occurred_at <= latest)) {
    return reject(
      'time_out_of_range',
      'occurred_at is before 2020 or over 24 h after the record was published',
      'occurred_at',
    );
  }
  const attributes = checkAttributes(event.attributes);
  if (!attributes.ok) return attributes;
  const absent = event.team === '' || event.session_id === '';
  return accept(
    (absent
      ? {
          ...event,
          team: event.team === '' ? null : event.team,
          session_id: event.session_id === '' ? null : event.session_id,
        }
      : event) as UsageEvent,
  );
}

const isCount = (value: number, max: number): boolean => Number.isInteger(value) && value >= 0 && value <= max;

/** UTF-16 units bound UTF-8 bytes from both sides (1 to 3 each), so the exact count is seldom needed. */
function exceeds(text: string, maxBytes: number): boolean {
  return text.length > maxBytes || (text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes);
}

/** A replacement character or a lone surrogate shows that bytes were lost before they came here. */
const isIntact = (text: string): boolean => !text.includes('\uFFFD') && text.isWellFormed();

function checkText(text: string, field: string, minLength: number): Checked<null> {
  if (text.length < minLength || exceeds(text, usageLimits.maxIdBytes)) {
    return reject('invalid_id', `${field} is not ${minLength} to ${usageLimits.maxIdBytes} bytes long`, field);
  }
  return isIntact(text) ? accept(null) : reject('invalid_utf8', `${field} is not valid UTF-8`, field);
}

function checkAttributes(attributes: Readonly<Record<string, string>>): Checked<null> {
  let entries = 0;
  let bytes = 0;
  for (const [name, value] of Object.entries(attributes)) {
    entries += 1;
    // The length in UTF-16 units is a lower bound, so that a megabyte is refused without being measured.
    if (bytes + name.length + value.length > usageLimits.maxAttributeBytes) bytes = Infinity;
    else bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
    if (entries > usageLimits.maxAttributes || bytes > usageLimits.maxAttributeBytes) {
      return reject('attributes_too_large', 'attributes are more than 32 entries or 8 KiB', 'attributes');
    }
    if (!isIntact(name) || !isIntact(value))
      return reject('invalid_utf8', 'attributes are not valid UTF-8', 'attributes');
  }
  return accept(null);
}
