import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  readClosures,
  rollDay,
  rollHours,
  rollIdOf,
  rollMinutes,
  rollOutcomes,
  runAll,
  serverNowMs,
  Sweeper,
  writeClosure,
  writeFirstClosures,
  writeHeads,
  type BucketStart,
  type ClickHouseClient,
  type Grain,
  type Statement,
} from '@laurel/clickhouse';
import { topics, usageProjected, usageStored } from '@laurel/events';
import { partitionOf, type Delivery, type OutgoingRecord, type RecordProducer } from '@laurel/kafka';
import { keepTrying, type RetryPolicy } from '@laurel/stream';
import { dayKey, dayOfHour, dayOfMinute, hourOf, hourOfDay, type Day, type Hour } from '@laurel/usage';
import {
  byDayOf,
  PendingRolls,
  touchedHoursByDay,
  type ClosedBefore,
  type LatePolicy,
  type RollPlan,
} from './pending-rolls.js';

export interface ProjectorOptions {
  /** Least time between two recomputations of an open minute, in ms. */
  readonly rollIntervalMs: number;
  readonly late: LatePolicy;
  /** How long after its end an hour is closed, in ms. */
  readonly hourCloseDelayMs: number;
  /** Least time between two sweeps of what nobody reads any more, in ms. Default 300 000. */
  readonly sweepEveryMs?: number;
}

export interface ProjectorEvents {
  onRolled(plan: RollPlan, seconds: number): void;
}

/** Far beyond any attempt's deadline, in ms: rolls that have been without a head for this long are nobody's, and readers are done. */
const STALE_AFTER_MS = 15 * 60_000;
/** A roll that took longer gets no head and is made again, in ms; well below STALE_AFTER_MS. */
const HEAD_WITHIN_MS = 10 * 60_000;
/**
 * After a pass it rests for so many times as long as the pass took, so that its queries take some hundredths of the time …
 */
const REST_TIMES = 16;
/** … but no longer than this, in ms, as figures are to be seconds old … */
const REST_AT_MOST_MS = 2000;
/**
 * … unless the passes themselves are long: when much comes in at once, as after an outage, more announcements become one roll, and the
 * queries take a third of the time at most.
 */
const CATCHING_UP_REST_TIMES = 2;
const CATCHING_UP_REST_AT_MOST_MS = 5000;
const SWEEP_EVERY_MS = 5 * 60_000;
const CLOSE_CHECK_EVERY_MS = 5000;
/** An hour's end is announced again after this long, should the first announcement have met no owner, in ms. */
const REANNOUNCE_AFTER_MS = 60_000;

interface Owned {
  readonly pending: PendingRolls;
  /** The newest delivery, through which the partition is committed. */
  delivery: Delivery;
  committed: number;
}

/**
 * Recomputes whatever an announcement on `usage.stored.v1` touched. Nothing else makes it recompute anything: hour ends
 * are announced too, by it, to the owner of the day.
 */
export class Projector {
  private readonly owned = new Map<number, Owned>();
  private readonly announcedAtMs = new Map<Hour, number>();
  private readonly stopped = new AbortController();
  private loop: Promise<void> | undefined;
  private assigned: readonly number[] = [];
  private readonly sweeper: Sweeper;
  private sweeping = false;

  constructor(
    private readonly clickhouse: ClickHouseClient,
    private readonly producer: RecordProducer,
    private readonly policy: RetryPolicy,
    private readonly options: ProjectorOptions,
    private readonly events: ProjectorEvents,
    private readonly onFatal: (error: unknown) => void,
  ) {
    this.sweeper = new Sweeper(clickhouse, STALE_AFTER_MS);
  }

  /** On first use hours before now are closed without rolls: there is nothing in them that was not announced. */
  async start(): Promise<void> {
    await this.attempt('close', () => writeFirstClosures(this.clickhouse, this.options.hourCloseDelayMs));
    this.loop = this.run().catch((error: unknown) => {
      if (!this.stopped.signal.aborted) this.onFatal(error);
    });
  }

  async stop(): Promise<void> {
    this.stopped.abort();
    await this.loop;
  }

  onAssigned(partitions: readonly number[]): void {
    this.owned.clear();
    this.assigned = partitions;
  }

