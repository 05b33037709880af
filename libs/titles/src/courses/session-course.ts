import type { MetricOf } from '../rule.js';
import type { SessionHours } from './person-hours.js';
import { HOURS, type Course, type Timeline } from './timeline.js';

const MINUTES = 60;
const EARLY = 32;

const dayOfRow = ({ hours }: SessionHours, row: number): number => Math.floor((hours[row] as number) / HOURS);

/** How many distinct sessions there are in the window at each instant. */
export function sessionsThrough(
  { until, days, firstDays }: Timeline,
  rows: SessionHours,
  leftOut: ReadonlySet<number>,
): Course {
  const { hours, sessions } = rows;
  const course = new Float64Array(until.length);
  /** By session, its rows in the window. */
  const counts = new Map<number, number>();
  const change = (row: number, by: 1 | -1): void => {
    const session = sessions[row] as number;
    const count = (counts.get(session) ?? 0) + by;
    if (count === 0) counts.delete(session);
    else counts.set(session, count);
  };
  const isKept = (row: number): boolean => !leftOut.has(dayOfRow(rows, row));
  let [day, next, gone, ofToday] = [NaN, 0, 0, 0];
  for (let at = 0; at < until.length; at += 1) {
    if (days[at] !== day) {
      // What is left out goes when its day is over.
      for (let row = ofToday; row < next; row += 1) if (!isKept(row)) change(row, -1);
      day = days[at] as number;
      for (; next < hours.length && dayOfRow(rows, next) < day; next += 1) if (isKept(next)) change(next, 1);
      for (; gone < next && dayOfRow(rows, gone) < (firstDays[at] as number); gone += 1)
        if (isKept(gone)) change(gone, -1);
      ofToday = next;
    }
    for (; next < hours.length && (hours[next] as number) < (until[at] as number); next += 1) change(next, 1);
    course[at] = counts.size;
  }
  return course;
}

/** What a stretch without a gap that ends the session has of one UTC day. */
interface RunDay {
  readonly day: number;
  minutes: number;
  /** Active minutes by hour. */
  readonly pieces: { readonly hour: number; minutes: number }[];
}
type Run = RunDay[];

/** `longestSession` at each instant. */
export function longestSessionThrough(
  metric: MetricOf<'longest_session'>,
  { until, days, firstDays }: Timeline,
  rows: SessionHours,
  leftOut: ReadonlySet<number>,
): Course {
  const course = new Float64Array(until.length);
  const order = bySessionAndHour(rows);
  const usual = new Runs(
    metric,
    runsOf(metric, rows, order, (day) => !leftOut.has(day)),
  );
  let [day, before] = [NaN, 0];
  let ofToday: readonly OpenRun[] = [];
  for (let at = 0; at < until.length; at += 1) {
    if (days[at] !== day) {
      day = days[at] as number;
      const [today, first] = [day, firstDays[at] as number];
      // A day that is left out is looked at all the same until it is over.
      const runs = leftOut.has(today)
        ? new Runs(
            metric,
            runsOf(metric, rows, order, (one) => one === today || (one < today && !leftOut.has(one))),
          )
        : usual;
      before = runs.longest(first, today);
      ofToday = runs.openOn(today, first);
    }
    let value = before;
    for (const run of ofToday) {
      let minutes = 0;
      for (const piece of run.today.pieces) if (piece.hour < (until[at] as number)) minutes += piece.minutes;
      value = Math.max(value, run.before + Math.min(metric.daily_cap_minutes, minutes));
    }
    course[at] = value;
  }
  return course;
}

/** A run with minutes of today, and what it has of the window’s days before. */
interface OpenRun {
  readonly before: number;
  readonly today: RunDay;
}

/** One person's runs. Most lie within a day, of which the longest is all that matters. */
class Runs {
  private readonly ofDay = new Map<number, Run[]>();
  private readonly longestOfDay = new Map<number, number>();
  private readonly overMidnight: Run[] = [];

