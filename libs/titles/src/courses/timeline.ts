import { dayOf, HOUR_MS, windowOf, type WindowName } from '@laurel/usage';

/** The instants at which a rule is looked at, equally long lists. */
export interface Timeline {
  /** Hours since the epoch, ascending: what began before is looked at. */
  readonly until: Int32Array;
  /** The UTC day of each, with which its window ends. */
  readonly days: Int32Array;
  /** The window's first day. */
  readonly firstDays: Int32Array;
}

/** One number for each instant. */
export type Course = Float64Array;

/** @param instants ms since the epoch, whole hours, ascending. */
export function timelineOf(window: WindowName, instants: readonly number[]): Timeline {
  return {
    until: Int32Array.from(instants, (atMs) => atMs / HOUR_MS),
    days: Int32Array.from(instants, dayOf),
    firstDays: Int32Array.from(instants, (atMs) => windowOf(window, atMs).firstDay),
  };
}

let scratch = new Float64Array();

/** For one course at a time: nearly all are looked at once and dropped, and to make room for each takes as long as to fill it. */
function scratchOf(instants: number): Course {
  if (scratch.length !== instants) scratch = new Float64Array(instants);
  return scratch;
}

/**
 * The instants, by their places, at which anything of somebody’s may be other than at the one before: the first of each UTC day, and the
 * first one after each of their hours. Of a month of instants these are few, and they are the same for all rules.
 */
export class Turns {
  private readonly timelines = new Map<Timeline, Timeline>();

  private constructor(
    private readonly places: Int32Array,
    private readonly instants: number,
  ) {}

  /** @param hours lists of them, each ascending. */
  static of({ until, days }: Timeline, hours: readonly ArrayLike<number>[]): Turns {
    const isTurn = new Uint8Array(until.length);
    for (let at = 0; at < until.length; at += 1) if (days[at] !== days[at - 1]) isTurn[at] = 1;
    for (const own of hours) {
      for (let [row, at] = [0, 0]; row < own.length; row += 1) {
        while (at < until.length && (until[at] as number) <= (own[row] as number)) at += 1;
        if (at === until.length) break;
        isTurn[at] = 1;
      }
    }
    const places: number[] = [];
    for (let at = 0; at < isTurn.length; at += 1) if (isTurn[at] === 1) places.push(at);
    return new Turns(Int32Array.from(places), until.length);
  }

  /** A timeline of the same instants with these alone. */
  within(timeline: Timeline): Timeline {
    const known = this.timelines.get(timeline);
    if (known !== undefined) return known;
    const { until, days, firstDays } = timeline;
    const own = { until: this.pick(until), days: this.pick(days), firstDays: this.pick(firstDays) };
    this.timelines.set(timeline, own);
    return own;
  }

  pick<List extends Int32Array | Float64Array>(of: List): List {
    const { places } = this;
    const picked = of.slice(0, places.length) as List;
    for (let turn = 0; turn < places.length; turn += 1) picked[turn] = of[places[turn] as number] as number;
    return picked;
  }

  /**
   * A course through all instants; until the next one is asked for, of whomever.
   *
   * @param valueOf asked of each turn and instant from it on to the next turn.
   */
  fill(valueOf: (turn: number, at: number) => number): Course {
    const course = scratchOf(this.instants);
    for (let turn = 0; turn < this.places.length; turn += 1) {
      const end = this.end(turn);
      for (let at = this.places[turn] as number; at < end; at += 1) course[at] = valueOf(turn, at);
    }
    return course;
  }

  /** Nothing from each turn on at which `own` is less than needed, to the next one. */
  clearBelow(course: Course, own: Course, least: number): void {
    for (let turn = 0; turn < own.length; turn += 1) {
      if ((own[turn] as number) < least) course.fill(0, this.places[turn], this.end(turn));
    }
  }

  private end(turn: number): number {
    return this.places[turn + 1] ?? this.instants;
  }
}

/** What a UTC day comes to, from the sums of each column over it, or over what there is of it so far. */
export type DayValue = (sums: Float64Array) => number;

/** Hours of one person, and which of their UTC days are left out as soon as they are over. */
export interface DayRows {
  readonly hours: ArrayLike<number>;
  readonly columns: readonly ArrayLike<number>[];
  readonly leftOut: ReadonlySet<number>;
}

/**
 * The sum of what the days of each instant's window come to. Added up anew for each day, so that no rounding is carried from a
 * window into the next.
 */
export function sumsThrough({ until, days, firstDays }: Timeline, rows: DayRows, valueOf: DayValue): Course {
  const { hours, columns } = rows;
  const closed = closedDays(rows, valueOf);
  const course = new Float64Array(until.length);
  const sums = new Float64Array(columns.length);
  let [day, row, before, value] = [NaN, 0, 0, 0];
  for (let at = 0; at < until.length; at += 1) {
    if (days[at] !== day) {
      day = days[at] as number;
      before = sumOfDays(closed, firstDays[at] as number, day);
      value = before;
      sums.fill(0);
      while (row < hours.length && (hours[row] as number) < day * HOURS) row += 1;
    }
    const from = row;
    for (; row < hours.length && (hours[row] as number) < (until[at] as number); row += 1) addRow(sums, columns, row);
    if (row > from) value = before + valueOf(sums);
    course[at] = value;
  }
  return course;
}

/** The same over as many days right before each window, all of which are over. */
export function sumsBefore({ days, firstDays }: Timeline, rows: DayRows, valueOf: DayValue): Course {
  const closed = closedDays(rows, valueOf);
  const course = new Float64Array(days.length);
  for (let at = 0; at < days.length; at += 1) {
    const [first, day] = [firstDays[at] as number, days[at] as number];
    course[at] =
      at > 0 && day === days[at - 1] ? (course[at - 1] as number) : sumOfDays(closed, first - (day - first + 1), first);
  }
  return course;
}

/** Of a day. */
export const HOURS = 24;

/** By ascending days: what each one comes to that is not left out. */
export interface ClosedDays {
  readonly days: readonly number[];
  readonly values: readonly number[];
}

export function closedDays({ hours, columns, leftOut }: DayRows, valueOf: DayValue): ClosedDays {
  const [days, values]: [number[], number[]] = [[], []];
  const sums = new Float64Array(columns.length);
  for (let row = 0; row < hours.length;) {
    const day = Math.floor((hours[row] as number) / HOURS);
    sums.fill(0);
    for (; row < hours.length && (hours[row] as number) < (day + 1) * HOURS; row += 1) addRow(sums, columns, row);
    if (leftOut.has(day)) continue;
    days.push(day);
    values.push(valueOf(sums));
  }
  return { days, values };
}

/** @param end not included. */
function sumOfDays({ days, values }: ClosedDays, first: number, end: number): number {
  let sum = 0;
  for (let index = 0; index < days.length; index += 1) {
    const day = days[index] as number;
    if (day >= end) break;
    if (day >= first) sum += values[index] as number;
  }
  return sum;
}

function addRow(sums: Float64Array, columns: readonly ArrayLike<number>[], row: number): void {
  for (let column = 0; column < columns.length; column += 1) {
    sums[column] = (sums[column] as number) + ((columns[column] as ArrayLike<number>)[row] as number);
  }
}
