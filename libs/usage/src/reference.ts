import {
  identityOf,
  outcomeVersionOf,
  tokenClasses,
  tokenFields,
  totalTokens,
  versionOf,
  type Identity,
  type OutcomeEvent,
  type OutcomeKind,
  type TokenCounts,
  type UsageEvent,
} from '@laurel/events';
import { dayOf, hourOf, minuteOf, type Day, type Hour, type Minute } from './buckets.js';
import { costOf, type Price } from './prices/price.js';

/*
 * The reference model of the pipeline: what every projection has to equal. It is written to be read and believed, not
 * to be fast; all of it is a function of the set of events, whatever their order and however often each came.
 */

/**
 * The log as it counts: of each identity the greatest version, and none whose greatest version is a retraction.
 *
 * @returns the events in the order of their identities, so that equal logs give equal lists.
 */
export const deduplicate = (events: Iterable<UsageEvent>): UsageEvent[] => latestOf(events, versionOf);

/** The same of outcomes. */
export const deduplicateOutcomes = (events: Iterable<OutcomeEvent>): OutcomeEvent[] =>
  latestOf(events, outcomeVersionOf);

function latestOf<E extends Identity & { readonly retracted: boolean }>(
  events: Iterable<E>,
  version: (event: E) => bigint,
): E[] {
  const latest = new Map<string, E>();
  for (const event of events) {
    const identity = identityOf(event);
    const known = latest.get(identity);
    if (known === undefined || version(event) > version(known)) latest.set(identity, event);
  }
  return [...latest]
    .filter(([, event]) => !event.retracted)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, event]) => event);
}

/** Sums over events. Counts may pass 2^53 together, so they are exact as bigint. */
export interface Figures {
  readonly events: number;
  readonly tokens: Readonly<Record<keyof TokenCounts, bigint>>;
  /** Of the events that report a cost; millionths of a US dollar. */
  readonly costMicroUsd: bigint;
}

export const noFigures: Figures = {
  events: 0,
  tokens: {
    input: 0n,
    cache_read: 0n,
    cache_write_5m: 0n,
    cache_write_1h: 0n,
    cache_write: 0n,
    output: 0n,
    reasoning: 0n,
  },
  costMicroUsd: 0n,
};

export const figuresOf = (event: Pick<UsageEvent, 'tokens' | 'cost_micro_usd'>): Figures => ({
  events: 1,
  tokens: tokensBy((field) => BigInt(event.tokens[field])),
  costMicroUsd: BigInt(event.cost_micro_usd ?? 0),
});

export const addFigures = (a: Figures, b: Figures): Figures => ({
  events: a.events + b.events,
  tokens: tokensBy((field) => a.tokens[field] + b.tokens[field]),
  costMicroUsd: a.costMicroUsd + b.costMicroUsd,
});

function tokensBy(count: (field: keyof TokenCounts) => bigint): Figures['tokens'] {
  const tokens = { ...noFigures.tokens } as Record<keyof TokenCounts, bigint>;
  for (const field of tokenFields) tokens[field] = count(field);
  return tokens;
}

/** The sum of the disjoint classes; `reasoning` lies in `output`. */
export const totalOf = ({ tokens }: Pick<Figures, 'tokens'>): bigint =>
  tokenClasses.reduce((total, name) => total + tokens[name], 0n);

/** The figures of deduplicated events, by a key of each event. */
export function figuresBy<K>(events: Iterable<UsageEvent>, keyOf: (event: UsageEvent) => K): Map<K, Figures> {
  const figures = new Map<K, Figures>();
  for (const event of events) {
    const key = keyOf(event);
    figures.set(key, addFigures(figures.get(key) ?? noFigures, figuresOf(event)));
  }
  return figures;
}

export const figuresByUser = (events: Iterable<UsageEvent>): Map<string, Figures> =>
  figuresBy(events, (event) => event.user_id);

/** By the model's id as it was published; see `modelFamily` for what is the same model. */
export const figuresByModel = (events: Iterable<UsageEvent>): Map<string, Figures> =>
  figuresBy(events, (event) => event.model);

/** One user's figures for one model on one UTC day. */
export interface UserDayModelFigures {
  readonly userId: string;
  readonly day: Day;
  readonly model: string;
  readonly figures: Figures;
}

/** In no particular order; a combination without events has no row. */
export function figuresByUserDayModel(events: Iterable<UsageEvent>): UserDayModelFigures[] {
  const rows = new Map<string, UserDayModelFigures>();
  for (const event of events) {
    const { user_id: userId, model } = event;
    const day = dayOf(event.occurred_at);
    const key = `${userId}\0${day}\0${model}`;
    const figures = addFigures(rows.get(key)?.figures ?? noFigures, figuresOf(event));
    rows.set(key, { userId, day, model, figures });
  }
  return [...rows.values()];
}

/** What events cost by their list prices; failed ones too, as far as they report tokens: those were spent. */
export interface CostFigures {
  /** In pico-US-dollars; may be beyond 2^64. */
  readonly listCost: bigint;
  /** In pico-US-dollars; negative where caching did not pay off. */
  readonly cacheSaving: bigint;
  /** How many events are in neither, as a price that they need is not known. */
  readonly unpricedEvents: number;
}

