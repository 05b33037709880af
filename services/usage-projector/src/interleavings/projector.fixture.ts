import { rollIdOf } from '@laurel/clickhouse';
import { dayOfHour, dayOfMinute, HOUR_MS, hourOf, hourOfDay, type Hour } from '@laurel/usage';
import { byDayOf, PendingRolls, type RollPlan } from '../pending-rolls.js';
import { Process } from './process.fixture.js';
import { ROLLED, type Grain } from './tables.fixture.js';
import { storedPartitionOf, type World } from './world.fixture.js';

const MINUTE_MS = 60_000;
export const LATE = { quietMs: 2000, maxWaitMs: 20_000 };
export const HOUR_CLOSE_DELAY_MS = 5 * MINUTE_MS;
/** As of the projector: a roll that took longer gets no head, and is swept only much later. */
const HEAD_WITHIN_MS = 10 * MINUTE_MS;
/** Clocks that give rolls their ids may be wrong. */
const SKEWS_MS = [90_000, -2 * HOUR_MS, 0, -2 * HOUR_MS];

/**
 * A member of the projectors' group, as far as it works on one partition of `usage.stored.v1`. It decides by PendingRolls,
 * and does what `Projector.flush` does, in the same order. Who has lost the partition and doesn't know goes on, but
 * commits nothing any more.
 */
export class Member {
  private readonly pending = new PendingRolls();
  private next: number;
  private flushing: Process | undefined;
  private readonly skewMs: number;

  constructor(
    private readonly world: World,
    readonly partition: number,
    private readonly isOwner: (member: Member) => boolean,
    generation: number,
  ) {
    this.next = this.committed;
    this.skewMs = SKEWS_MS[generation % SKEWS_MS.length] ?? 0;
  }

  /** The flush that is under way. */
  get inHand(): Process | undefined {
    return this.flushing?.isOver === false ? this.flushing : undefined;
  }

  /** Takes announcements in; what came while a plan is carried out is kept for the next. */
  takeIn(most: number): void {
    const announced = this.world.stored[this.partition]?.announced ?? [];
    for (const { announcement } of announced.slice(this.next, this.next + most)) {
      this.pending.add(this.next, announcement, this.world.nowMs);
      this.next += 1;
    }
  }

  /** @returns undefined while the last flush is under way. */
  async beginFlush(onKilled: () => void): Promise<Process | undefined> {
    if (this.inHand !== undefined) return undefined;
    this.flushing = await Process.start(
      `projector of partition ${this.partition}`,
      (process) => this.flush(process),
      onKilled,
    );
    return this.flushing;
  }

  /** An hour is announced again and again until it is closed. */
  announceHourEnds(): void {
    const over = hourOf(this.world.nowMs - HOUR_CLOSE_DELAY_MS);
    for (let hour = this.world.tables.closed.hour; hour < over; hour = (hour + 1) as Hour) {
      const day = dayOfHour(hour);
      if (storedPartitionOf(day) !== this.partition) continue;
      this.world.announce({
        day,
        minutes: [],
        close_hour: hourOfDay(hour),
        cause: 'hour_over',
        announced_at: this.world.nowMs,
        oldest_record_at: null,
        outcomes: false,
      });
    }
  }

  private get committed(): number {
    return this.world.stored[this.partition]?.committed ?? 0;
  }

  private async flush(process: Process): Promise<void> {
    const { world, pending } = this;
    const { tables, mutation } = world;
    const closed = await process.ask(() => tables.closed);
    // The answer is on its way while the world goes on.
    await process.ask(() => undefined);
    const plan = pending.plan(closed, world.nowMs, LATE);
    if (plan !== undefined) {
      if (mutation === 'commits announcements before their heads') {
        pending.settle();
        await this.commit(process);
      }
      if (mutation === 'closes an hour before its head is there') await this.closeHours(process, plan);
      await this.roll(process, 'minute', byDayOf(plan.minutes, dayOfMinute), plan.offset);
      await this.roll(process, 'hour', byDayOf(plan.hours, dayOfHour), plan.offset);
      await this.closeHours(process, plan);
      await this.roll(
        process,
        'day',
        plan.days.map((day) => [day]),
        plan.offset,
      );
      for (const day of plan.closeDays) {
        await process.ask(() => tables.close('day', day + 1));
      }
      await this.roll(
        process,
        'outcome_day',
        plan.outcomeDays.map((day) => [day]),
        plan.offset,
      );
      pending.settle();
    }
    await this.commit(process);
  }

  private async closeHours(process: Process, { closeHours }: RollPlan): Promise<void> {
    for (const hour of closeHours) {
      await process.ask(() => this.world.tables.close('hour', hour + 1));
    }
  }

  /** Each attempt has an id of its own, and a head only when it did not take too long. */
  private async roll(
    process: Process,
    grain: Grain,
    lots: readonly (readonly number[])[],
    offset: number,
  ): Promise<void> {
    const { world } = this;
    const { tables, mutation } = world;
    for (const buckets of lots) {
      const rollOnce = async (): Promise<boolean> => {
        const beganMs = world.nowMs;
        const attemptMs = world.nowMs + this.skewMs;
        const rollId = rollIdOf(mutation === 'names rolls by the time alone' ? -1 : offset, attemptMs, world.draw());
        // What is sent at the time of the check is there before the roll can be swept: that is what the time between the two bounds is for.
        const writeHeads = (): Promise<boolean> =>
          process.call(() => {
            if (world.nowMs - beganMs > HEAD_WITHIN_MS && mutation !== 'writes the head of a roll however old')
              return false;
            tables.writeHeads(grain, buckets, rollId);
            return true;
          });
        if (mutation === 'writes heads before their rolls') await writeHeads();
        for (const table of ROLLED[grain]) {
          // A statement selects from what can be seen when it begins; what it inserts is seen when it ends.
          const rows = await process.call(() =>
            grain === 'day' ? buckets.flatMap((day) => tables.selectHours(day)) : tables.select(grain, buckets),
          );
          await process.call(() => tables.insertRoll(table, grain, buckets, rollId, rows));
        }
        return mutation === 'writes heads before their rolls' || (await writeHeads());
      };
      while (!(await process.attempt(rollOnce)));
    }
  }

  private async commit(process: Process): Promise<void> {
    const next = this.pending.committable();
    if (next === undefined || next <= this.committed) return;
    await process.ask(() => {
      const of = this.world.stored[this.partition];
      if (of !== undefined && this.isOwner(this)) of.committed = next;
    });
  }
}
