import { z } from 'zod';
import { publishable, shownCount, type Cohort } from '@laurel/policy';
import {
  addCosts,
  addFigures,
  noCosts,
  noFigures,
  totalOf,
  usdText,
  type CostFigures,
  type Day,
  type Figures,
} from '@laurel/usage';
import { sumSchema, usdSchema } from './figures-json.js';

/** One model family's usage on one day, by all who used it then. */
export interface FamilyDay extends Cohort {
  readonly family: string;
  readonly day: Day;
  readonly figures: Figures;
  readonly costs: CostFigures;
}

const amountsSchema = z.object({
  total_tokens: z.array(sumSchema).readonly().describe('of each day'),
  list_cost_usd: z.array(usdSchema).readonly().describe('of each day'),
});
type DayAmountsJson = Readonly<z.output<typeof amountsSchema>>;

export const familyDaysSchema = z.object({
  families: z.array(z.object({ family: z.string(), ...amountsSchema.shape })).readonly(),
  other: z
    .discriminatedUnion('withheld', [
      z.object({ families: z.int(), withheld: z.literal(true) }),
      z.object({ families: z.int(), withheld: z.literal(false), ...amountsSchema.shape }),
    ])
    .nullable()
    .describe('those that can’t be shown by themselves, as one'),
});
export type FamilyDaysJson = Readonly<z.output<typeof familyDaysSchema>>;

interface Family {
  readonly family: string;
  readonly tokens: bigint;
  readonly byDay: ReadonlyMap<Day, FamilyDay>;
}

/**
 * The usage of each day by model family, as far as it may be shown.
 *
 * The sum of a longer time may be had elsewhere, so a family is shown by days only when it can be on every single one: the day that
 * is left out would else follow by subtraction. Families that can't are merged, with as many of the smaller others as it takes for
 * the sum of every day to protect whom it has to; where nothing does, they are withheld, and there is no sum of all that they could
 * be had from. `publishable` is the rule for one sum.
 *
 * @param days ascending; whatever is on no other.
 */
export function familyDaysJson(rows: readonly FamilyDay[], days: readonly Day[]): FamilyDaysJson {
  const byFamily = new Map<string, Map<Day, FamilyDay>>();
  for (const row of rows)
    byFamily.set(row.family, (byFamily.get(row.family) ?? new Map<Day, FamilyDay>()).set(row.day, row));
  const families = [...byFamily]
    .map(([family, byDay]): Family => ({
      family,
      byDay,
      tokens: [...byDay.values()].reduce((sum, { figures }) => sum + totalOf(figures), 0n),
    }))
    .sort((a, b) => (a.tokens === b.tokens ? (a.family < b.family ? -1 : 1) : a.tokens > b.tokens ? -1 : 1));
  const sound = families.filter((family) => isSound([family], days));
  const unsound = families.filter((family) => !isSound([family], days));
  const merged = unsound.length === 0 ? 0 : leastThatMend(sound, unsound, days);
  const shown = sound.slice(0, sound.length - (merged ?? 0));
  const rest = [...unsound, ...sound.slice(shown.length)];
  return {
    families: shown.map((family) => ({ family: family.family, ...amountsJson([family], days) })),
    other:
      rest.length === 0
        ? null
        : merged !== undefined
          ? { families: rest.length, withheld: false, ...amountsJson(rest, days) }
          : { families: rest.length, withheld: true },
  };
}

/** How many of the last sound families it takes for the others' sum to be sound; undefined when all of them don't suffice. */
function leastThatMend(sound: readonly Family[], unsound: readonly Family[], days: readonly Day[]): number | undefined {
  for (let count = 0; count <= sound.length; count += 1) {
    if (isSound([...unsound, ...sound.slice(sound.length - count)], days)) return count;
  }
  return undefined;
}

const rowsOf = (families: readonly Family[], day: Day): readonly FamilyDay[] =>
  families.flatMap(({ byDay }) => byDay.get(day) ?? []);

/** Whether their sum may be shown on each day. */
const isSound = (families: readonly Family[], days: readonly Day[]): boolean =>
  days.every((day) => {
    const { shown, other } = publishable([], 0, rowsOf(families, day));
    return shown.length === 0 && !other.isWithheld;
  });

function amountsJson(families: readonly Family[], days: readonly Day[]): DayAmountsJson {
  const sums = days.map((day) => {
    const rows = rowsOf(families, day);
    const precision = rows.some(({ guarded }) => guarded.length > 0) ? 'rounded' : 'exact';
    const figures = rows.reduce((sum, one) => addFigures(sum, one.figures), noFigures);
    const costs = rows.reduce((sum, one) => addCosts(sum, one.costs), noCosts);
    return {
      tokens: String(shownCount(precision, 'tokens', totalOf(figures))),
      cost: usdText(shownCount(precision, 'pico_usd', costs.listCost)),
    };
  });
  return { total_tokens: sums.map(({ tokens }) => tokens), list_cost_usd: sums.map(({ cost }) => cost) };
}
