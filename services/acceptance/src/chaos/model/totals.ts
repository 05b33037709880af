import { tokenFields, type UsageEvent } from '@laurel/events';
import {
  addCosts,
  addFigures,
  costOf,
  dayKey,
  dayOf,
  figuresOf,
  HOUR_MS,
  hourOf,
  isActivity,
  isCounted,
  minuteOf,
  noCosts,
  noFigures,
  pairKey,
  priceOn,
  totalOf,
  usdText,
  type CostFigures,
  type Day,
  type Figures,
  type Hour,
  type Minute,
  type Schedule,
} from '@laurel/usage';
import { PriceCatalogue } from '@laurel/usage/price-list';
import type { WindowFacts } from '@laurel/titles';

const SEPARATOR = '|';
export const keyOf = (...parts: readonly (string | number)[]): string => parts.join(SEPARATOR);

/** What some events add up to. */
export interface Sums {
  readonly figures: Figures;
  readonly costs: CostFigures;
}

/** Sums as one text, in the order of the tables' columns. */
export const sumsText = ({ figures: { events, tokens, costMicroUsd }, costs }: Sums): string =>
  [
    events,
    ...tokenFields.map((field) => tokens[field]),
    costMicroUsd,
    usdText(costs.listCost),
    usdText(costs.cacheSaving),
    costs.unpricedEvents,
  ].join(' ');

/** What the deduplicated log adds up to, gathered lot by lot. */
export class Totals {
  /** By hour, user, team, provider, model, origin and status. */
  readonly hours = new Map<string, Sums>();
  readonly days = new Map<string, Sums>();
  readonly models = new Map<string, Sums>();
  /** The minutes of an hour in which a session was active, as bits. */
  readonly sessions = new Map<string, bigint>();
  private readonly counted = new Map<string, { userId: string; day: Day; model: string; figures: Figures }>();
  /** By user and hour. */
  readonly attendance = new Map<string, { userId: string; hour: Hour; tokens: bigint; minutes: Set<Minute> }>();
  private readonly sessionMinutes = new Map<string, { userId: string; sessionId: string; minutes: Set<Minute> }>();
  private readonly sessionsOf = new Map<string, Set<string>>();
  /** The list that the services come with. */
  private readonly prices = new PriceCatalogue();
  private readonly schedules = new Map<string, Schedule>();

  /** @param event of the deduplicated log. */
  add(event: UsageEvent): void {
    const { user_id: user, team, provider, model, origin, status, occurred_at: at, session_id: session } = event;
    const figures = figuresOf(event);
    const day = dayOf(at);
    const hour = hourOf(at) * (HOUR_MS / 1000);
    const isCounting = isCounted(event);
    const cost = costOf(event.tokens, priceOn(this.scheduleOf(provider, model), day));
    const sums: Sums = { figures, costs: { ...cost, unpricedEvents: Number(cost.unpriced) } };
    plus(this.hours, keyOf(hour, user, team ?? '', provider, model, origin, status), sums);
    plus(this.days, keyOf(dayKey(day), user, team ?? '', Number(isCounting)), sums);
    plus(this.models, keyOf(dayKey(day), user, provider, model, Number(isCounting)), sums);
    if (!isCounting) return;
    const countedKey = keyOf(user, day, model);
    const known = this.counted.get(countedKey)?.figures ?? noFigures;
    this.counted.set(countedKey, { userId: user, day, model, figures: addFigures(known, figures) });
    const own = this.sessionsOf.get(user) ?? new Set();
    this.sessionsOf.set(user, own);
    const minute = minuteOf(at);
    const attendedKey = keyOf(user, hour);
    const attended = this.attendance.get(attendedKey) ?? {
      userId: user,
      hour: hourOf(at),
      tokens: 0n,
      minutes: new Set<Minute>(),
    };
    this.attendance.set(attendedKey, attended);
    attended.tokens += totalOf(figures);
    if (isActivity(event)) attended.minutes.add(minute);
    if (session === null) return;
    own.add(session);
    const bit = isActivity(event) ? 1n << BigInt(minute % 60) : 0n;
    const key = keyOf(hour, user, session);
    this.sessions.set(key, (this.sessions.get(key) ?? 0n) | bit);
    if (bit === 0n) return;
    const minutes = this.sessionMinutes.get(keyOf(user, session)) ?? {
      userId: user,
      sessionId: session,
      minutes: new Set<Minute>(),
    };
    this.sessionMinutes.set(keyOf(user, session), minutes);
    minutes.minutes.add(minute);
  }

  private scheduleOf(provider: string, model: string): Schedule {
    const key = pairKey(provider, model);
    const known = this.schedules.get(key) ?? this.prices.scheduleOf(provider, model);
    this.schedules.set(key, known);
    return known;
  }

  /** As titles look at it; all of the log has to lie within the window. */
  get facts(): WindowFacts {
    const people = [...this.sessionsOf].map(([userId, sessions]) => {
      // Nor is any of each model family, or asks of which provider a model is.
      const rows = [...this.counted.values()]
        .filter((row) => row.userId === userId)
        .map((row) => ({ ...row, provider: '', costs: noCosts }));
      return {
        userId,
        // No title of Laurel's own is one of each team, or looks at tenure; nor at costs without outcomes, which are not played.
        team: null,
        costs: noCosts,
        tenureDays: 1,
        outcomes: [],
        before: { tokens: 0n, outcomes: [] },
        leftOutDays: 0,
        rows,
        figures: rows.reduce((all, row) => addFigures(all, row.figures), noFigures),
        sessions: sessions.size,
        sessionMinutes: [...this.sessionMinutes.values()]
          .filter((one) => one.userId === userId)
          .map((one) => ({ ...one, minutes: [...one.minutes].sort((a, b) => a - b) })),
        hours: [...this.attendance.values()]
          .filter((one) => one.userId === userId)
          .map(({ minutes, ...hour }) => ({ ...hour, ownMinutes: minutes.size })),
      };
    });
    const company = people.reduce((all, one) => addFigures(all, one.figures), noFigures);
    return { people, company, families: new Map(), medianBefore: () => null };
  }
}

function plus(map: Map<string, Sums>, key: string, { figures, costs }: Sums): void {
  const known = map.get(key);
  map.set(key, {
    figures: known === undefined ? figures : addFigures(known.figures, figures),
    costs: known === undefined ? costs : addCosts(known.costs, costs),
  });
}
