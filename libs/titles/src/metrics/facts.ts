import { tokenClasses, totalTokens, type OutcomeEvent, type TokenClass, type UsageEvent } from '@laurel/events';
import {
  activeMinutes,
  addCosts,
  addFigures,
  attendanceOf,
  compareUtf8,
  costsBy,
  dayOf,
  figuresOf,
  isCounted,
  isWithin,
  modelFamily,
  noCosts,
  noFigures,
  outcomesByDay,
  totalOf,
  type AttendedHour,
  windowBefore,
  type CostFigures,
  type Day,
  type Figures,
  type SessionMinutes,
  type UserDayModelFigures,
  type Window,
} from '@laurel/usage';
import { groupBy } from './grouping.js';
import type { DayOutcomes } from './points.js';
import { medianTokensPerPoint } from './tokens-per-point.js';
import type { MetricOf } from '../rule.js';
import type { Volume } from '../standings.js';

/** One person's figures and costs for one model of one provider on one UTC day. */
export interface ModelDay extends UserDayModelFigures {
  readonly provider: string;
  /** By list prices. */
  readonly costs: CostFigures;
}

/** One person's usage in a window, as titles look at it. */
export interface PersonFacts {
  readonly userId: string;
  /**
   * The team under which most of their counted tokens were recorded in the window, of equal ones the smaller by its bytes; null
   * when none was said.
   */
  readonly team: string | null;
  /** Of counted events: a row for each UTC day, provider and model. */
  readonly rows: readonly ModelDay[];
  /** Of counted events, over the whole window. */
  readonly figures: Figures;
  /** Likewise, by list prices. */
  readonly costs: CostFigures;
  /** Distinct sessions with a counted event; events without a session are in none. */
  readonly sessions: number;
  /** Active minutes inside the window, by session. */
  readonly sessionMinutes: readonly SessionMinutes[];
  /** The UTC hours of the window with counted events. */
  readonly hours: readonly AttendedHour[];
  /** How many UTC days of the window the rule leaves out, though they have counted events, of whatever model. */
  readonly leftOutDays: number;
  /** UTC days from the one of their first counted event ever to the window's last, both included. */
  readonly tenureDays: number;
  /** What came of their days with a counted event in the window; of each UTC day and kind at most one row. */
  readonly outcomes: readonly DayOutcomes[];
  /** In as many days right before the window. */
  readonly before: PersonBefore;
}

export interface PersonBefore {
  /** Of counted events, all classes. */
  readonly tokens: bigint;
  /** As `PersonFacts.outcomes`. */
  readonly outcomes: readonly DayOutcomes[];
}

/** Everything that the metrics need to know of one window and one scope. */
export interface WindowFacts {
  /** Everybody with a counted event in the window. */
  readonly people: readonly PersonFacts[];
  /** Of all counted events in the window; for metrics alone that ask for it, see `asksEverybody`. */
  readonly company: Figures;
  /** They by model family; asked for by titles of each model family alone. */
  readonly families: ReadonlyMap<string, Figures>;
  /** The median of everybody's tokens for each point in the days before, see `thriftGain`. */
  readonly medianBefore: (metric: MetricOf<'thrift_gain'>) => number | null;
}

/** The list price of a provider's model on a UTC day; null where none is known. */
export type PriceOf = Parameters<typeof costsBy>[2];

/** Whether a person’s UTC day does not count, as by `fair_play` of a rule. */
export type IsLeftOut = (userId: string, day: Day) => boolean;

export const sumOfCosts = (costs: Iterable<CostFigures>): CostFigures => [...costs].reduce(addCosts, noCosts);
export const sumOfFigures = (figures: Iterable<Figures>): Figures => [...figures].reduce(addFigures, noFigures);

/**
 * @param events deduplicated; those that don't count are left out here, and those outside the window tell the tenure, and what was
 *   before it.
 * @param priceOf by default no price is known.
 * @param isLeftOut the events of such a day tell the tenure alone, too; by default all days count.
 * @param outcomes deduplicated; by default none.
 */
export function factsOf(
  events: Iterable<UsageEvent>,
  window: Window,
  priceOf: PriceOf = () => null,
  isLeftOut: IsLeftOut = () => false,
  outcomes: Iterable<OutcomeEvent> = [],
): WindowFacts {
  const ever = [...events].filter((event) => isCounted(event));
  const firstDays = new Map<string, Day>();
  for (const { user_id: userId, occurred_at } of ever) {
    const day = dayOf(occurred_at);
    if (day < (firstDays.get(userId) ?? Infinity)) firstDays.set(userId, day);
  }
  const looked = ever.filter((event) => !isLeftOut(event.user_id, dayOf(event.occurred_at)));
  const counted = looked.filter((event) => isWithin(window, event.occurred_at));
  const leftOut = new Map<string, Set<Day>>();
  for (const { user_id: userId, occurred_at: at } of ever) {
    if (isWithin(window, at) && isLeftOut(userId, dayOf(at))) {
      leftOut.set(userId, (leftOut.get(userId) ?? new Set()).add(dayOf(at)));
    }
  }
  const activeDays = new Set(looked.map((event) => dayOfPerson(event.user_id, dayOf(event.occurred_at))));
  const made = groupBy(
    outcomesByDay(outcomes).filter(({ userId, day }) => activeDays.has(dayOfPerson(userId, day))),
    ({ userId }) => userId,
  );
  const before = beforeOf(looked, made, windowBefore(window));
  const rows = groupBy(modelDays(counted, priceOf), (row) => row.userId);
  const minutes = groupBy(activeMinutes(counted), (session) => session.userId);
  const hours = groupBy(attendanceOf(counted), (hour) => hour.userId);
  const sessions = new Map<string, Set<string>>();
  for (const { user_id: userId, session_id: sessionId } of counted) {
    const known = sessions.get(userId) ?? new Set();
    if (sessionId !== null) known.add(sessionId);
    sessions.set(userId, known);
  }
  const ownEvents = groupBy(counted, (event): string => event.user_id);
  const people = [...rows].map(([userId, own]): PersonFacts => ({
    userId,
    team: teamOf(ownEvents.get(userId) ?? []),
    rows: own,
    figures: sumOfFigures(own.map((row) => row.figures)),
    costs: sumOfCosts(own.map((row) => row.costs)),
    sessions: sessions.get(userId)?.size ?? 0,
    sessionMinutes: minutes.get(userId) ?? [],
    hours: hours.get(userId) ?? [],
    leftOutDays: leftOut.get(userId)?.size ?? 0,
    tenureDays: window.lastDay - (firstDays.get(userId) ?? window.lastDay) + 1,
    outcomes: byDayAndKind(made.get(userId) ?? [], window),
    before: before.get(userId) ?? { tokens: 0n, outcomes: [] },
  }));
  return {
    people,
    company: sumOfFigures(people.map((one) => one.figures)),
    families: familiesOf(people),
    medianBefore: (metric) => medianTokensPerPoint(metric, [...before.values()]),
  };
}