  /** Takes the announcements in and returns: they are committed when their heads are written. */
  onBatch(delivery: Delivery): void {
    const { batch, assignment } = delivery;
    // It may have been under way when the partitions were assigned anew: its owner gets it again.
    if (assignment.aborted) return;
    const known = this.owned.get(batch.partition);
    const owned = known ?? { pending: new PendingRolls(), delivery, committed: -1 };
    owned.delivery = delivery;
    const nowMs = performance.now();
    for (const { offset, value } of batch.records) {
      // Only our own services write here, so what can't be read is a bug.
      if (value === null) throw new Error(`usage.stored.v1/${batch.partition}/${offset} is empty`);
      owned.pending.add(offset, usageStored.decode(value), nowMs);
    }
    this.owned.set(batch.partition, owned);
  }

  private async run(): Promise<void> {
    const { signal } = this.stopped;
    let closesCheckedAt = -Infinity;
    let sweptAt = performance.now();
    while (!signal.aborted) {
      // Waits are measured by a clock that is never set: only hour ends and roll ids are about the time of day.
      const began = performance.now();
      for (const [partition, owned] of [...this.owned]) await this.flush(partition, owned);
      const restMs = restAfter(performance.now() - began);
      if (began - closesCheckedAt >= CLOSE_CHECK_EVERY_MS) {
        closesCheckedAt = began;
        await this.announceHourEnds();
      }
      if (began - sweptAt >= (this.options.sweepEveryMs ?? SWEEP_EVERY_MS) && this.isFirst && !this.sweeping) {
        sweptAt = began;
        void this.sweep();
      }
      await sleep(Math.max(restMs, this.options.rollIntervalMs - (performance.now() - began)), undefined, { signal });
    }
  }

  /** Whether this instance does what one does for all. */
  get isFirst(): boolean {
    return this.assigned.includes(0);
  }

  /** For how long the oldest announcement has waited for its figures, in ms; 0 when none waits. */
  waitingMs(): number {
    const nowMs = performance.now();
    return Math.max(0, ...[...this.owned.values()].map(({ pending }) => nowMs - (pending.oldestMs() ?? nowMs)));
  }

  /**
   * One partition's due buckets. A crash leaves behind, after
   * 1. the rolls: rows that no head names, swept later;
   * 2. the heads: the figures are there, and are recomputed once more after the repeat;
   * 3. the closures: as 2 — a closure is raised only when the head of its bucket is there;
   * 4. the announcement: it is made again.
   * Step 5, the commit, is the last.
   */
  private async flush(partition: number, owned: Owned): Promise<void> {
    if (owned.delivery.assignment.aborted) return;
    // Where nothing waits, nobody is asked.
    const closed = owned.pending.isEmpty ? undefined : await this.closed();
    const began = performance.now();
    const plan = closed === undefined ? undefined : owned.pending.plan(closed, began, this.options.late);
    if (plan !== undefined) {
      for (const minutes of byDayOf(plan.minutes, dayOfMinute)) {
        await this.roll(
          'minute',
          minutes.map((minute) => minute * 60),
          plan.offset,
          rollMinutes,
        );
      }
      for (const hours of byDayOf(plan.hours, dayOfHour)) {
        await this.roll(
          'hour',
          hours.map((hour) => hour * 3600),
          plan.offset,
          rollHours,
        );
      }
      for (const hour of plan.closeHours) {
        await this.attempt('close', () => writeClosure(this.clickhouse, 'hour', (hour + 1) * 3600));
      }
      for (const day of plan.days) {
        await this.roll('day', [day * 86_400], plan.offset, ([start = 0], rollId) => rollDay(start, rollId));
      }
      for (const day of plan.closeDays) {
        await this.attempt('close', () => writeClosure(this.clickhouse, 'day', (day + 1) * 86_400));
      }
      for (const day of plan.outcomeDays) {
        await this.roll('outcome_day', [day * 86_400], plan.offset, ([start = 0], rollId) =>
          rollOutcomes(start, rollId),
        );
      }
      await this.attempt('announce', () => this.producer.send(topics.usageProjected.name, projectedRecords(plan)));
      owned.pending.settle();
      this.events.onRolled(plan, (performance.now() - began) / 1000);
    }
    const next = owned.pending.committable();
    // The partition may have been assigned anew meanwhile; then this does nothing.
    if (next !== undefined && next > owned.committed && this.owned.get(partition) === owned) {
      await this.attempt('commit', () => owned.delivery.commit(next));
      owned.committed = next;
    }
  }

