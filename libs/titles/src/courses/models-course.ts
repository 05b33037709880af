import type { MetricOf } from '../rule.js';
import { effectiveNumber } from '../metrics/effective-models.js';
import { nearRatio } from '../metrics/rounding.js';
import { HOURS, type Course, type Timeline } from './timeline.js';

/** A person's tokens, a row for each hour and model family, by ascending hours. */
export interface FamilyRows {
  readonly hours: ArrayLike<number>;
  /** From 0 on, the person's own numbers. */
  readonly families: ArrayLike<number>;
  readonly tokens: ArrayLike<number>;
  readonly count: number;
  readonly leftOut: ReadonlySet<number>;
}

/** Tokens of one UTC day by family, and of all days of a window that are over. */
interface Day {
  readonly day: number;
  readonly tokens: Float64Array;
}

/** Of the days before today: to each remaining family the sum of its shares of days, and how many days have any. */
interface Shares {
  readonly remaining: readonly boolean[];
  readonly sums: Float64Array;
  readonly days: number;
}

/** `effectiveModels` at each instant, and the active days by which it judges. */
export function effectiveModelsThrough(
  { min_share_per_mille: least }: MetricOf<'effective_models'>,
  { until, days, firstDays }: Timeline,
  rows: FamilyRows,
): { readonly values: Course; readonly activeDays: Course } {
  const { hours, families, tokens, count } = rows;
  const closed = closedDays(rows);
  const [values, activeDays] = [new Float64Array(until.length), new Float64Array(until.length)];
  const [before, today, all] = [new Float64Array(count), new Float64Array(count), new Float64Array(count)];
  let ofWindow: readonly Day[] = [];
  let shares: Shares | undefined;
  let [day, row] = [NaN, 0];
  for (let at = 0; at < until.length; at += 1) {
    const isNewDay = days[at] !== day;
    if (isNewDay) {
      day = days[at] as number;
      ofWindow = closed.filter((one) => one.day >= (firstDays[at] as number) && one.day < day);
      before.fill(0);
      today.fill(0);
      for (const one of ofWindow) add(before, one.tokens);
      shares = undefined;
      while (row < hours.length && (hours[row] as number) < day * HOURS) row += 1;
    }
    const from = row;
    for (; row < hours.length && (hours[row] as number) < (until[at] as number); row += 1) {
      today[families[row] as number] = (today[families[row] as number] as number) + (tokens[row] as number);
    }
    if (!isNewDay && row === from) {
      values[at] = values[at - 1] as number;
      activeDays[at] = activeDays[at - 1] as number;
      continue;
    }
    all.set(before);
    add(all, today);
    const total = sum(all);
    const remains = (family: number): boolean =>
      (all[family] as number) > 0 && (all[family] as number) * 1000 >= least * total;
    // The same families remain at most instants of a day.
    if (shares?.remaining.every((is, family) => is === remains(family)) !== true) {
      shares = sharesOf(
        ofWindow,
        Array.from({ length: count }, (_, family) => remains(family)),
      );
    }
    const ofToday = sum(today, shares.remaining);
    const own = shares.days + (ofToday > 0 ? 1 : 0);
    activeDays[at] = own;
    if (own === 0) continue;
    const mean: number[] = [];
    for (let family = 0; family < count; family += 1) {
      if (shares.remaining[family] !== true) continue;
      const share = (shares.sums[family] as number) + (ofToday > 0 ? (today[family] as number) / ofToday : 0);
      if (share > 0) mean.push(share / own);
    }
    values[at] = nearRatio(effectiveNumber(mean));
  }
  return { values, activeDays };
}

function sharesOf(days: readonly Day[], remaining: readonly boolean[]): Shares {
  const sums = new Float64Array(remaining.length);
  let active = 0;
  for (const { tokens } of days) {
    const total = sum(tokens, remaining);
    if (total === 0) continue;
    active += 1;
    for (let family = 0; family < sums.length; family += 1) {
      if (remaining[family] === true) sums[family] = (sums[family] as number) + (tokens[family] as number) / total;
    }
  }
  return { remaining, sums, days: active };
}

function closedDays({ hours, families, tokens, count, leftOut }: FamilyRows): readonly Day[] {
  const days: Day[] = [];
  for (let row = 0; row < hours.length;) {
    const day = Math.floor((hours[row] as number) / HOURS);
    const own = new Float64Array(count);
    for (; row < hours.length && (hours[row] as number) < (day + 1) * HOURS; row += 1) {
      own[families[row] as number] = (own[families[row] as number] as number) + (tokens[row] as number);
    }
    if (!leftOut.has(day)) days.push({ day, tokens: own });
  }
  return days;
}

function add(sums: Float64Array, others: Float64Array): void {
  for (let index = 0; index < sums.length; index += 1) {
    sums[index] = (sums[index] as number) + (others[index] as number);
  }
}

function sum(of: Float64Array, which?: readonly boolean[]): number {
  let all = 0;
  for (let index = 0; index < of.length; index += 1) if (which?.[index] !== false) all += of[index] as number;
  return all;
}
