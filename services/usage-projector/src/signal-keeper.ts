import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  computeSignals,
  readClosures,
  rollIdOf,
  staleSignals,
  type ClickHouseClient,
  type StalePart,
} from '@laurel/clickhouse';

export interface SignalOptions {
  /** Least time between two looks at what is to be computed, in ms. */
  readonly intervalMs: number;
  /** Computing takes at most this share of the time, as a large company’s day is a long read. */
  readonly timeShare: number;
}

export interface SignalEvents {
  onComputed(part: StalePart, seconds: number): void;
  /** How many parts of days wait to be computed. */
  onWaiting(parts: number): void;
  onFailed(error: unknown): void;
}

/** As a roll that took longer may be swept before it has a head, in ms; see `Projector`. */
const HEAD_WITHIN_MS = 10 * 60_000;
/** No announcement leads to these rolls; they compare by the time of the attempt alone. */
const NO_OFFSET = -1;

/**
 * Keeps the signals of closed days equal to the log: whatever part of a day rests on other rolls of days than those that are read now is
 * computed again. Nothing has to be remembered for it, so nothing is lost by a crash; who computes beside it does no harm, either.
 *
 * Nobody waits for signals, so that they are computed one after the other, and rest for most of the time.
 */
export class SignalKeeper {
  private readonly stopped = new AbortController();

  /** @param isOurs whether this instance is the one that computes; it is asked before each part. */
  constructor(
    private readonly clickhouse: ClickHouseClient,
    private readonly options: SignalOptions,
    private readonly events: SignalEvents,
    private readonly isOurs: () => boolean,
  ) {}

  start(): void {
    void this.run();
  }

  /** Doesn’t wait for what is being computed: it ends with its connection. */
  stop(): void {
    this.stopped.abort();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopped;
    let restMs = this.options.intervalMs;
    for (;;) {
      await sleep(restMs, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      restMs = this.options.intervalMs;
      if (!this.isOurs()) continue;
      try {
        const tookMs = await this.computeNext();
        // While something is left to do it rests by what it does, and else by the clock.
        if (tookMs !== undefined) restMs = tookMs / this.options.timeShare;
      } catch (error) {
        if (!this.stopped.signal.aborted) this.events.onFailed(error);
      }
    }
  }

  /** @returns how long it took, in ms; undefined when there is nothing to compute. */
  private async computeNext(): Promise<number | undefined> {
    const began = performance.now();
    const { day } = await readClosures(this.clickhouse);
    const stale = await staleSignals(this.clickhouse, day);
    this.events.onWaiting(stale.length);
    const [next] = stale;
    if (next === undefined) return undefined;
    const rollId = rollIdOf(NO_OFFSET, Date.now(), randomInt(2 ** 20));
    await computeSignals(this.clickhouse, next, rollId, () => performance.now() - began > HEAD_WITHIN_MS);
    const tookMs = performance.now() - began;
    this.events.onComputed(next, tookMs / 1000);
    return tookMs;
  }
}
