import { tokenClasses } from '@laurel/events';
import { countsOf } from '../metrics/counted.js';
import { pointKinds } from '../metrics/points.js';
import { nearRatio } from '../metrics/rounding.js';
import type { Metric, MetricOf, TitleRule } from '../rule.js';
import { effectiveModelsThrough } from './models-course.js';
import type { Hours, NumberedModel, PersonHours, UsageColumn, UsageHours } from './person-hours.js';
import { longestSessionThrough, sessionsThrough } from './session-course.js';
import { longestStreakThrough } from './streak-course.js';
import {
  closedDays,
  HOURS,
  sumsBefore,
  sumsThrough,
  Turns,
  type Course,
  type DayRows,
  type DayValue,
  type Timeline,
} from './timeline.js';

const INPUTS = tokenClasses.filter((name) => name !== 'output');
const PICO_PER_MICRO = 1e6;
const PICO_PER_USD = 1e12;

/** What courses of a rule need to know of everybody, at each instant. */
export interface EverybodysCourse {
  /** Of input, see `cacheShare`. */
  readonly cacheShare: Course;
  /** See `thriftGain`; 0 where nobody has enough. */
  readonly medianBefore: Course;
}

/** The models by their numbers. */
export type Models = ReadonlyMap<number, NumberedModel>;

const sumOf: DayValue = (sums) => sums[0] as number;

/** The rows that count for a rule. */
export function countedRows(
  { usage: filter }: Pick<TitleRule, 'usage'>,
  usage: UsageHours,
  models: Models,
): UsageHours {
  if (filter === undefined) return usage;
  const counts = countsOf(filter);
  const kept = Array.from({ length: usage.hours.length }, (_, row) => row).filter((row) => {
    const model = models.get(usage.models[row] as number);
    return model !== undefined && counts(model.provider, model.family);
  });
  const pick = (of: ArrayLike<number>): Float64Array => Float64Array.from(kept, (row) => of[row] as number);
  const columns = Object.fromEntries(
    Object.entries(usage.columns).map(([name, column]) => [name, pick(column)]),
  ) as unknown as UsageHours['columns'];
  return { hours: pick(usage.hours), models: pick(usage.models), columns };
}

/** Also the sums of what is most asked for: tokens of all classes, and of those that are input. */
type SummedHours = Hours<UsageColumn | 'tokens' | 'inputs'>;

/** Several rules look at the same usage of a person. */
const summed = new WeakMap<UsageHours, SummedHours>();

/** A row for each hour, of all models together. */
function hourByHour(usage: UsageHours): SummedHours {
  const known = summed.get(usage);
  if (known !== undefined) return known;
  const places = new Int32Array(usage.hours.length);
  const hours: number[] = [];
  for (let row = 0; row < places.length; row += 1) {
    if (hours.at(-1) !== usage.hours[row]) hours.push(usage.hours[row] as number);
    places[row] = hours.length - 1;
  }
  const sumsOf = (column: ArrayLike<number>): Float64Array => {
    const sums = new Float64Array(hours.length);
    for (let row = 0; row < places.length; row += 1) {
      const place = places[row] as number;
      sums[place] = (sums[place] as number) + (column[row] as number);
    }
    return sums;
  };
  const columns = Object.fromEntries(
    Object.entries(usage.columns).map(([name, column]) => [name, sumsOf(column)]),
  ) as unknown as UsageHours['columns'];
  const together = { inputs: addedUp(columns, INPUTS), tokens: addedUp(columns, tokenClasses) };
  const own = { hours: Float64Array.from(hours), columns: { ...columns, ...together } };
  summed.set(usage, own);
  return own;
}

/** Row by row. */
function addedUp(columns: UsageHours['columns'], names: readonly UsageColumn[]): Float64Array {
  const sums = new Float64Array(columns.events.length);
  for (const name of names) {
    const column = columns[name];
    for (let row = 0; row < sums.length; row += 1) sums[row] = (sums[row] as number) + (column[row] as number);
  }
  return sums;
}

/**
 * Everybody's share of input that was read from a cache, at each instant.
 *
 * @param leftOut of the days of people that the rule leaves out when they are over, if it leaves any.
 */
