import { publishable, shownCount, type Cohort } from '@laurel/policy';
import { addCosts, addFigures, noCosts, noFigures, totalOf, type CostFigures, type Figures } from '@laurel/usage';
import { z } from 'zod';
import { costsJson, costsSchema, figuresJson, figuresSchema, shareOf } from './figures-json.js';

/** A group of people whose figures are summed. */
export interface Group extends Cohort {
  readonly users: number;
  readonly figures: Figures;
  readonly costs: CostFigures;
}

export const groupFiguresSchema = z.object({
  figures: z.enum(['exact', 'rounded']).describe('rounded where somebody in the group is hidden or not shown exactly'),
  share: z.number().min(0).max(1).describe('of the total tokens that are shown here'),
  ...figuresSchema.shape,
  ...costsSchema.shape,
});
export type GroupFiguresJson = Readonly<z.output<typeof groupFiguresSchema>>;

/** All groups that are not shown by themselves, as one. */
export const otherSchema = z.discriminatedUnion('withheld', [
  z.object({ groups: z.int(), withheld: z.literal(true) }),
  z.object({ groups: z.int(), withheld: z.literal(false), ...groupFiguresSchema.shape }),
]);
export type OtherJson = Readonly<z.output<typeof otherSchema>>;

export interface PublishedGroups<G extends Group> {
  /** The most tokens, as shown, first. */
  readonly shown: readonly { readonly group: G; readonly json: GroupFiguresJson }[];
  /** Null where nothing is left. */
  readonly other: OtherJson | null;
}

/**
 * The sums of groups as far as they may be shown: `publishable` says which.
 *
 * @param groups the greatest first.
 */
export function publishedGroups<G extends Group>(
  groups: readonly G[],
  leastPeople: number,
  remainder: readonly G[] = [],
): PublishedGroups<G> {
  const { shown, other } = publishable(groups, leastPeople, remainder);
  const sumOf = (some: readonly G[]): Sum => ({
    figures: some.reduce((sum, { figures }) => addFigures(sum, figures), noFigures),
    costs: some.reduce((sum, { costs }) => addCosts(sum, costs), noCosts),
    precision: some.some(({ guarded }) => guarded.length > 0) ? 'rounded' : 'exact',
  });
  const sums = shown.map((group) => ({ group, sum: sumOf([group]) }));
  const rest = other.cohorts.length === 0 || other.isWithheld ? undefined : sumOf(other.cohorts);
  const all = [...sums.map(({ sum }) => sum), ...(rest === undefined ? [] : [rest])];
  const total = all.reduce((sum, one) => sum + totalTokensOf(one), 0n);
  const json = (sum: Sum): GroupFiguresJson => ({
    figures: sum.precision,
    share: shareOf(totalTokensOf(sum), total),
    ...figuresJson(sum.figures, sum.precision),
    ...costsJson(sum.costs, sum.precision),
  });
  return {
    shown: sums
      .sort((a, b) => Number(totalTokensOf(b.sum) - totalTokensOf(a.sum)))
      .map(({ group, sum }) => ({ group, json: json(sum) })),
    other: otherJson(other.cohorts.length, rest === undefined ? undefined : json(rest)),
  };
}

interface Sum {
  readonly figures: Figures;
  readonly costs: CostFigures;
  readonly precision: 'exact' | 'rounded';
}

const totalTokensOf = ({ figures, precision }: Sum): bigint => shownCount(precision, 'tokens', totalOf(figures));

function otherJson(groups: number, json: GroupFiguresJson | undefined): OtherJson | null {
  if (groups === 0) return null;
  return json === undefined ? { groups, withheld: true } : { groups, withheld: false, ...json };
}
