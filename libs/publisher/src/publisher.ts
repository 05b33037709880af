import { outcomeRecorded, usageRecorded, type OutcomeEvent, type UsageEvent } from '@laurel/events';
import { PublisherError, warnOncePerMinute, type PublisherErrorCode, type UndeliveredRecord } from './errors.js';
import { after, KeepAlive } from './keep-alive.js';
import { outcomeEvent, outcomeRetraction, type OutcomeInput, type OutcomeRetraction } from './outcome-input.js';
import { resolveBuffering, type BufferingOptions, type ResolvedBuffering } from './options.js';
import { atProcessEnd } from './process-end.js';
import type { CloseReport, Publisher, PublisherStats, RecordResult } from './publisher-api.js';
import { RecordBuffer, type EncodedRecord, type Stream } from './record-buffer.js';
import { recordEncoder } from './record-encoder.js';
import type { RecordSink } from './record-sink.js';
import { retractionEvent, usageEvent, type CheckedInput, type Retraction, type UsageInput } from './usage-input.js';

/** The most that a valid event takes in the buffer: seven ids of 256 bytes and 8 KiB of attributes are its bounds. */
const MAX_EVENT_BYTES = 16 * 1024;
const FIRST_RETRY_DELAY_MS = 100;
/** An attempt may take long, as the Kafka client tries to connect for about 10 s; people are told earlier. */
const SLOW_ATTEMPT_MS = 2_000;
/** A delay is told of no more often, also when the broker comes and goes. */
export const REPORT_DELAY_EVERY_MS = 30_000;
const CLOSE_TIMEOUT_MS = 30_000;
const MAX_KEPT_FAILURES = 1_000;

/** Somebody who waits until the first `upTo` records are settled. */
interface SettleWaiter {
  readonly upTo: number;
  readonly resolve: () => void;
}

/** A publisher on any sink: buffering, batching, retrying, and its end. */
export class BufferedPublisher implements Publisher {
  private readonly options: ResolvedBuffering;
  private readonly report: (error: PublisherError) => void;
  private readonly encodeUsage = recordEncoder(usageRecorded);
  private readonly encodeOutcome = recordEncoder(outcomeRecorded);
  private readonly buffer = new RecordBuffer();
  private readonly keepAlive = new KeepAlive();
  private readonly forgetProcessEnd: () => void;

  private state: 'open' | 'closing' | 'closed' = 'open';
  private closing: Promise<CloseReport> | undefined;
  private sending = false;
  private lingerTimer: NodeJS.Timeout | undefined;
  private idleTimer: NodeJS.Timeout | undefined;
  private endPause: () => void = () => undefined;

  /** Records are settled in the order in which they were recorded, so that two counters tell which are open. */
  private recorded = 0;
  private settled = 0;
  /** The records up to this one are due, even when they don't fill a batch. */
  private dueUpTo = 0;
  private acknowledged = 0;
  private rejected = 0;
  private undelivered = 0;
  private batches = 0;
  private retries = 0;

  /** Halved when the broker refuses a batch, to find the record at fault; doubled after each success. */
  private maxBatchRecords = Number.POSITIVE_INFINITY;
  private attemptsInVain = 0;
  private delayedSinceMs: number | null = null;
  private delayReportedMs: number | null = null;

  private settleWaiters: SettleWaiter[] = [];
  private roomWaiters: (() => void)[] = [];
  /** Refused by the broker, and not yet told to a `flush()`. */
  private failures: UndeliveredRecord[] = [];

  constructor(
    options: BufferingOptions,
    private readonly sink: RecordSink,
    private readonly now: () => number = Date.now,
  ) {
    this.options = resolveBuffering(options);
    this.report = options.onError ?? warnOncePerMinute(now);
    this.forgetProcessEnd = atProcessEnd(() => {
      void this.close({ timeoutMs: this.options.exitTimeoutMs });
    });
  }

  record(usage: UsageInput): RecordResult {
    return this.take('usage', usageEvent(usage, this.options.source, this.now()), this.encodeUsage);
  }

  retract(retraction: Retraction): RecordResult {
    return this.take('usage', retractionEvent(retraction, this.options.source, this.now()), this.encodeUsage);
  }

  recordOutcome(outcome: OutcomeInput): RecordResult {
    return this.take('outcomes', outcomeEvent(outcome, this.options.source, this.now()), this.encodeOutcome);
  }

  retractOutcome(retraction: OutcomeRetraction): RecordResult {
    return this.take('outcomes', outcomeRetraction(retraction, this.options.source, this.now()), this.encodeOutcome);
  }

  get full(): boolean {
    return this.buffer.memoryBytes + MAX_EVENT_BYTES > this.options.maxBufferedBytes;
  }

  async ready(): Promise<void> {
    if (!this.full || this.state === 'closed') return;
    await this.keepAlive.during(new Promise<void>((resolve) => this.roomWaiters.push(resolve)));
  }

