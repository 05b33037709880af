import { modelFamily } from '@laurel/usage';
import type { TitleRule, UsageFilter } from '../rule.js';
import { familiesOf, sumOfFigures, withRows, type ModelDay, type PersonFacts, type WindowFacts } from './facts.js';

/** Whether the usage of a model counts. */
export const countsOf =
  ({ providers, model_families: families }: UsageFilter) =>
  (provider: string, family: string): boolean =>
    (providers?.includes(provider) ?? true) && (families?.includes(family) ?? true);

/** Of some people the usage that counts for a title alone; without those who have none. */
export function countedPeople(
  { usage }: Pick<TitleRule, 'usage'>,
  people: readonly PersonFacts[],
): readonly PersonFacts[] {
  if (usage === undefined) return people;
  const counts = countsOf(usage);
  const isCounted = ({ provider, model }: ModelDay): boolean => counts(provider, modelFamily(model));
  return people.flatMap((person) => {
    const rows = person.rows.filter(isCounted);
    return rows.length === 0 ? [] : [withRows(person, rows)];
  });
}

/** @param facts of everybody. */
export function countedFacts(rule: Pick<TitleRule, 'usage'>, facts: WindowFacts): WindowFacts {
  if (rule.usage === undefined) return facts;
  const people = countedPeople(rule, facts.people);
  const company = sumOfFigures(people.map((person) => person.figures));
  return { ...facts, people, company, families: familiesOf(people) };
}
