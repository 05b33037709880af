import { reject, type Checked } from '../checked.js';

declare const valid: unique symbol;
declare const brand: unique symbol;

/** A pseudonym, as it stands in tables and awards. */
export type UserId = string & { readonly [brand]: 'UserId' };

/** An event whose every bound was checked: only the validation of its kind makes one. */
export type Valid<T> = T & { readonly user_id: UserId; readonly [valid]: true };

/** What events of every kind have. */
interface Checkable {
  readonly user_id: string;
  readonly team: string | null;
  readonly session_id: string | null;
  readonly revision: number;
  readonly occurred_at: number;
}

/** Inclusive bounds of what events of every kind have; DESIGN: validity depends on the record alone. */
export const recordLimits = {
  maxRevision: 2 ** 31 - 1,
  maxIdBytes: 256,
  maxAttributes: 32,
  maxAttributeBytes: 8192,
  minOccurredAtMs: Date.UTC(2020, 0, 1),
  maxAheadOfRecordMs: 24 * 3_600_000,
} as const;

/** A fault, or undefined where there is none. */
type Fault = Checked<never> | undefined;

const OPTIONAL_IDS = ['team', 'session_id'] as const;
const EMAIL = /^[^@\s]+@[^@\s]+\.[^@\s]+$/;

export function checkRequiredIds<F extends string>(event: Readonly<Record<F, string>>, fields: readonly F[]): Fault {
  for (const field of fields) {
    const fault = checkText(event[field], field, 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

export function checkOptionalIds(event: Checkable): Fault {
  for (const field of OPTIONAL_IDS) {
    const value = event[field];
    const fault = value === null ? undefined : checkText(value, field, 0);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

export const checkUser = ({ user_id: userId }: Checkable): Fault =>
  EMAIL.test(userId)
    ? reject('user_id_is_email', 'user_id is to be a pseudonym, not an e-mail address', 'user_id')
    : undefined;

export const checkRevision = ({ revision }: Checkable): Fault =>
  isCount(revision, recordLimits.maxRevision)
    ? undefined
    : reject('count_out_of_range', 'revision is not a whole number from 0 to 2^31 - 1', 'revision');

export function checkTime({ occurred_at: at }: Checkable, recordTimestampMs: number): Fault {
  const latest = recordTimestampMs + recordLimits.maxAheadOfRecordMs;
  if (at >= recordLimits.minOccurredAtMs && at <= latest) return undefined;
  return reject(
    'time_out_of_range',
    'occurred_at is before 2020 or over 24 h after the record was published',
    'occurred_at',
  );
}

export const isCount = (value: number, max: number): boolean => Number.isInteger(value) && value >= 0 && value <= max;

/** UTF-16 units bound UTF-8 bytes from both sides (1 to 3 each), so the exact count is seldom needed. */
function exceeds(text: string, maxBytes: number): boolean {
  return text.length > maxBytes || (text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes);
}

/** A replacement character or a lone surrogate shows that bytes were lost before they came here. */
const isIntact = (text: string): boolean => !text.includes('\uFFFD') && text.isWellFormed();

function checkText(text: string, field: string, minLength: number): Fault {
  if (text.length < minLength || exceeds(text, recordLimits.maxIdBytes)) {
    return reject('invalid_id', `${field} is not ${minLength} to ${recordLimits.maxIdBytes} bytes long`, field);
  }
  return isIntact(text) ? undefined : reject('invalid_utf8', `${field} is not valid UTF-8`, field);
}

export function checkAttributes(attributes: Readonly<Record<string, string>>): Fault {
  let entries = 0;
  let bytes = 0;
  for (const [name, value] of Object.entries(attributes)) {
    entries += 1;
    // The length in UTF-16 units is a lower bound, so that a megabyte is refused without being measured.
    if (bytes + name.length + value.length > recordLimits.maxAttributeBytes) bytes = Infinity;
    else bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
    if (entries > recordLimits.maxAttributes || bytes > recordLimits.maxAttributeBytes) {
      return reject('attributes_too_large', 'attributes are more than 32 entries or 8 KiB', 'attributes');
    }
    if (!isIntact(name) || !isIntact(value))
      return reject('invalid_utf8', 'attributes are not valid UTF-8', 'attributes');
  }
  return undefined;
}

/** The event, which was found valid; an empty `team` or `session_id` means none. */
export function withoutEmpty<T extends Checkable>(event: T): Valid<T> {
  const isAbsent = event.team === '' || event.session_id === '';
  return (
    isAbsent
      ? {
          ...event,
          team: event.team === '' ? null : event.team,
          session_id: event.session_id === '' ? null : event.session_id,
        }
      : event
  ) as Valid<T>;
}