const dayOfPerson = (userId: string, day: Day): string => `${day} ${userId}`;

/** Of everybody with a counted event in these days. */
function beforeOf(
  counted: readonly UsageEvent[],
  made: ReadonlyMap<string, readonly DayOutcomes[]>,
  window: Window,
): ReadonlyMap<string, PersonBefore> {
  const own = groupBy(
    counted.filter((event) => isWithin(window, event.occurred_at)),
    (event): string => event.user_id,
  );
  return new Map(
    [...own].map(([userId, events]) => [
      userId,
      {
        tokens: events.reduce((sum, { tokens }) => sum + BigInt(totalTokens(tokens)), 0n),
        outcomes: byDayAndKind(made.get(userId) ?? [], window),
      },
    ]),
  );
}

/** Those of a window, under whatever team they were recorded. */
function byDayAndKind(rows: readonly DayOutcomes[], { firstDay, lastDay }: Window): readonly DayOutcomes[] {
  const sums = new Map<string, DayOutcomes>();
  for (const { day, kind, quantity } of rows) {
    if (day < firstDay || day > lastDay) continue;
    const key = `${day} ${kind}`;
    sums.set(key, { day, kind, quantity: (sums.get(key)?.quantity ?? 0n) + quantity });
  }
  return [...sums.values()];
}

/** Everybody's figures by model family. */
export function familiesOf(people: readonly PersonFacts[]): ReadonlyMap<string, Figures> {
  const rows = groupBy(
    people.flatMap((person) => person.rows),
    ({ model }) => modelFamily(model),
  );
  return new Map([...rows].map(([family, own]) => [family, sumOfFigures(own.map((row) => row.figures))]));
}

/** A person with a part of their usage. Nothing is known of sessions, minutes, hours and outcomes then: they are not told of each model. */
export const withRows = (person: PersonFacts, rows: readonly ModelDay[]): PersonFacts => ({
  ...person,
  rows,
  figures: sumOfFigures(rows.map((row) => row.figures)),
  costs: sumOfCosts(rows.map((row) => row.costs)),
  sessions: 0,
  sessionMinutes: [],
  hours: [],
  outcomes: [],
  before: { tokens: 0n, outcomes: [] },
});

function modelDays(events: readonly UsageEvent[], priceOf: PriceOf): readonly ModelDay[] {
  const days = groupBy(events, (event) =>
    JSON.stringify([event.user_id, dayOf(event.occurred_at), event.provider, event.model]),
  );
  return [...days.values()].flatMap((own): ModelDay[] => {
    const [first] = own;
    if (first === undefined) return [];
    const { user_id: userId, provider, model } = first;
    const figures = sumOfFigures(own.map(figuresOf));
    const costs = sumOfCosts(costsBy(own, () => '', priceOf).values());
    return [{ userId, day: dayOf(first.occurred_at), provider, model, figures, costs }];
  });
}

function teamOf(events: readonly UsageEvent[]): string | null {
  const tokens = new Map<string, bigint>();
  for (const { team, tokens: counts } of events) {
    if (team !== null && team !== '') tokens.set(team, (tokens.get(team) ?? 0n) + BigInt(totalTokens(counts)));
  }
  const [first] = [...tokens].sort(([a, own], [b, other]) =>
    own === other ? compareUtf8(a, b) : own < other ? 1 : -1,
  );
  return first?.[0] ?? null;
}

/** Tokens of each UTC day that has any: the total, unless only some classes are asked for. */
export function tokensByDay(
  rows: Iterable<UserDayModelFigures>,
  classes: readonly TokenClass[] = tokenClasses,
): Map<Day, bigint> {
  const days = new Map<Day, bigint>();
  for (const { day, figures } of rows) {
    const tokens = classes.reduce((sum, name) => sum + figures.tokens[name], 0n);
    if (tokens > 0n) days.set(day, (days.get(day) ?? 0n) + tokens);
  }
  return days;
}

/** The volume that eligibility is judged by: all counted tokens, the days that have any, the sessions. */
export const volumeOf = (person: PersonFacts): Volume => ({
  tokens: totalOf(person.figures),
  activeDays: tokensByDay(person.rows).size,
  sessions: person.sessions,
  tenureDays: person.tenureDays,
  listCost: person.costs.listCost,
});