export function companyCacheShare(timeline: Timeline, all: UsageHours, leftOut?: UsageHours): Course {
  const sums = (names: readonly UsageColumn[]): Course => {
    const through = sumsThrough(timeline, { ...rowsOf(all, names), leftOut: new Set() }, total);
    if (leftOut === undefined) return through;
    const gone = closedSums(timeline, rowsOf(leftOut, names));
    return through.map((value, at) => value - (gone[at] as number));
  };
  const [inputs, reads] = [sums(INPUTS), sums(['cache_read'])];
  return inputs.map((input, at) => (input === 0 ? 0 : (reads[at] as number) / input));
}

const rowsOf = <Column extends string>(
  { hours, columns }: Hours<Column>,
  names: readonly Column[],
): Omit<DayRows, 'leftOut'> => ({
  hours,
  columns: names.map((name) => columns[name]),
});

/** Of the window's days that are over alone. */
function closedSums(timeline: Timeline, rows: Omit<DayRows, 'leftOut'>): Course {
  const startOfDay = { ...timeline, until: timeline.days.map((day) => day * HOURS) };
  return sumsThrough(startOfDay, { ...rows, leftOut: new Set() }, total);
}

const total: DayValue = (sums) => {
  let all = 0;
  for (const sum of sums) all += sum;
  return all;
};

/** Of all that a person has; for `courseOf`. */
export const turnsOf = (timeline: Timeline, { usage, sessions, attended, outcomes }: PersonHours): Turns =>
  Turns.of(timeline, [usage.hours, sessions.hours, attended.hours, outcomes.hours]);

/**
 * A person's value of a rule's metric at each instant, 0 where they are not eligible: as the definition's, up to the last bits of a
 * float. Of titles of the company alone: whose rules' scope is another one have courses of nothing that is theirs.
 *
 * @param turns the person's, on a timeline of the same instants.
 * @param isOfInterest is told their values as if they were eligible; where it is false they are not asked whether they are, and have no
 *   course.
 */
export function courseOf(
  rule: TitleRule,
  timeline: Timeline,
  turns: Turns,
  person: PersonHours,
  models: Models,
  everybody: EverybodysCourse,
  isOfInterest: (course: Course) => boolean,
): Course | undefined {
  const own = new CourseOfPerson(rule, timeline, turns, person, models, everybody);
  const values = own.values();
  return isOfInterest(values) ? own.eligible(values) : undefined;
}

/** What changes with the person's own figures alone. */
type OwnMetric = Exclude<Metric, MetricOf<'cache_share'>>;

/** Adds up at the person's turns alone; what everybody has together changes at any time. */
class CourseOfPerson {
  /** Of the turns. */
  private readonly timeline: Timeline;
  private readonly usage: UsageHours;
  /** Of all models together. */
  private readonly perHour: SummedHours;
  private readonly leftOut: ReadonlySet<number>;
  private families: ReturnType<typeof effectiveModelsThrough> | undefined;
  private active: Course | undefined;

  constructor(
    private readonly rule: TitleRule,
    timeline: Timeline,
    private readonly turns: Turns,
    private readonly person: PersonHours,
    private readonly models: Models,
    private readonly everybody: EverybodysCourse,
  ) {
    this.timeline = turns.within(timeline);
    this.usage = countedRows(rule, person.usage, models);
    this.perHour = hourByHour(this.usage);
    this.leftOut = new Set(rule.fair_play?.exclude.flatMap((signal) => person.flags.get(signal) ?? []));
  }

  /** As if they were eligible, but where they have too few active days. */
  values(): Course {
    const { metric, eligibility } = this.rule;
    const { min_active_days: least } = eligibility;
    const course = metric.kind === 'cache_share' ? this.cacheShare(metric) : this.through(this.valuesOf(metric));
    // In somebody's first days that tells the soonest that they may be passed over.
    if (least > 0) this.turns.clearBelow(course, this.families?.activeDays ?? this.activeDays(), least);
    return course;
  }

  /** The value where they are eligible, 0 elsewhere. */
  eligible(values: Course): Course {
    const { min_tokens, min_sessions, min_list_cost_usd, min_tenure_days } = this.rule.eligibility;
    const course = values.slice();
    const needs = (least: number, of: () => Course): void => {
      if (least === 0 || course.every((value) => value <= 0)) return;
      this.turns.clearBelow(course, of(), least);
    };
    needs(min_tokens, () => this.sums(['tokens'], sumOf));
    needs(min_list_cost_usd * PICO_PER_USD, () => this.sums(['list_cost'], sumOf));
    needs(min_tenure_days, () => Float64Array.from(this.timeline.days, (day) => day - this.person.firstDay + 1));
    needs(min_sessions, () => sessionsThrough(this.timeline, this.person.sessions, this.leftOut));
    return course;
  }

