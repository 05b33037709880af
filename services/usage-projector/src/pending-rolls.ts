import type { UsageStored } from '@laurel/events';
import {
  dayOfHour,
  hourInDay,
  hourOfDay,
  hourOfMinute,
  minuteInDay,
  type Day,
  type Hour,
  type Minute,
} from '@laurel/usage';

/** Which announcements touched a bucket, and when they came. */
interface Touch {
  readonly firstOffset: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** The least Kafka timestamp of the records behind it; Infinity when it is not known. */
  readonly oldestRecordAtMs: number;
}

/** `closed_before` of each grain, as bucket numbers. */
export interface ClosedBefore {
  readonly hour: Hour;
  readonly day: Day;
}

/** How announcements of closed hours are coalesced. */
export interface LatePolicy {
  /** A closed hour is rolled again once nothing more came for it for this long, in ms … */
  readonly quietMs: number;
  /** … or once it has waited this long, in ms. */
  readonly maxWaitMs: number;
}

/** What is to be recomputed now, and written in this order. All lists ascending, without repeats. */
export interface RollPlan {
  /** The last announcement that the rolls will cover. */
  readonly offset: number;
  readonly minutes: readonly Minute[];
  /** Closed hours that something late touched, and the hours to be closed. */
  readonly hours: readonly Hour[];
  readonly closeHours: readonly Hour[];
  /** Closed days that something late touched, and the days to be closed. */
  readonly days: readonly Day[];
  readonly closeDays: readonly Day[];
  /** Days whose outcomes have changed, closed or not. */
  readonly outcomeDays: readonly Day[];
  readonly oldestRecordAtMs: number;
}

/**
 * The announcements of one partition of `usage.stored.v1` that no head rests on yet. Plain state without I/O or clock:
 * announcements go in, plans come out, and it knows how far the partition may be committed.
 */
export class PendingRolls {
  private minutes = new Map<Minute, Touch>();
  private closing = new Map<Hour, Touch>();
  private outcomes = new Map<Day, Touch>();
  private planned: Touch[] = [];
  private nextOffset: number | undefined;

  add(offset: number, announcement: UsageStored, nowMs: number): void {
    const day = announcement.day as Day;
    const touch: Touch = {
      firstOffset: offset,
      firstMs: nowMs,
      lastMs: nowMs,
      oldestRecordAtMs: announcement.oldest_record_at ?? Infinity,
    };
    for (const minute of announcement.minutes) merge(this.minutes, minuteInDay(day, minute), touch);
    if (announcement.close_hour !== null) merge(this.closing, hourInDay(day, announcement.close_hour), touch);
    if (announcement.outcomes) merge(this.outcomes, day, touch);
    this.nextOffset = offset + 1;
  }

  /**
   * Takes out what is due. What is taken holds back the commit until `settle` is called; what comes in meanwhile is kept
   * apart, for the next plan.
   */
  plan(closed: ClosedBefore, nowMs: number, late: LatePolicy): RollPlan | undefined {
    if (this.nextOffset === undefined) return undefined;
    const taken: Touch[] = [];
    const take = <K>(map: Map<K, Touch>, key: K): void => {
      const touch = map.get(key);
      if (touch !== undefined) taken.push(touch);
      map.delete(key);
    };

    const { closeHours, closeDays, finished } = this.dueToClose(closed);
    for (const hour of finished) take(this.closing, hour);
    // Who closed these may have been a stalled twin that knew less: what was announced to us meanwhile we rolled as minutes
    // for as long as we were told that the hour is open. So it is rolled once more, and its day with it.
    const foundClosed = finished.filter((hour) => hour < closed.hour);

    const closingNow = new Set(closeHours);
    const minutes: Minute[] = [];
    const lateHours = new Map<Hour, Touch>();
    for (const [minute, touch] of this.minutes) {
      const hour = hourOfMinute(minute);
      if (hour < closed.hour) merge(lateHours, hour, touch);
      else if (!closingNow.has(hour)) minutes.push(minute);
    }
    // A day's head says that the day holds all up to the plan's offset: so where a day is rolled, none of its hours waits.
    const isClosed = (day: Day): boolean => day < closed.day;
    const days = new Set(closeDays);
    for (const [hour, touch] of lateHours) {
      if (isDue(touch, nowMs, late) && isClosed(dayOfHour(hour))) days.add(dayOfHour(hour));
    }
    for (const hour of foundClosed) if (isClosed(dayOfHour(hour))) days.add(dayOfHour(hour));
    const dueHours = [...lateHours].flatMap(([hour, touch]) =>
      days.has(dayOfHour(hour)) || isDue(touch, nowMs, late) ? [hour] : [],
    );
    const rolledHours = new Set([...dueHours, ...foundClosed, ...closeHours]);
    for (const minute of [...this.minutes.keys()]) {
      const hour = hourOfMinute(minute);
      // A roll of the whole hour covers its minutes.
      if (hour >= closed.hour || rolledHours.has(hour)) take(this.minutes, minute);
    }

    // A roll is the whole day's, so they wait for each other as those of a closed hour do.
    const outcomeDays = [...this.outcomes].flatMap(([day, touch]) => (isDue(touch, nowMs, late) ? [day] : []));
    for (const day of outcomeDays) take(this.outcomes, day);

    if (taken.length === 0 && closeHours.length === 0) return undefined;
    // One by one: as arguments, a year's minutes would be more than a call can have.
    for (const touch of taken) this.planned.push(touch);
    return {
      offset: this.nextOffset - 1,
      minutes: minutes.sort(ascending),
      hours: [...rolledHours].sort(ascending),
      closeHours,
      days: [...days].sort(ascending),
      closeDays,
      outcomeDays: outcomeDays.sort(ascending),
      oldestRecordAtMs: taken.reduce((oldest, touch) => Math.min(oldest, touch.oldestRecordAtMs), Infinity),
    };
  }

