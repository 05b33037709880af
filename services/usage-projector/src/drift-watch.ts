import { setTimeout as sleep } from 'node:timers/promises';
import {
  dayFigures,
  daysToAudit,
  ledgerTotals,
  readClosures,
  suspectKey,
  suspectsOf,
  type BucketStart,
  type ClickHouseClient,
  type Suspect,
} from '@laurel/clickhouse';

export interface DriftOptions {
  /** Of usage events and of outcomes, on the broker. */
  readonly topics: readonly string[];
  /** Least time between two looks, in ms. */
  readonly intervalMs: number;
  /** For how long a difference has to stand, in ms: well beyond any coalescing. */
  readonly settleMs: number;
  /** Looks take at most this share of the time, as a large company's day is a long read. */
  readonly timeShare: number;
}

export interface DriftEvents {
  /** A day was compared; `drifting` are its buckets that stayed wrong. */
  onLook(day: BucketStart, drifting: readonly Suspect[]): void;
  /** Every day that there is; their comparison begins. */
  onRound(days: readonly BucketStart[]): void;
  /** A round is over in which every day was compared: records stored by its begin, repeats of batches left out, and distinct events. */
  onCounted(stored: number, events: number): void;
  /** A day could not be compared; it is its turn again in the next round. */
  onFailed(day: BucketStart | undefined, error: unknown): void;
  /** Another instance looks from now on. */
  onHandedOver(): void;
}

/**
 * Compares the figures of one day after the other with the log, the newest day first, and tells which buckets stay wrong:
 * under the same head, with the same events in the log, for as long as `settleMs`. It mends nothing; `laurel audit --heal` does.
 */
export class DriftWatch {
  private readonly stopped = new AbortController();
  private readingMs = 0;

  /**
   * @param isOurs whether this instance is the one that looks; it is asked before each look.
   */
  constructor(
    private readonly clickhouse: ClickHouseClient,
    private readonly options: DriftOptions,
    private readonly events: DriftEvents,
    private readonly isOurs: () => boolean,
  ) {}

  start(): void {
    void this.run();
  }

  /** Doesn't wait for a look that is under way: it ends with its connection. */
  stop(): void {
    this.stopped.abort();
  }

  async look(day: BucketStart): Promise<Look> {
    const { suspects, identities } = await this.compare(day);
    const before = new Map(suspects.map((one) => [suspectKey(one), stateOf(one)]));
    if (before.size === 0) return { drifting: [], identities };
    await sleep(this.options.settleMs, undefined, { signal: this.stopped.signal, ref: false });
    const after = await this.compare(day);
    return {
      identities: after.identities,
      drifting: after.suspects.filter((one) => before.get(suspectKey(one)) === stateOf(one)),
    };
  }

  private count({ stored, days, events }: Round): void {
    if (events.size === days)
      this.events.onCounted(
        stored,
        [...events.values()].reduce((sum, one) => sum + one, 0),
      );
  }

  private async stored(): Promise<number> {
    const partitions = await Promise.all(this.options.topics.map((topic) => ledgerTotals(this.clickhouse, topic)));
    return partitions.flat().reduce((sum, { rows }) => sum + rows, 0);
  }

  private async compare(
    day: BucketStart,
  ): Promise<{ readonly suspects: readonly Suspect[]; readonly identities: number }> {
    const began = performance.now();
    try {
      const closed = await readClosures(this.clickhouse);
      const figures = await dayFigures(this.clickhouse, day, closed);
      return { suspects: suspectsOf(figures, day, closed), identities: figures.identities };
    } finally {
      this.readingMs += performance.now() - began;
    }
  }

  private async run(): Promise<void> {
    const { intervalMs, timeShare } = this.options;
    const { signal } = this.stopped;
    const isStopped = (): boolean => signal.aborted;
    let left: BucketStart[] = [];
    let round: Round | undefined;
    const wrong = new Set<BucketStart>();
    let restUntil = performance.now() + intervalMs;
    let looks = 0;
    for (;;) {
      await sleep(intervalMs, undefined, { signal, ref: false }).catch(() => undefined);
      if (isStopped()) return;
      if (!this.isOurs()) {
        left = [];
        round = undefined;
        wrong.clear();
        this.events.onHandedOver();
        continue;
      }
      if (performance.now() < restUntil) continue;
      this.readingMs = 0;
      let day: BucketStart | undefined;
      try {
        if (left.length === 0) {
          left = [...(await daysToAudit(this.clickhouse, 0))];
          round = { stored: await this.stored(), days: left.length, events: new Map() };
          this.events.onRound(left);
        }
        // What was wrong is looked at again between the others, so that it is soon seen to be mended.
        const [again] = looks % 2 === 0 ? [] : wrong;
        day = again ?? left.pop();
        if (day === undefined) continue;
        looks += 1;
        const { drifting, identities } = await this.look(day);
        wrong.delete(day);
        if (drifting.length > 0) wrong.add(day);
        this.events.onLook(day, drifting);
        round?.events.set(day, identities);
        if (round !== undefined && left.length === 0) this.count(round);
      } catch (error) {
        if (!isStopped()) this.events.onFailed(day, error);
      }
      restUntil = performance.now() + this.readingMs / timeShare;
    }
  }
}

/** What one comparison of a day tells. */
export interface Look {
  readonly drifting: readonly Suspect[];
  /** How many distinct events the day has, retracted ones too. */
  readonly identities: number;
}

interface Round {
  readonly stored: number;
  readonly days: number;
  readonly events: Map<BucketStart, number>;
}

/** All that has to stay for a difference to count: what came since may mend it. */
const stateOf = ({ code, head, expected, found }: Suspect): string => JSON.stringify([code, head, expected, found]);
