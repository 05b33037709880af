import type { DeadLetterCode, OutcomeRecorded, UsageRecorded } from '@laurel/events';

/** Why a record was not taken, not delivered, or is late. Closed: decide on this, never on a message. */
export type PublisherErrorCode =
  /** The event is invalid; the codes are those of Laurel's dead letters, see `field`. */
  | DeadLetterCode
  /** A provider's usage object contradicts itself: its parts do not add up to its own total. */
  | 'usage_mismatch'
  /** The buffer is full: wait for `ready()`, then record again. Nothing was taken. */
  | 'buffer_full'
  /** The publisher is closing or closed. */
  | 'closed'
  /** The broker will never take this record: it is larger than the topic's `max.message.bytes`. */
  | 'record_too_large'
  /** The broker will never take this record, for another reason; see `cause`. */
  | 'record_refused'
  /** Kafka can't be reached or doesn't acknowledge: records wait and are sent again. Nothing is lost. */
  | 'delivery_delayed'
  /** `close()` or `flush()` ran out of time; the record had no acknowledgement by then. */
  | 'timeout'
  /** `flush()`: some records recorded before it were refused by the broker; see `undelivered`. */
  | 'undeliverable'
  /** `createPublisher` was given options that can't work. */
  | 'invalid_options';

export interface PublisherErrorDetails {
  /** True when the same call may succeed later. */
  readonly retryable: boolean;
  /** The field of the event at fault. */
  readonly field?: string | null;
  readonly cause?: unknown;
  /** The records concerned, at most 1000 of them. */
  readonly undelivered?: readonly UndeliveredRecord[];
}

/**
 * A record that has no acknowledgement: `usage` or `outcome` can be recorded again as it is, as its identity stays the
 * same.
 */
export type UndeliveredRecord = { readonly code: PublisherErrorCode } & (
  | { readonly usage: UndeliveredUsage; readonly outcome?: undefined }
  | { readonly outcome: UndeliveredOutcome; readonly usage?: undefined }
);

/** An event as it was encoded, with every default filled in. */
export type UndeliveredUsage = UsageRecorded;
export type UndeliveredOutcome = OutcomeRecorded;

export class PublisherError extends Error {
  override readonly name = 'PublisherError';
  readonly retryable: boolean;
  readonly field: string | null;
  readonly undelivered: readonly UndeliveredRecord[];

  constructor(
    readonly code: PublisherErrorCode,
    message: string,
    { retryable, field, cause, undelivered }: PublisherErrorDetails,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.retryable = retryable;
    this.field = field ?? null;
    this.undelivered = undelivered ?? [];
  }
}

/**
 * What happens without an `onError` of your own: a process warning for each code, at most one a minute,
 * so that an outage does not fill a log.
 */
export function warnOncePerMinute(now: () => number): (error: PublisherError) => void {
  const warnedAt = new Map<PublisherErrorCode, number>();
  return (error) => {
    const last = warnedAt.get(error.code);
    if (last !== undefined && now() - last < 60_000) return;
    warnedAt.set(error.code, now());
    process.emitWarning(error.message, { type: 'LaurelPublisher', code: error.code });
  };
}