  /**
   * Hours close one after the other, and a day after its last hour. An hour that is over before its predecessor was
   * closed (by another day's owner) waits; a repeated announcement is finished at once.
   */
  private dueToClose(closed: ClosedBefore): { closeHours: Hour[]; closeDays: Day[]; finished: Hour[] } {
    const closeHours: Hour[] = [];
    const closeDays: Day[] = [];
    const finished: Hour[] = [];
    let nextHour: number = closed.hour;
    let nextDay: number = closed.day;
    for (const hour of [...this.closing.keys()].sort(ascending)) {
      if (hour > nextHour) break;
      if (hour === nextHour) {
        closeHours.push(hour);
        nextHour += 1;
      }
      const day = dayOfHour(hour);
      if (hourOfDay(hour) < 23 || day < nextDay) {
        finished.push(hour);
      } else if (day === nextDay) {
        closeDays.push(day);
        finished.push(hour);
        nextDay += 1;
      }
    }
    return { closeHours, closeDays, finished };
  }

  /** The heads of everything planned are written. */
  settle(): void {
    this.planned = [];
  }

  /** Whether nothing waits to be recomputed or closed, so that there is no plan. */
  get isEmpty(): boolean {
    return this.minutes.size === 0 && this.closing.size === 0 && this.outcomes.size === 0;
  }

  /** When the oldest announcement came whose buckets are still to be recomputed; undefined when none are. */
  oldestMs(): number | undefined {
    let oldest: number | undefined;
    for (const touches of [this.minutes.values(), this.outcomes.values(), this.planned]) {
      for (const { firstMs } of touches) oldest = Math.min(oldest ?? firstMs, firstMs);
    }
    return oldest;
  }

  /** The offset that may be committed: every announcement before it has its heads. */
  committable(): number | undefined {
    if (this.nextOffset === undefined) return undefined;
    let offset = this.nextOffset;
    for (const touches of [this.minutes.values(), this.closing.values(), this.outcomes.values(), this.planned]) {
      for (const { firstOffset } of touches) offset = Math.min(offset, firstOffset);
    }
    return offset;
  }
}

const ascending = (a: number, b: number): number => a - b;

function merge<K>(map: Map<K, Touch>, key: K, touch: Touch): void {
  const known = map.get(key);
  map.set(
    key,
    known === undefined
      ? touch
      : {
          firstOffset: Math.min(known.firstOffset, touch.firstOffset),
          firstMs: Math.min(known.firstMs, touch.firstMs),
          lastMs: Math.max(known.lastMs, touch.lastMs),
          oldestRecordAtMs: Math.min(known.oldestRecordAtMs, touch.oldestRecordAtMs),
        },
  );
}

const isDue = ({ firstMs, lastMs }: Touch, nowMs: number, { quietMs, maxWaitMs }: LatePolicy): boolean =>
  nowMs - lastMs >= quietMs || nowMs - firstMs >= maxWaitMs;

/** The days that a plan changes figures of, each with its hours (0 to 23); none where only its outcomes are others. */
export function touchedHoursByDay(plan: RollPlan): ReadonlyMap<Day, readonly number[]> {
  const days = new Map<Day, Set<number>>();
  for (const hour of [...plan.minutes.map(hourOfMinute), ...plan.hours]) {
    const day = dayOfHour(hour);
    days.set(day, (days.get(day) ?? new Set()).add(hourOfDay(hour)));
  }
  for (const day of plan.outcomeDays) days.set(day, days.get(day) ?? new Set());
  return new Map([...days].map(([day, hours]) => [day, [...hours].sort(ascending)]));
}

/** Buckets by the day they lie in, as one statement recomputes buckets of one day. */
export function byDayOf<B extends Minute | Hour>(
  buckets: readonly B[],
  dayOfBucket: (bucket: B) => Day,
): readonly (readonly B[])[] {
  const days = new Map<Day, B[]>();
  for (const bucket of buckets) days.set(dayOfBucket(bucket), [...(days.get(dayOfBucket(bucket)) ?? []), bucket]);
  return [...days.values()];
}