export const noCosts: CostFigures = { listCost: 0n, cacheSaving: 0n, unpricedEvents: 0 };

export const addCosts = (a: CostFigures, b: CostFigures): CostFigures => ({
  listCost: a.listCost + b.listCost,
  cacheSaving: a.cacheSaving + b.cacheSaving,
  unpricedEvents: a.unpricedEvents + b.unpricedEvents,
});

/** The costs of deduplicated events, by a key of each event. An event is priced by the price of its own UTC day. */
export function costsBy<K>(
  events: Iterable<UsageEvent>,
  keyOf: (event: UsageEvent) => K,
  priceOf: (provider: string, model: string, day: Day) => Price | null,
): Map<K, CostFigures> {
  const costs = new Map<K, CostFigures>();
  for (const event of events) {
    const key = keyOf(event);
    const known = costs.get(key) ?? noCosts;
    const own = costOf(event.tokens, priceOf(event.provider, event.model, dayOf(event.occurred_at)));
    costs.set(key, addCosts(known, { ...own, unpricedEvents: own.unpriced ? 1 : 0 }));
  }
  return costs;
}

/** Counted for titles: a successful call that the person asked for, or an agent on their behalf. */
export const isCounted = (event: Pick<UsageEvent, 'status' | 'origin'>): boolean =>
  event.status === 'ok' && (event.origin === 'main' || event.origin === 'subagent');

/** Shows the person at work: a successful call that they asked for themselves. */
export const isActivity = (event: Pick<UsageEvent, 'status' | 'origin'>): boolean =>
  event.status === 'ok' && event.origin === 'main';

/** The minutes in which a person was active in one session; a session id belongs to its user alone. */
export interface SessionMinutes {
  readonly userId: string;
  readonly sessionId: string;
  /** Distinct and ascending; at least one. */
  readonly minutes: readonly Minute[];
}

/** Events without a session are in none. In no particular order. */
export function activeMinutes(events: Iterable<UsageEvent>): SessionMinutes[] {
  const sessions = new Map<string, { userId: string; sessionId: string; minutes: Set<Minute> }>();
  for (const event of events) {
    const { user_id: userId, session_id: sessionId } = event;
    if (sessionId === null || !isActivity(event)) continue;
    const key = `${userId}\0${sessionId}`;
    const session = sessions.get(key) ?? { userId, sessionId, minutes: new Set<Minute>() };
    sessions.set(key, session);
    session.minutes.add(minuteOf(event.occurred_at));
  }
  return [...sessions.values()].map(({ minutes, ...session }) => ({
    ...session,
    minutes: [...minutes].sort((a, b) => a - b),
  }));
}

/** A UTC hour in which somebody used what counts for titles. */
export interface AttendedHour {
  readonly userId: string;
  readonly hour: Hour;
  /** Of all counted events of the hour, whoever made the calls: the person or their agents. */
  readonly tokens: bigint;
  /** Minutes of the hour with a call of the person's own, in whatever session or none; 0 to 60. */
  readonly ownMinutes: number;
}

/** In no particular order; an hour without counted events has no entry. */
export function attendanceOf(events: Iterable<UsageEvent>): AttendedHour[] {
  const hours = new Map<string, { userId: string; hour: Hour; tokens: bigint; minutes: Set<Minute> }>();
  for (const event of events) {
    if (!isCounted(event)) continue;
    const { user_id: userId, occurred_at: at } = event;
    const key = `${userId}\0${hourOf(at)}`;
    const known = hours.get(key) ?? { userId, hour: hourOf(at), tokens: 0n, minutes: new Set<Minute>() };
    hours.set(key, known);
    known.tokens += BigInt(totalTokens(event.tokens));
    if (isActivity(event)) known.minutes.add(minuteOf(at));
  }
  return [...hours.values()].map(({ minutes, ...hour }) => ({ ...hour, ownMinutes: minutes.size }));
}

/** One user's outcomes of one kind, under one team, on one UTC day. */
export interface OutcomesOfDay {
  readonly userId: string;
  readonly day: Day;
  /** null: none was said. */
  readonly team: string | null;
  readonly kind: OutcomeKind;
  /** How many events tell of them. */
  readonly events: number;
  readonly quantity: bigint;
}

/** The sums of deduplicated outcomes. In no particular order; a combination without events has no row. */
export function outcomesByDay(events: Iterable<OutcomeEvent>): OutcomesOfDay[] {
  const rows = new Map<string, OutcomesOfDay>();
  for (const { user_id: userId, occurred_at, team, kind, quantity } of events) {
    const day = dayOf(occurred_at);
    const key = JSON.stringify([userId, day, team, kind]);
    const known = rows.get(key) ?? { userId, day, team, kind, events: 0, quantity: 0n };
    rows.set(key, { ...known, events: known.events + 1, quantity: known.quantity + BigInt(quantity) });
  }
  return [...rows.values()];
}