  private valuesOf(metric: OwnMetric): Course {
    const { timeline, leftOut, person } = this;
    switch (metric.kind) {
      case 'capped_tokens':
        return this.cappedTokens(metric);
      case 'effective_models':
        return (this.families ??= this.effectiveModels(metric)).values;
      case 'longest_session':
        return longestSessionThrough(metric, timeline, person.sessions, leftOut);
      case 'list_cost':
        return this.sums(['list_cost'], sumOf).map(microUsd);
      case 'cache_saving':
        return this.sums(['cache_saving'], sumOf).map(microUsd);
      case 'active_days':
        return this.activeDays();
      case 'longest_streak':
        return longestStreakThrough(metric, timeline, closedDays(this.rows(['tokens']), isActive), this.activeDays());
      case 'outcomes':
        return this.points(metric)?.now ?? this.nothing();
      case 'outcomes_per_usd':
        return this.outcomesPerUsd(metric);
      case 'thrift_gain':
        return this.thriftGain(metric);
      case 'quotient': {
        // Neither is a share: see the rules' schema.
        const [of, per] = [this.valuesOf(metric.of as OwnMetric), this.valuesOf(metric.per as OwnMetric)];
        return of.map((value, at) => (per[at] === 0 ? 0 : nearRatio(value / (per[at] as number))));
      }
      default:
        return metric satisfies never;
    }
  }

  private through(values: Course): Course {
    return this.turns.fill((turn) => values[turn] as number);
  }

  private rows(names: readonly (keyof SummedHours['columns'])[]): DayRows {
    return { ...rowsOf(this.perHour, names), leftOut: this.leftOut };
  }

  private sums(names: readonly (keyof SummedHours['columns'])[], valueOf: DayValue): Course {
    return sumsThrough(this.timeline, this.rows(names), valueOf);
  }

  private nothing(): Course {
    return new Float64Array(this.timeline.until.length);
  }

  /** Asked for more than once by some rules. */
  private activeDays(): Course {
    return (this.active ??= this.sums(['tokens'], isActive));
  }

  private cappedTokens({
    daily_cap: cap,
    classes,
    tokens_per_own_minute: perMinute,
  }: MetricOf<'capped_tokens'>): Course {
    if (perMinute === undefined) return this.sums(classes, (sums) => Math.min(cap, total(sums)));
    const { hours, columns } = this.person.attended;
    const attended = Float64Array.from(hours, (_, row) =>
      Math.min(columns.tokens[row] as number, perMinute * (columns.own_minutes[row] as number)),
    );
    const rows = { hours, columns: [attended], leftOut: this.leftOut };
    return sumsThrough(this.timeline, rows, (sums) => Math.min(cap, sumOf(sums)));
  }

  private effectiveModels(metric: MetricOf<'effective_models'>): ReturnType<typeof effectiveModelsThrough> {
    const { hours, models, columns } = this.usage;
    const numbers = new Map<string, number>();
    const families = new Float64Array(hours.length);
    for (let row = 0; row < families.length; row += 1) {
      const family = this.models.get(models[row] as number)?.family ?? '';
      let number = numbers.get(family);
      if (number === undefined) numbers.set(family, (number = numbers.size));
      families[row] = number;
    }
    return effectiveModelsThrough(metric, this.timeline, {
      hours,
      families,
      tokens: addedUp(columns, tokenClasses),
      count: numbers.size,
      leftOut: this.leftOut,
    });
  }

  private cacheShare({ prior_tokens: prior, reads_per_output: most }: MetricOf<'cache_share'>): Course {
    const inputs = this.sums(['inputs'], sumOf);
    const reads = this.sums(['cache_read', 'output'], ([read, output]) =>
      Math.min(read as number, most * (output as number)),
    );
    const events = this.sums(['events'], sumOf);
    const { cacheShare } = this.everybody;
    return this.turns.fill((turn, at) => {
      const input = inputs[turn] as number;
      // Without usage in the window nobody has the company's own share.
      if (events[turn] === 0 || input + prior === 0) return 0;
      return nearRatio(((reads[turn] as number) + prior * (cacheShare[at] as number)) / (input + prior));
    });
  }

