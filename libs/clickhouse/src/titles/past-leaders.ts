import { setImmediate } from 'node:timers/promises';
import {
  asksEverybody,
  companyCacheShare,
  compareStandings,
  courseOf,
  inRanks,
  Leaders,
  standingsNeeded,
  timelineOf,
  turnsOf,
  type Course,
  type EverybodysCourse,
  type Leader,
  type MetricOf,
  type Standing,
  type Timeline,
  type TitleRule,
} from '@laurel/titles';
import type { PastHours } from './past-hours.js';
import { SPARE_CANDIDATES } from './standings.js';
import { inParts } from './tiers.js';

/** The medians before the windows of these instants, see `mediansOf`. */
export type MediansAt = (
  rule: TitleRule,
  metric: MetricOf<'thrift_gain'>,
  instants: readonly number[],
) => Promise<readonly (number | null)[]>;

/** Holders who fall behind are mostly not farther behind than so many more. */
const RANKED_HOLDERS = 25;

/** People who are followed before anything else of the process may run: some tens of milliseconds. */
const PEOPLE_AT_A_TIME = 25;

interface Followed {
  readonly rule: TitleRule;
  readonly timeline: Timeline;
  readonly everybody: EverybodysCourse;
  readonly leaders: Leaders;
}

/**
 * The best people of titles of the company at each instant of a simulation: everybody's hours are read once, instead of
 * everybody's days at each instant.
 */
export class PastLeaders {
  private readonly indexes: ReadonlyMap<number, number>;

  private constructor(
    private readonly followed: ReadonlyMap<TitleRule, Followed>,
    instants: readonly number[],
  ) {
    this.indexes = new Map(instants.map((atMs, index) => [atMs, index]));
  }

  /** @param onPeople how many people were looked at. */
  static async find(
    hours: PastHours,
    rules: readonly TitleRule[],
    instants: readonly number[],
    mediansAt: MediansAt,
    onPeople: (count: number) => void,
    signal: AbortSignal,
  ): Promise<PastLeaders> {
    const followed: Followed[] = [];
    const timelines = new Map<TitleRule['window'], Timeline>();
    for (const rule of rules.filter(({ scope }) => scope === 'company')) {
      // Rules of the same window share it.
      const timeline = timelines.get(rule.window) ?? timelineOf(rule.window, instants);
      timelines.set(rule.window, timeline);
      const everybody = {
        cacheShare: await cacheShareThrough(hours, rule, timeline),
        medianBefore: await mediansThrough(rule, timeline, instants, mediansAt, signal),
      };
      const leaders = new Leaders(instants.length, standingsNeeded(rule) + SPARE_CANDIDATES + RANKED_HOLDERS);
      followed.push({ rule, timeline, everybody, leaders });
    }
    let count = 0;
    const [first] = followed;
    if (first !== undefined) {
      for await (const people of hours.people()) {
        for (const [index, person] of people.entries()) {
          if (index % PEOPLE_AT_A_TIME === 0) {
            // So that the next people can come in meanwhile, or an interrupt.
            await setImmediate();
            signal.throwIfAborted();
          }
          const turns = turnsOf(first.timeline, person);
          for (const { rule, timeline, everybody, leaders } of followed) {
            const mayLead = (course: Course): boolean => leaders.mayLead(course);
            const course = courseOf(rule, timeline, turns, person, hours.models, everybody, mayLead);
            if (course !== undefined) leaders.add(person.userId, course);
          }
        }
        count += people.length;
        onPeople(count);
      }
    }
    return new PastLeaders(new Map(followed.map((one) => [one.rule, one])), instants);
  }

  /**
   * The best eligible people of a title of the company at one of the instants, and those of `holders` who are eligible, best first.
   * Values as the definition's, up to the last bits of a float. undefined where that is not known: of another title, and of
   * holders who are never among the best.
   */
  at(rule: TitleRule, holders: readonly string[], atMs: number): BestPeople | undefined {
    const leaders = this.followed.get(rule)?.leaders;
    const index = this.indexes.get(atMs);
    if (leaders === undefined || index === undefined) return undefined;
    const best = leaders.at(index);
    const places = new Map(best.map(({ userId }, place) => [userId, place]));
    let take = standingsNeeded(rule) + SPARE_CANDIDATES;
    const others: Leader[] = [];
    for (const userId of holders) {
      const [place, value] = [places.get(userId), leaders.valueOf(userId, index)];
      if (value === undefined) return undefined;
      // With all who are before them, so that their rank can be told.
      if (place !== undefined) take = Math.max(take, place + 1);
      else if (value > 0) others.push({ userId, value });
    }
    const eligible = inRanks([...best.slice(0, take), ...others.sort(compareStandings)]);
    const standings = eligible.map((one): Standing => ({ ...one, evidence: {}, eligible: true }));
    return { standings, areRanksTrue: others.length === 0 };
  }

  /** The median before a window, see `thriftGain`, as of one of the instants; undefined of a title that asks for none. */
  medianBefore(rule: TitleRule, atMs: number): number | null | undefined {
    const index = this.indexes.get(atMs);
    const own = this.followed.get(rule);
    if (own === undefined || index === undefined || rule.metric.kind !== 'thrift_gain') return undefined;
    const median = own.everybody.medianBefore[index] as number;
    return median === 0 ? null : median;
  }
}

export interface BestPeople {
  readonly standings: readonly Standing[];
  /** False where a holder is among them who has an unknown number of people before them. */
  readonly areRanksTrue: boolean;
}

async function cacheShareThrough(hours: PastHours, rule: TitleRule, timeline: Timeline): Promise<Course> {
  if (!asksEverybody(rule.metric.kind)) return new Float64Array();
  const all = await hours.everybody(rule);
  const leftOut = rule.fair_play === undefined ? undefined : await hours.everybody(rule, rule.fair_play.exclude);
  return companyCacheShare(timeline, all, leftOut);
}

/** Windows whose medians are read at once: in memory are as many sums of each person. */
const WINDOWS_AT_ONCE = 32;

async function mediansThrough(
  rule: TitleRule,
  { days }: Timeline,
  instants: readonly number[],
  mediansAt: MediansAt,
  signal: AbortSignal,
): Promise<Course> {
  const { metric } = rule;
  if (metric.kind !== 'thrift_gain') return new Float64Array(instants.length);
  // The days before a window are over, so that it stays the same through a day.
  const first = new Map<number, number>();
  instants.forEach((atMs, index) => {
    const day = days[index] as number;
    if (!first.has(day)) first.set(day, atMs);
  });
  const medians = new Map<number, number>();
  for (const some of inParts([...first], WINDOWS_AT_ONCE)) {
    // There may be years of days.
    signal.throwIfAborted();
    const instantsOfDays = some.map(([, atMs]) => atMs);
    const found = await mediansAt(rule, metric, instantsOfDays);
    for (const [index, [day]] of some.entries()) medians.set(day, found[index] ?? 0);
  }
  return Float64Array.from(days, (day) => medians.get(day) ?? 0);
}