  constructor(
    private readonly metric: MetricOf<'longest_session'>,
    runs: readonly Run[],
  ) {
    for (const run of runs) {
      for (const { day } of run) {
        const own = this.ofDay.get(day);
        if (own === undefined) this.ofDay.set(day, [run]);
        else own.push(run);
      }
      const [only] = run;
      if (run.length > 1 || only === undefined) this.overMidnight.push(run);
      else this.longestOfDay.set(only.day, Math.max(this.longestOfDay.get(only.day) ?? 0, this.capped(only)));
    }
  }

  /** @param end a day that is not looked at any more. */
  longest(first: number, end: number): number {
    let longest = 0;
    for (const [day, minutes] of this.longestOfDay) if (day >= first && day < end) longest = Math.max(longest, minutes);
    for (const run of this.overMidnight) longest = Math.max(longest, this.within(run, first, end));
    return longest;
  }

  openOn(today: number, first: number): readonly OpenRun[] {
    return (this.ofDay.get(today) ?? []).flatMap((run): readonly OpenRun[] => {
      const own = run.find(({ day }) => day === today);
      return own === undefined ? [] : [{ before: this.within(run, first, today), today: own }];
    });
  }

  private readonly capped = ({ minutes }: RunDay): number => Math.min(this.metric.daily_cap_minutes, minutes);

  private within(run: Run, first: number, end: number): number {
    let minutes = 0;
    for (const one of run) if (one.day >= first && one.day < end) minutes += this.capped(one);
    return minutes;
  }
}

function runsOf(
  { max_gap_minutes: gap }: MetricOf<'longest_session'>,
  rows: SessionHours,
  order: Uint32Array,
  isLookedAt: (day: number) => boolean,
): readonly Run[] {
  const { hours, sessions, early, late } = rows;
  const runs: Run[] = [];
  let run: Run = [];
  let [session, last] = [NaN, 0];
  for (const row of order) {
    const day = dayOfRow(rows, row);
    if (!isLookedAt(day)) continue;
    if (sessions[row] !== session) {
      session = sessions[row] as number;
      last = -Infinity;
    }
    const hour = hours[row] as number;
    for (const [first, half] of [
      [0, early],
      [EARLY, late],
    ] as const) {
      const word = half[row] as number;
      if (word === 0) continue;
      const start = hour * MINUTES + first;
      // Mostly no two of a half's minutes are so far apart that a run could end between them.
      const isOne = highest(word) - lowest(word) <= gap;
      for (let bits = word; bits !== 0; bits = isOne ? 0 : bits & (bits - 1)) {
        if (start + lowest(bits) - last > gap) {
          run = [];
          runs.push(run);
        }
        last = start + (isOne ? highest(bits) : lowest(bits));
        addMinutes(run, day, hour, isOne ? bitsOf(bits) : 1);
      }
    }
  }
  return runs;
}

/** Of the bits of a word that are set; there is one. */
const lowest = (word: number): number => 31 - Math.clz32(word & -word);
const highest = (word: number): number => 31 - Math.clz32(word);

/** How many bits of a word are set: counted by twos, fours and eights. */
function bitsOf(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

function addMinutes(run: Run, day: number, hour: number, minutes: number): void {
  let ofDay = run.at(-1);
  if (ofDay?.day !== day) {
    ofDay = { day, minutes: 0, pieces: [] };
    run.push(ofDay);
  }
  ofDay.minutes += minutes;
  const piece = ofDay.pieces.at(-1);
  if (piece?.hour === hour) piece.minutes += minutes;
  else ofDay.pieces.push({ hour, minutes });
}

function bySessionAndHour({ hours, sessions }: SessionHours): Uint32Array {
  const order = Uint32Array.from({ length: hours.length }, (_, row) => row);
  return order.sort(
    (a, b) => (sessions[a] as number) - (sessions[b] as number) || (hours[a] as number) - (hours[b] as number),
  );
}
