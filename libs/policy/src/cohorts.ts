/** Fewer people than this are no group: a figure of theirs would be one of persons. */
export const LEAST_COHORT = 5;

/** People whose figures are summed, such as a team's or a model's. */
export interface Cohort {
  /** At most `LEAST_COHORT` different ones of those who used it: all of them when there are fewer. */
  readonly people: readonly string[];
  /** Likewise of those among them who are hidden. */
  readonly hidden: readonly string[];
  /** Likewise of those who are hidden or not shown exactly. */
  readonly guarded: readonly string[];
}

export interface Publication<C extends Cohort> {
  /** Each may be shown by itself. In the given order. */
  readonly shown: readonly C[];
  /** What is left; shown as one sum, unless that is withheld. */
  readonly other: { readonly cohorts: readonly C[]; readonly isWithheld: boolean };
}

/**
 * Says which sums may be shown, so that none gives away a person who is guarded, be it by subtraction: from a sum anybody may
 * take away the people who are shown exactly, and from the sum of all groups those that are shown.
 *
 * - A group is shown by itself when at least `leastPeople` used it, and of those who are hidden, and of those who are guarded,
 *   there are none or at least five (`LEAST_COHORT`). What is left after subtracting is then nobody's, or five people's.
 * - All others are merged into one. It is shown when the same holds for it; where it does not hold, the last shown group that
 *   mends it is merged too; and where none does, the rest is withheld. Then no sum of all is shown either: as the shown groups
 *   have no such people at all, what is withheld could else be had by subtracting.
 *
 * The rule does not depend on how people are grouped: for any two groupings of the same people and usage, the sum of all is
 * shown by both or by neither (save for what is withheld for `leastPeople` alone).
 *
 * @param cohorts those to be kept rather first: of equal use the last ones are merged.
 * @param remainder what belongs to no group, such as usage without a team: always in the rest.
 */
export function publishable<C extends Cohort>(
  cohorts: readonly C[],
  leastPeople: number,
  remainder: readonly C[] = [],
): Publication<C> {
  const isSound = (cohort: Cohort): boolean =>
    cohort.people.length >= Math.min(leastPeople, LEAST_COHORT) &&
    isNoneOrMany(cohort.hidden) &&
    isNoneOrMany(cohort.guarded);
  const shown = cohorts.filter(isSound);
  const rest = [...cohorts.filter((one) => !isSound(one)), ...remainder];
  while (rest.length > 0) {
    const joined = join(rest);
    if (isSound(joined)) return { shown, other: { cohorts: rest, isWithheld: false } };
    const mending = shown.findLastIndex((one) => isSound(join([joined, one])));
    if (mending < 0) return { shown, other: { cohorts: rest, isWithheld: true } };
    rest.push(...shown.splice(mending, 1));
  }
  return { shown, other: { cohorts: [], isWithheld: false } };
}

const isNoneOrMany = (people: readonly string[]): boolean => people.length === 0 || people.length >= LEAST_COHORT;

/** Of samples that are whole below the bound, so is the union. */
function join(cohorts: readonly Cohort[]): Cohort {
  const union = (of: (cohort: Cohort) => readonly string[]): readonly string[] =>
    [...new Set(cohorts.flatMap(of))].slice(0, LEAST_COHORT);
  return {
    people: union((one) => one.people),
    hidden: union((one) => one.hidden),
    guarded: union((one) => one.guarded),
  };
}