  /**
   * Steps 1 and 2: the head only when the roll is complete. Each attempt has a roll id of its own: one that seemed to fail
   * may have written its rows all the same, and under one id they would stand twice. Nor is a head ever written long
   * after its roll, be it for an outage or because the process stood still: the roll may have been swept by then, and the
   * bucket would be empty.
   */
  private async roll(
    grain: Grain,
    starts: readonly BucketStart[],
    offset: number,
    statements: (starts: readonly BucketStart[], rollId: bigint) => readonly Statement[],
  ): Promise<void> {
    const rollOnce = async (): Promise<boolean> => {
      const beganMs = performance.now();
      const rollId = rollIdOf(offset, Date.now(), randomInt(2 ** 20));
      await runAll(this.clickhouse, statements(starts, rollId));
      if (performance.now() - beganMs > HEAD_WITHIN_MS) return false;
      await writeHeads(this.clickhouse, grain, starts, rollId);
      return true;
    };
    while (!(await this.attempt('roll', rollOnce)));
  }

  /** An hour is over when it is over by two clocks: one that was set forward shall not close what is still to come. */
  private async announceHourEnds(): Promise<void> {
    const nowMs = Math.min(Date.now(), await this.attempt('read', () => serverNowMs(this.clickhouse)));
    const over = hourOf(nowMs - this.options.hourCloseDelayMs);
    const announcedAt = performance.now();
    const due: OutgoingRecord[] = [];
    const open = (await this.closed()).hour;
    for (let hour = open; hour < over; hour = (hour + 1) as Hour) {
      const isOwner = this.assigned.includes(partitionOf(dayKey(dayOfHour(hour)), topics.usageStored.partitions));
      if (!isOwner || announcedAt - (this.announcedAtMs.get(hour) ?? -Infinity) < REANNOUNCE_AFTER_MS) continue;
      this.announcedAtMs.set(hour, announcedAt);
      due.push(hourOverRecord(hour, nowMs));
    }
    for (const hour of this.announcedAtMs.keys()) if (hour < open) this.announcedAtMs.delete(hour);
    if (due.length > 0) await this.attempt('announce', () => this.producer.send(topics.usageStored.name, due));
  }

  /**
   * Beside the rolls, as another instance's would be: it may take long, and while ClickHouse is in trouble nothing waits for it. What
   * fails is left to the next one.
   */
  private async sweep(): Promise<void> {
    this.sweeping = true;
    try {
      const { hour } = await readClosures(this.clickhouse);
      await this.sweeper.sweep(() => performance.now(), hour);
    } catch (error) {
      if (this.stopped.signal.aborted) return;
      if (this.policy.classify(error) !== 'retriable') this.onFatal(error);
      else this.policy.onOutage?.('sweep', error instanceof Error ? error : new Error(String(error)), 1);
    } finally {
      this.sweeping = false;
    }
  }

  private async closed(): Promise<ClosedBefore> {
    const { hour, day } = await this.attempt('read', () => readClosures(this.clickhouse));
    return { hour: (hour / 3600) as Hour, day: (day / 86_400) as Day };
  }

  private attempt<T>(step: string, work: () => Promise<T>): Promise<T> {
    return keepTrying(step, work, this.policy, this.stopped.signal);
  }
}

/** How long it rests after a pass, in ms; see `REST_TIMES`. */
const restAfter = (passMs: number): number =>
  Math.max(
    Math.min(REST_TIMES * passMs, REST_AT_MOST_MS),
    Math.min(CATCHING_UP_REST_TIMES * passMs, CATCHING_UP_REST_AT_MOST_MS),
  );

function projectedRecords(plan: RollPlan): readonly OutgoingRecord[] {
  return [...touchedHoursByDay(plan)].map(([day, hours]) => ({
    key: dayKey(day),
    value: usageProjected.encode({
      day,
      hours,
      projected_at: Date.now(),
      oldest_record_at: Number.isFinite(plan.oldestRecordAtMs) ? plan.oldestRecordAtMs : null,
    }),
  }));
}

function hourOverRecord(hour: Hour, nowMs: number): OutgoingRecord {
  const day = dayOfHour(hour);
  return {
    key: dayKey(day),
    value: usageStored.encode({
      day,
      minutes: [],
      close_hour: hourOfDay(hour),
      cause: 'hour_over',
      announced_at: nowMs,
      oldest_record_at: null,
      outcomes: false,
    }),
  };
}