  /** Points so far, and before the window; null where there are none. */
  private points(metric: Weighing): { readonly now: Course; readonly before: () => Course } | null {
    const { timeline, person, perHour, leftOut } = this;
    if (person.outcomes.hours.length === 0) return null;
    const rows = { ...outcomesBeside(perHour, person.outcomes), leftOut };
    const valueOf = pointsOf(metric);
    return { now: sumsThrough(timeline, rows, valueOf), before: () => sumsBefore(timeline, rows, valueOf) };
  }

  private outcomesPerUsd(metric: MetricOf<'outcomes_per_usd'>): Course {
    const points = this.points(metric)?.now;
    if (points === undefined) return this.nothing();
    const costs = this.sums(['list_cost'], sumOf).map(microUsd);
    const [unpriced, events] = [this.sums(['unpriced_events'], sumOf), this.sums(['events'], sumOf)];
    return points.map((own, at) => {
      const cost = costs[at] as number;
      const isKnown =
        cost > 0 && (unpriced[at] as number) * 1000 <= metric.max_unpriced_per_mille * (events[at] as number);
      return isKnown ? nearRatio(own / (cost / 1e6)) : 0;
    });
  }

  private thriftGain(metric: MetricOf<'thrift_gain'>): Course {
    const { timeline, turns, everybody } = this;
    const points = this.points(metric);
    if (points === null) return this.nothing();
    const medianBefore = turns.pick(everybody.medianBefore);
    const tokens = this.rows(['tokens']);
    const perPoint = (used: Course, made: Course): Course =>
      used.map((own, at) =>
        own >= metric.min_tokens_each && (made[at] as number) >= metric.min_points_each
          ? own / (made[at] as number)
          : 0,
      );
    const now = perPoint(sumsThrough(timeline, tokens, sumOf), points.now);
    const before = perPoint(sumsBefore(timeline, tokens, sumOf), points.before());
    return now.map((own, at) => {
      const most = ((medianBefore[at] as number) * (1000 + metric.most_over_median_per_mille)) / 1000;
      const base = Math.min(before[at] as number, most);
      return own === 0 || base === 0 ? 0 : Math.max(0, nearRatio(1 - own / base));
    });
  }
}

/** Of a day's tokens. */
const isActive: DayValue = (sums) => (sumOf(sums) > 0 ? 1 : 0);

const microUsd = (pico: number): number => Math.floor(pico / PICO_PER_MICRO);

type Weighing = Pick<MetricOf<'outcomes'>, 'weights' | 'daily_cap'>;

/** Several rules look at the same outcomes, too: those of the person whose usage it is. */
const beside = new WeakMap<SummedHours, Omit<DayRows, 'leftOut'>>();

/** Outcomes of each kind after the events of the usage on whose days alone they count. */
function outcomesBeside(usage: SummedHours, outcomes: PersonHours['outcomes']): Omit<DayRows, 'leftOut'> {
  const known = beside.get(usage);
  if (known !== undefined) return known;
  const count = usage.hours.length + outcomes.hours.length;
  const hours = new Float64Array(count);
  const columns = [new Float64Array(count), ...pointKinds.map(() => new Float64Array(count))];
  const sources = [usage.columns.events, ...pointKinds.map((kind) => outcomes.columns[kind])];
  for (let [row, ofUsage, ofOutcomes] = [0, 0, 0]; row < count; row += 1) {
    const isUsage = (usage.hours[ofUsage] ?? Infinity) <= (outcomes.hours[ofOutcomes] ?? Infinity);
    hours[row] = (isUsage ? usage.hours[ofUsage] : outcomes.hours[ofOutcomes]) as number;
    for (const [index, column] of columns.entries()) {
      if ((index === 0) === isUsage) column[row] = sources[index]?.[isUsage ? ofUsage : ofOutcomes] as number;
    }
    if (isUsage) ofUsage += 1;
    else ofOutcomes += 1;
  }
  const rows = { hours, columns };
  beside.set(usage, rows);
  return rows;
}

/** Of a day's events and outcomes, see `outcomesBeside`. */
const pointsOf =
  ({ weights, daily_cap: cap }: Weighing): DayValue =>
  ([events, ...quantities]) =>
    events === 0
      ? 0
      : Math.min(
          cap,
          pointKinds.reduce((sum, kind, index) => sum + weights[kind] * (quantities[index] as number), 0),
        );
