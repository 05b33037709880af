import { totalTokens, type UsageEvent } from '@laurel/events';
import { compareUtf8, dayOf, isCounted, type Day } from '@laurel/usage';
import { thresholds } from './signal.js';

/** What signals look at of a person’s UTC day: usage that titles count, see `isCounted`. */
export interface PersonDay {
  readonly userId: string;
  readonly day: Day;
  /** Of the day itself, at least one. */
  readonly events: readonly UsageEvent[];
  /** Of the day before. */
  readonly eventsBefore: readonly UsageEvent[];
  /** The tokens of each of the `historyDays` before that has any. */
  readonly history: readonly bigint[];
  /** Everybody’s tokens of the day who has any and belongs to the same team; [] of whoever is in none. */
  readonly team: readonly bigint[];
}

/**
 * Everybody with a counted event on a day.
 *
 * @param events deduplicated.
 */
export function peopleOn(events: Iterable<UsageEvent>, day: Day): readonly PersonDay[] {
  const byDay = new Map<string, Map<Day, UsageEvent[]>>();
  for (const event of events) {
    if (!isCounted(event)) continue;
    const days = byDay.get(event.user_id) ?? new Map<Day, UsageEvent[]>();
    byDay.set(event.user_id, days);
    const own = days.get(dayOf(event.occurred_at)) ?? [];
    days.set(dayOf(event.occurred_at), own);
    own.push(event);
  }
  const today = [...byDay].flatMap(([userId, days]) => {
    const own = days.get(day);
    return own === undefined ? [] : [{ userId, days, own, team: teamOf(own), tokens: tokensOf(own) }];
  });
  return today.map(({ userId, days, own, team }) => ({
    userId,
    day,
    events: own,
    eventsBefore: days.get((day - 1) as Day) ?? [],
    history: [...days]
      .filter(([one]) => one < day && one >= day - thresholds.spike.historyDays)
      .map(([, events]) => tokensOf(events))
      .filter((tokens) => tokens > 0n),
    team: today.filter((one) => team !== null && one.team === team && one.tokens > 0n).map(({ tokens }) => tokens),
  }));
}

export const tokensOf = (events: readonly UsageEvent[]): bigint =>
  events.reduce((sum, { tokens }) => sum + BigInt(totalTokens(tokens)), 0n);

/** That of most of the day’s tokens, of equal ones the smaller by its bytes. */
function teamOf(events: readonly UsageEvent[]): string | null {
  const tokens = new Map<string, bigint>();
  for (const event of events) {
    const { team } = event;
    if (team !== null && team !== '') tokens.set(team, (tokens.get(team) ?? 0n) + tokensOf([event]));
  }
  const [first] = [...tokens].sort(([a, own], [b, other]) =>
    own === other ? compareUtf8(a, b) : own < other ? 1 : -1,
  );
  return first?.[0] ?? null;
}
