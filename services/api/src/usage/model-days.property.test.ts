import fc from 'fast-check';
import { LEAST_COHORT } from '@laurel/policy';
import { noCosts, noFigures, type Day } from '@laurel/usage';
import { familyDaysJson, type FamilyDay } from './model-days.js';

const DAYS = [20_000, 20_001, 20_002] as Day[];
const PEOPLE = 14;
const FAMILIES = ['a', 'b', 'c', 'd'];

interface Use {
  readonly person: number;
  readonly family: string;
  readonly day: Day;
  readonly tokens: number;
}

const uses = fc.array(
  fc.record({
    person: fc.nat(PEOPLE - 1),
    family: fc.constantFrom(...FAMILIES),
    day: fc.constantFrom(...DAYS),
    tokens: fc.integer({ min: 1, max: 9_999_999 }),
  }),
  { maxLength: 120 },
);

/** As the statement tells it: the samples of people are whole below the bound. */
function rowsOf(all: readonly Use[], isGuarded: (person: number) => boolean): FamilyDay[] {
  return FAMILIES.flatMap((family) =>
    DAYS.flatMap((day) => {
      const own = all.filter((use) => use.family === family && use.day === day);
      if (own.length === 0) return [];
      const people = [...new Set(own.map(({ person }) => person))];
      const sample = (some: readonly number[]): string[] => some.slice(0, LEAST_COHORT).map(String);
      const input = BigInt(own.reduce((sum, { tokens }) => sum + tokens, 0));
      return {
        family,
        day,
        people: sample(people),
        hidden: [],
        guarded: sample(people.filter(isGuarded)),
        figures: { ...noFigures, tokens: { ...noFigures.tokens, input } },
        costs: noCosts,
      };
    }),
  );
}

const guardedOn = (
  all: readonly Use[],
  isGuarded: (person: number) => boolean,
  families: readonly string[],
  day: Day,
) =>
  new Set(
    all
      .filter((use) => use.day === day && families.includes(use.family) && isGuarded(use.person))
      .map(({ person }) => person),
  ).size;

describe('usage by day and model family', () => {
  it('shows everything exactly where nobody is guarded', () => {
    fc.assert(
      fc.property(uses, (all) => {
        const { families, other } = familyDaysJson(
          rowsOf(all, () => false),
          DAYS,
        );
        expect(other).toBeNull();
        for (const { family, total_tokens } of families) {
          const expected = DAYS.map((day) =>
            all.filter((use) => use.family === family && use.day === day).reduce((sum, { tokens }) => sum + tokens, 0),
          );
          expect(total_tokens).toEqual(expected.map(String));
        }
        expect(families).toHaveLength(new Set(all.map(({ family }) => family)).size);
      }),
    );
  });

  it('has nobody or at least five guarded people behind each figure, and withholds nothing else', () => {
    fc.assert(
      fc.property(uses, fc.nat(PEOPLE), (all, guarded) => {
        const isGuarded = (person: number): boolean => person < guarded;
        const { families, other } = familyDaysJson(rowsOf(all, isGuarded), DAYS);
        const shown = families.map(({ family }) => family);
        const rest = [...new Set(all.map(({ family }) => family))].filter((family) => !shown.includes(family));
        const sums = [...shown.map((family) => [family]), ...(other?.withheld === false ? [rest] : [])];
        for (const day of DAYS) {
          for (const sum of sums) {
            const count = guardedOn(all, isGuarded, sum, day);
            expect(count === 0 || count >= LEAST_COHORT).toBe(true);
          }
        }
        // Only for the sake of somebody is anything withheld.
        if (other?.withheld === true) {
          for (const family of rest) {
            const counts = DAYS.map((day) => guardedOn(all, isGuarded, [family], day));
            expect(counts.some((count) => count > 0 && count < LEAST_COHORT)).toBe(true);
          }
        }
      }),
    );
  });
});
