import { z } from 'zod';
import { marginSchema } from '../margin.js';

/** The tiers, the lowest first. A rule may leave some out. */
export const tierNames = ['bronze', 'silver', 'gold', 'platinum', 'diamond', 'emerald'] as const;
export type Tier = (typeof tierNames)[number];

/** From 0; -1 of what is no tier. */
export const tierOrder = (tier: Tier): number => tierNames.indexOf(tier);

export const isTier = (text: string): text is Tier => (tierNames as readonly string[]).includes(text);

type Levels = Readonly<Partial<Record<Tier, number | undefined>>>;

/** The tiers that there are, the lowest first, with what is said of each. */
export const levelEntries = (levels: Levels): readonly (readonly [Tier, number])[] =>
  tierNames.flatMap((tier) => {
    const at = levels[tier];
    return at === undefined ? [] : [[tier, at] as const];
  });

function levelsOf<T extends z.ZodType<number>>(
  at: T,
  isHigher: (higher: number, lower: number) => boolean,
  message: string,
) {
  const level = at.optional();
  return z
    .strictObject({
      bronze: level,
      silver: level,
      gold: level,
      platinum: level,
      diamond: level,
      emerald: level,
    })
    .superRefine((levels, context) => {
      const entries = levelEntries(levels);
      if (entries.length === 0) context.addIssue({ code: 'custom', message: 'has no tier' });
      entries.forEach(([tier, own], index) => {
        const below = entries[index - 1];
        if (below !== undefined && !isHigher(own, below[1])) {
          context.addIssue({ code: 'custom', path: [tier], message: `${message} ${below[0]}` });
        }
      });
    });
}

/** Above 0: what is reached and lost at one value goes up and down with it. */
const margin = marginSchema
  .extend({ by: z.number().min(0.001).max(0.5).describe('0.1 is 10 %') })
  .default({ kind: 'relative', by: 0.1 })
  .describe(
    'how far below a tier’s threshold somebody keeps it: of the threshold, or of what is missing from it to a share of 1',
  );

/** By what people reach tiers on a title’s metric, whether or not they hold the title. */
export const tiersSchema = z.discriminatedUnion('by', [
  z.strictObject({
    by: z.literal('value').describe('from a value of the metric on, in its unit'),
    levels: levelsOf(z.number().positive(), (higher, lower) => higher > lower, 'is not above').describe(
      'the least value of each tier',
    ),
    margin,
  }),
  z.strictObject({
    by: z.literal('top_per_mille').describe('as one of the best of the eligible people, in thousandths of them'),
    levels: levelsOf(z.int().min(1).max(1000), (higher, lower) => higher < lower, 'is not below').describe(
      'which part of the eligible people each tier is for at most: 10 is the best hundredth',
    ),
    margin,
  }),
]);

export type Tiers = z.output<typeof tiersSchema>;
