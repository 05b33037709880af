import type { PersonFacts, WindowFacts } from './metrics/facts.js';
import { groupBy } from './metrics/grouping.js';
import { measure } from './metrics/measure.js';
import type { Scope, TitleRule } from './rule.js';
import { rank, type Standing } from './standings.js';

/** A team with fewer people than this has no board: its figures would be somebody's own. */
export const LEAST_COHORT = 5;

const TEAM = 'team:';
export const scopeOfTeam = (team: string): Scope => `${TEAM}${team}`;

/** Whether a rule awards its title in a scope. */
export const isScopeOf = (rule: Pick<TitleRule, 'scope'>, scope: string): scope is Scope =>
  rule.scope === 'company' ? scope === 'company' : scope.startsWith(TEAM);

/**
 * Everybody's standing, in each scope of a rule. In the company all are compared. With `each_team` people are compared with
 * those of their own team, by all of their usage, whatever team it was recorded under; see `PersonFacts.team`. Teams of fewer
 * than `LEAST_COHORT` people have no standings, nor has whoever is in no team.
 */
export function standingsByScope(rule: TitleRule, facts: WindowFacts): ReadonlyMap<Scope, readonly Standing[]> {
  const measurements = measure(rule.metric, facts);
  if (rule.scope === 'company') return new Map([['company', rank(rule.eligibility, measurements)]]);
  const teamOf = new Map(facts.people.map((person) => [person.userId, person.team]));
  const standings = new Map<Scope, readonly Standing[]>();
  for (const [team, own] of groupBy(measurements, ({ userId }) => teamOf.get(userId) ?? null)) {
    if (team === null || own.length < LEAST_COHORT) continue;
    standings.set(scopeOfTeam(team), rank(rule.eligibility, own));
  }
  return standings;
}

/** The scope in which somebody stands, where a rule has one for them. */
export const scopeOfPerson = (rule: Pick<TitleRule, 'scope'>, { team }: Pick<PersonFacts, 'team'>): Scope | null => {
  if (rule.scope === 'company') return 'company';
  return team === null ? null : scopeOfTeam(team);
};