  async flush({ timeoutMs }: { readonly timeoutMs?: number } = {}): Promise<void> {
    const target = this.recorded;
    const inTime = await this.settledUpTo(target, timeoutMs);
    if (this.failures.length > 0) throw this.undeliverable();
    if (inTime) return;
    const open = target - this.settled;
    throw this.state === 'closed'
      ? new PublisherError('closed', `the publisher was closed before ${open} events arrived`, { retryable: false })
      : new PublisherError('timeout', `${open} events have no acknowledgement yet`, { retryable: true });
  }

  close({ timeoutMs = CLOSE_TIMEOUT_MS }: { readonly timeoutMs?: number } = {}): Promise<CloseReport> {
    this.closing ??= this.end(timeoutMs);
    return this.closing;
  }

  stats(): PublisherStats {
    return {
      recorded: this.recorded,
      acknowledged: this.acknowledged,
      rejected: this.rejected,
      undelivered: this.undelivered,
      buffered: this.buffer.length,
      bufferedBytes: this.buffer.memoryBytes,
      batches: this.batches,
      retries: this.retries,
      delayedSinceMs: this.delayedSinceMs,
    };
  }

  private take<E extends UsageEvent | OutcomeEvent>(
    stream: Stream,
    checked: CheckedInput<E>,
    encode: (event: E) => Buffer,
  ): RecordResult {
    if (!checked.ok) {
      const { code, message, field } = checked.fault;
      return this.refuse(new PublisherError(code, message, { retryable: false, field }));
    }
    if (this.state !== 'open') {
      return this.refuse(new PublisherError('closed', 'the publisher is closed', { retryable: false }));
    }
    if (this.full) {
      const message = `the buffer of ${this.options.maxBufferedBytes} bytes is full; wait for ready()`;
      return this.refuse(new PublisherError('buffer_full', message, { retryable: true }));
    }
    const { source, event_id, user_id, occurred_at } = checked.value;
    this.buffer.push({ stream, key: user_id, value: encode(checked.value) });
    this.recorded += 1;
    this.wake();
    return { accepted: true, identity: { source, event_id, user_id, occurred_at } };
  }

  private refuse(error: PublisherError): RecordResult {
    this.rejected += 1;
    this.tell(error);
    return { accepted: false, error };
  }

  /** A fault in the caller's own handler must not end the delivery: it surfaces as an uncaught error. */
  private tell(error: PublisherError): void {
    try {
      this.report(error);
    } catch (fault) {
      queueMicrotask(() => {
        throw fault;
      });
    }
  }

  private get due(): boolean {
    return this.settled < this.dueUpTo || this.buffer.wireBytes >= this.options.maxBatchBytes;
  }

  /** Sees to it that what waits is sent: at once when it is due, else when the linger time is over. */
  private wake(): void {
    if (this.sending || this.buffer.length === 0) return;
    if (this.due) {
      clearTimeout(this.lingerTimer);
      this.lingerTimer = undefined;
      clearTimeout(this.idleTimer);
      this.sending = true;
      void this.sendWhileDue();
      return;
    }
    this.lingerTimer ??= after(this.options.lingerMs, () => {
      this.lingerTimer = undefined;
      this.dueUpTo = this.recorded;
      this.wake();
    });
  }

  /** The only place that sends: one batch after another keeps each person's order. */
  private async sendWhileDue(): Promise<void> {
    while (this.isOpen() && this.due && this.buffer.length > 0) {
      await this.attempt(this.buffer.oldest(this.options.maxBatchBytes, this.maxBatchRecords));
    }
    this.sending = false;
    if (!this.isOpen()) return;
    if (this.buffer.length > 0) this.wake();
    else this.idleTimer = after(this.options.idleDisconnectMs, () => void this.rest());
  }

  /** A method, as the compiler can't know that the state changes while an attempt is awaited. */
  private isOpen(): boolean {
    return this.state !== 'closed';
  }

  private async rest(): Promise<void> {
    if (this.buffer.length === 0) await this.sink.rest();
  }

  private async attempt(batch: readonly EncodedRecord[]): Promise<void> {
    const slow = after(SLOW_ATTEMPT_MS, () => {
      if (this.isOpen()) this.tellDelay(new Error(`no acknowledgement for ${SLOW_ATTEMPT_MS} ms`));
    });
    const outcome = await this.sink.send(batch);
    clearTimeout(slow);
    if (!this.isOpen()) return;
    switch (outcome.kind) {
      case 'delivered':
        this.batches += 1;
        this.acknowledged += batch.length;
        this.settle(batch.length);
        return;
      case 'refused':
        if (batch.length > 1) {
          this.maxBatchRecords = Math.floor(batch.length / 2);
          return;
        }
        this.keepFailures(this.giveUp(batch, outcome.code, outcome.cause));
        this.settle(batch.length);
        return;
      case 'unavailable':
        await this.pause(outcome.cause);
    }
  }

