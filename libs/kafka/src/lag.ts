/** Where a consumer group stands in one partition, for operators. */
export interface PartitionLag {
  readonly topic: string;
  readonly partition: number;
  /** Offsets between the committed one and the end of what is committed to the log; transaction markers count too. */
  readonly records: number;
  /** For how long the log has been seen to end beyond the committed offset, in seconds: the least age of what waits. */
  readonly seconds: number;
  /** For how long nothing was committed although something waited, in seconds. */
  readonly stalledSeconds: number;
}

/** One look at the partition, by a clock that is never set. */
interface Sight {
  readonly atMs: number;
  readonly high: number;
}

/** More looks than this are thinned out, so that an outage of days takes no more memory than one of hours. */
const MAX_SIGHTS = 4096;

/**
 * Turns looks at the ends of a partition into its lag in time. No record's own time is needed, so neither a publisher's
 * clock nor a topic that was silent for long can mislead: the oldest waiting record came after the last look at which the
 * log ended at or before the committed offset.
 */
export class LagClock {
  /** Ascending in both; the first is the last look that shows nothing waiting, if there was one. */
  private sights: Sight[] = [];
  private committed = -1;
  private movedAtMs = 0;

  /** @param atMs of a clock that is never set. */
  look(atMs: number, high: number, committed: number): void {
    if (committed !== this.committed || high <= committed) this.movedAtMs = atMs;
    this.committed = committed;
    if (this.sights.at(-1)?.high !== high) this.sights.push({ atMs, high });
    const firstWaiting = this.sights.findIndex((sight) => sight.high > committed);
    this.sights = firstWaiting < 0 ? this.sights.slice(-1) : this.sights.slice(firstWaiting);
    if (this.sights.length > MAX_SIGHTS) this.sights = this.sights.filter((_, index) => index % 2 === 0);
  }

  lag(nowMs: number): Pick<PartitionLag, 'records' | 'seconds' | 'stalledSeconds'> {
    const records = Math.max(0, (this.sights.at(-1)?.high ?? 0) - Math.max(0, this.committed));
    const first = this.sights[0];
    if (records === 0 || first === undefined) return { records: 0, seconds: 0, stalledSeconds: 0 };
    return {
      records,
      seconds: (nowMs - first.atMs) / 1000,
      stalledSeconds: (nowMs - Math.max(first.atMs, this.movedAtMs)) / 1000,
    };
  }
}
