import type { PublisherError, UndeliveredRecord } from './errors.js';
import type { OutcomeInput, OutcomeRetraction } from './outcome-input.js';
import type { Retraction, UsageIdentity, UsageInput } from './usage-input.js';

/** What `record()` says: taken, with what identifies the event from now on, or not, and why. */
export type RecordResult =
  | { readonly accepted: true; readonly identity: UsageIdentity }
  | { readonly accepted: false; readonly error: PublisherError };

export interface PublisherStats {
  /** Events taken by `record()`, `retract()`, `recordOutcome()` and `retractOutcome()`. Each ends as acknowledged or undelivered, or is buffered still. */
  readonly recorded: number;
  readonly acknowledged: number;
  /** Events not taken: invalid, or the buffer was full, or the publisher closed. */
  readonly rejected: number;
  /** Events taken that the broker refused for good, or that `close()` had to leave. */
  readonly undelivered: number;
  readonly buffered: number;
  /** Memory of the buffered events, about; never above `maxBufferedBytes`. */
  readonly bufferedBytes: number;
  /** Acknowledged requests. */
  readonly batches: number;
  /** Attempts that failed and were repeated. */
  readonly retries: number;
  /** Since when Kafka has not acknowledged anything, in ms since the epoch; null while all is well. */
  readonly delayedSinceMs: number | null;
}

export interface CloseReport {
  /** Events without an acknowledgement: refused since the last `flush()`, or still waiting at the deadline. */
  readonly undelivered: readonly UndeliveredRecord[];
}

export interface Publisher {
  /**
   * Takes an event for delivery: checks it, encodes it, and returns. Never throws, never waits, makes no promise.
   * A refusal is returned and also goes to `onError`.
   */
  record(usage: UsageInput): RecordResult;
  /** Takes an event out of every figure. Its identity is repeated, its revision raised. */
  retract(retraction: Retraction): RecordResult;
  /** Takes an outcome for delivery, as `record()` takes an event. */
  recordOutcome(outcome: OutcomeInput): RecordResult;
  /** Takes an outcome out of every figure. Its identity is repeated, its revision raised. */
  retractOutcome(retraction: OutcomeRetraction): RecordResult;
  /** While this is false, no valid event is refused for want of room. */
  readonly full: boolean;
  /** Resolves when there is room: at once, or when half of the buffer is free. */
  ready(): Promise<void>;
  /**
   * Resolves when every event recorded before it is acknowledged by all in-sync replicas. Rejects with `undeliverable`
   * when the broker refused some of those recorded since the last `flush()`, with `timeout` (they stay in the buffer
   * and are sent on), or with `closed`.
   */
  flush(options?: { readonly timeoutMs?: number }): Promise<void>;
  /** Takes no more, delivers what waits for at most `timeoutMs` (default 30 000), disconnects. Never rejects. */
  close(options?: { readonly timeoutMs?: number }): Promise<CloseReport>;
  stats(): PublisherStats;
}