  private settle(count: number): void {
    this.buffer.drop(count);
    this.settled += count;
    this.maxBatchRecords *= 2;
    this.attemptsInVain = 0;
    this.delayedSinceMs = null;
    const waiting = this.settleWaiters;
    if (waiting.length > 0) {
      this.settleWaiters = waiting.filter((waiter) => waiter.upTo > this.settled);
      for (const waiter of waiting) if (waiter.upTo <= this.settled) waiter.resolve();
    }
    if (this.roomWaiters.length > 0 && this.buffer.memoryBytes * 2 <= this.options.maxBufferedBytes) this.letIn();
  }

  private letIn(): void {
    const waiting = this.roomWaiters;
    this.roomWaiters = [];
    for (const resolve of waiting) resolve();
  }

  private giveUp(batch: readonly EncodedRecord[], code: PublisherErrorCode, cause?: unknown): UndeliveredRecord[] {
    const lost = batch.map((record) => ({ code, ...decoded(record) }));
    this.undelivered += lost.length;
    const message =
      code === 'timeout'
        ? `${lost.length} events had no acknowledgement when the publisher closed`
        : `the broker does not take the event ${eventIdOf(lost[0])}: ${messageOf(cause)}`;
    this.tell(
      new PublisherError(code, message, {
        retryable: code === 'timeout',
        cause,
        undelivered: lost.slice(0, MAX_KEPT_FAILURES),
      }),
    );
    return lost;
  }

  private keepFailures(lost: readonly UndeliveredRecord[]): void {
    if (this.failures.length < MAX_KEPT_FAILURES) this.failures.push(...lost);
  }

  private undeliverable(): PublisherError {
    const undelivered = this.failures;
    this.failures = [];
    const message = `the broker does not take ${undelivered.length} of the events: ${undelivered[0]?.code ?? ''}`;
    return new PublisherError('undeliverable', message, { retryable: false, undelivered });
  }

  private tellDelay(cause: unknown): void {
    this.delayedSinceMs ??= this.now();
    if (this.delayReportedMs !== null && this.now() - this.delayReportedMs < REPORT_DELAY_EVERY_MS) return;
    this.delayReportedMs = this.now();
    const message = `Kafka does not acknowledge; ${this.buffer.length} events wait: ${messageOf(cause)}`;
    this.tell(new PublisherError('delivery_delayed', message, { retryable: true, cause }));
  }

  private async pause(cause: unknown): Promise<void> {
    this.retries += 1;
    this.tellDelay(cause);
    const delay = Math.min(this.options.maxRetryDelayMs, FIRST_RETRY_DELAY_MS * 2 ** this.attemptsInVain);
    this.attemptsInVain += 1;
    await new Promise<void>((resolve) => {
      // Half of it at random, so that a company's tools don't come back in step.
      const timer = after(delay * (0.5 + Math.random() / 2), resolve);
      this.endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** True when the first `target` records are settled; false when the time is over or the publisher closed before. */
  private async settledUpTo(target: number, timeoutMs: number | undefined): Promise<boolean> {
    if (this.settled >= target || !this.isOpen()) return this.settled >= target;
    this.dueUpTo = Math.max(this.dueUpTo, target);
    this.wake();
    let timer: NodeJS.Timeout | undefined;
    await this.keepAlive.during(
      new Promise<void>((resolve) => {
        this.settleWaiters.push({ upTo: target, resolve });
        if (timeoutMs !== undefined) timer = after(timeoutMs, resolve);
      }),
    );
    clearTimeout(timer);
    return this.settled >= target;
  }

  /** Numbered, as each step relies on the one before it. */
  private async end(timeoutMs: number): Promise<CloseReport> {
    // 1. Nothing new comes in, and the process' end has nothing left to do.
    this.state = 'closing';
    this.forgetProcessEnd();
    // 2. What waits is sent, for as long as there is time.
    await this.settledUpTo(this.recorded, timeoutMs);
    // 3. No further attempt begins, and the outcome of one under way is not looked at.
    this.state = 'closed';
    clearTimeout(this.lingerTimer);
    clearTimeout(this.idleTimer);
    this.endPause();
    await this.keepAlive.during(this.sink.rest());
    // 4. Everybody who waits is told, and what is left is handed back.
    const refused = this.failures.splice(0);
    const left = this.buffer.takeAll();
    const late = left.length === 0 ? [] : this.giveUp(left, 'timeout');
    for (const { resolve } of this.settleWaiters.splice(0)) resolve();
    this.letIn();
    return { undelivered: [...refused, ...late] };
  }
}

const decoded = ({ stream, value }: EncodedRecord) =>
  stream === 'usage' ? { usage: usageRecorded.decode(value) } : { outcome: outcomeRecorded.decode(value) };

const eventIdOf = (lost: UndeliveredRecord | undefined): string =>
  lost === undefined ? '' : (lost.usage ?? lost.outcome).event_id;

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
