import { tokensOf, type PersonDay } from '../person-day.js';
import { thresholds, type SignalEvidence } from '../signal.js';

/**
 * Many times the tokens of the person’s own usual day, and of the usual member of their team on this one: `times` the median of their days
 * with tokens among the `historyDays` before, of which there have to be `activeDays`; and `times` the median of the team’s people with tokens on the day,
 * the person included, where those are at least `teamPeople`. Of an even number the lower of the two in the middle.
 *
 * Evidence: `tokens`, `own_median`, `active_days`; with such a team `team_median`, `team_people`.
 */
export function spike({ events, history, team }: PersonDay): SignalEvidence | null {
  const least = thresholds.spike;
  const tokens = tokensOf(events);
  const own = medianOf(history);
  if (own === undefined || history.length < least.activeDays) return null;
  const ofTeam = team.length < least.teamPeople ? undefined : medianOf(team);
  const isFar = (median: bigint): boolean => tokens >= median * BigInt(least.times);
  if (tokens < least.tokens || !isFar(own) || !isFar(ofTeam ?? 0n)) return null;
  return {
    tokens: String(tokens),
    own_median: String(own),
    active_days: String(history.length),
    ...(ofTeam === undefined ? {} : { team_median: String(ofTeam), team_people: String(team.length) }),
  };
}

/** Undefined of nothing. */
function medianOf(values: readonly bigint[]): bigint | undefined {
  const ordered = [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return ordered[Math.floor((ordered.length - 1) / 2)];
}
