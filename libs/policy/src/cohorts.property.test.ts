import fc from 'fast-check';
import { LEAST_COHORT, publishable, type Cohort } from './cohorts.js';

interface Group extends Cohort {
  readonly name: string;
  readonly everybody: ReadonlySet<number>;
}

type Choice = 'exact' | 'coarse' | 'hidden';

/** Of 30 people each group has some; the groups are cut as ClickHouse samples them. */
const worlds = fc.record({
  choices: fc.array(fc.constantFrom<Choice>('exact', 'exact', 'exact', 'coarse', 'hidden'), {
    minLength: 30,
    maxLength: 30,
  }),
  groups: fc.array(fc.uniqueArray(fc.nat(29), { minLength: 1, maxLength: 15 }), { maxLength: 8 }),
  remainder: fc.uniqueArray(fc.nat(29), { maxLength: 8 }),
  least: fc.constantFrom(0, LEAST_COHORT),
});

function groupOf(name: string, members: readonly number[], choices: readonly Choice[]): Group {
  const those = (isOne: (choice: Choice) => boolean): string[] =>
    members
      .filter((one) => isOne(choices[one] ?? 'exact'))
      .map(String)
      .slice(0, LEAST_COHORT);
  return {
    name,
    everybody: new Set(members),
    people: those(() => true),
    hidden: those((choice) => choice === 'hidden'),
    guarded: those((choice) => choice !== 'exact'),
  };
}

const countOf = (groups: readonly Group[], choices: readonly Choice[], isOne: (choice: Choice) => boolean): number =>
  [...new Set(groups.flatMap(({ everybody }) => [...everybody]))].filter((one) => isOne(choices[one] ?? 'exact'))
    .length;
const noneOrMany = (count: number): boolean => count === 0 || count >= LEAST_COHORT;

describe('the sums of groups that are shown', () => {
  const published = ({
    choices,
    groups,
    remainder,
    least,
  }: typeof worlds extends fc.Arbitrary<infer W> ? W : never) => {
    const cohorts = groups.map((members, index) => groupOf(`g${index}`, members, choices));
    const rest = remainder.length === 0 ? [] : [groupOf('none', remainder, choices)];
    return { ...publishable(cohorts, least, rest), cohorts, rest };
  };

  it('leave, after everybody who is shown exactly is subtracted, nobody or five people, and so does the rest', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const { shown, other } = published(world);
        const sums = shown.map((one) => [one]);
        if (other.cohorts.length > 0 && !other.isWithheld) sums.push([...other.cohorts]);
        for (const sum of sums) {
          expect(noneOrMany(countOf(sum, world.choices, (choice) => choice === 'hidden'))).toBe(true);
          expect(noneOrMany(countOf(sum, world.choices, (choice) => choice !== 'exact'))).toBe(true);
          expect(countOf(sum, world.choices, () => true)).toBeGreaterThanOrEqual(world.least);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('take up every group once', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const { shown, other, cohorts, rest } = published(world);
        expect([...shown, ...other.cohorts].map(({ name }) => name).sort()).toEqual(
          [...cohorts, ...rest].map(({ name }) => name).sort(),
        );
      }),
    );
  });

  it('withhold the sum of all together, by whatever groups, so that one grouping can’t be subtracted from another', () => {
    fc.assert(
      fc.property(worlds, fc.array(fc.nat(7), { minLength: 30, maxLength: 30 }), ({ choices }, models) => {
        const everybody = choices.map((_, index) => index);
        const byModel = [...new Set(models)].map((model) =>
          groupOf(
            `m${model}`,
            everybody.filter((one) => models[one] === model),
            choices,
          ),
        );
        const asOne = publishable([groupOf('company', everybody, choices)], 0);
        const isAllShown = ({ other }: { readonly other: { readonly isWithheld: boolean } }): boolean =>
          !other.isWithheld;
        expect(isAllShown(publishable(byModel, 0))).toBe(isAllShown(asOne));
        expect(isAllShown(publishable(byModel, LEAST_COHORT))).toBe(isAllShown(asOne));
      }),
    );
  });

  it('withhold the rest of one hidden person among many, though every team is large', () => {
    const choices: readonly Choice[] = Array.from({ length: 20 }, (_, index) => (index === 19 ? 'hidden' : 'exact'));
    const tens = (from: number) => Array.from({ length: 10 }, (_, index) => from + index);
    const { shown, other } = publishable(
      [groupOf('a', tens(0), choices), groupOf('b', tens(10), choices)],
      LEAST_COHORT,
    );
    expect(shown.map(({ name }) => name)).toEqual(['a']);
    expect(other).toMatchObject({ cohorts: [{ name: 'b' }], isWithheld: true });
  });

  it('merge a small team with the least of the large ones, when only the two are five people', () => {
    const choices: readonly Choice[] = Array.from({ length: 20 }, () => 'exact');
    const teams = [
      groupOf('a', [0, 1, 2, 3, 4, 5], choices),
      groupOf('b', [6, 7, 8, 9, 10], choices),
      groupOf('c', [11], choices),
    ];
    const { shown, other } = publishable(teams, LEAST_COHORT);
    expect(shown.map(({ name }) => name)).toEqual(['a']);
    expect(other.cohorts.map(({ name }) => name)).toEqual(['c', 'b']);
    expect(other.isWithheld).toBe(false);
  });
});
