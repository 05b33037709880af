import { modelFamily } from '@laurel/usage';
import { countedFacts } from './metrics/counted.js';
import { sumOfFigures, withRows, type PersonFacts, type WindowFacts } from './metrics/facts.js';
import { groupBy } from './metrics/grouping.js';
import { measure } from './metrics/measure.js';
import type { Scope, TitleRule } from './rule.js';
import { rank, type Standing } from './standings.js';

/** A team or model family of fewer people than this has no board: its figures would be somebody's own. */
export const LEAST_COHORT = 5;

const TEAM = 'team:';
const FAMILY = 'family:';
export const scopeOfTeam = (team: string): Scope => `${TEAM}${team}`;
export const scopeOfFamily = (family: string): Scope => `${FAMILY}${family}`;

/** The scope of a rule in a part of the company: of a team or model family, or the company, whose part is ''. */
export function scopeOfPart(rule: Pick<TitleRule, 'scope'>, part: string): Scope {
  switch (rule.scope) {
    case 'company':
      return 'company';
    case 'each_team':
      return scopeOfTeam(part);
    case 'each_model_family':
      return scopeOfFamily(part);
    default:
      return rule.scope satisfies never;
  }
}

/** Whether a rule awards its title in a scope. */
export function isScopeOf(rule: Pick<TitleRule, 'scope'>, scope: string): scope is Scope {
  switch (rule.scope) {
    case 'company':
      return scope === 'company';
    case 'each_team':
      return scope.startsWith(TEAM);
    case 'each_model_family':
      return scope.startsWith(FAMILY);
    default:
      return rule.scope satisfies never;
  }
}

/**
 * The facts of each scope of a rule, whatever its size: everybody's; with `each_team` people's of each team by all of their usage,
 * whatever team it was recorded under (see `PersonFacts.team`), and of nobody who is in none; with `each_model_family` of
 * each family, and as if there were no usage but that of its models.
 */
export function factsByScope(rule: Pick<TitleRule, 'scope'>, facts: WindowFacts): ReadonlyMap<Scope, WindowFacts> {
  switch (rule.scope) {
    case 'company':
      return new Map([['company', facts]]);
    case 'each_team': {
      const teams = groupBy(facts.people, ({ team }) => team);
      return new Map(
        [...teams].flatMap(([team, people]) => (team === null ? [] : [[scopeOfTeam(team), { ...facts, people }]])),
      );
    }
    case 'each_model_family': {
      const families = groupBy(facts.people.flatMap(ofEachFamily), ({ family }) => family);
      return new Map(
        [...families].map(([family, own]) => {
          const people = own.map(({ person }) => person);
          return [scopeOfFamily(family), { ...facts, people, company: facts.families.get(family) ?? NOTHING }];
        }),
      );
    }
    default:
      return rule.scope satisfies never;
  }
}

const NOTHING = sumOfFigures([]);

/** A person by each model family that they used. */
const ofEachFamily = (person: PersonFacts): readonly { readonly family: string; readonly person: PersonFacts }[] =>
  [...groupBy(person.rows, ({ model }) => modelFamily(model))].map(([family, rows]) => ({
    family,
    person: withRows(person, rows),
  }));

/**
 * Everybody's standing, in each scope of a rule that has a board, by the usage that counts for it; see `factsByScope` and
 * `LEAST_COHORT`.
 */
export function standingsByScope(rule: TitleRule, facts: WindowFacts): ReadonlyMap<Scope, readonly Standing[]> {
  const standings = new Map<Scope, readonly Standing[]>();
  for (const [scope, own] of factsByScope(rule, countedFacts(rule, facts))) {
    if (scope !== 'company' && own.people.length < LEAST_COHORT) continue;
    standings.set(scope, rank(rule.eligibility, measure(rule.metric, own)));
  }
  return standings;
}
