import type { PersonTitle, Tier, TierHeld, Tiers } from '../api/answers.js';
import { fineShareText, valueText } from './numbers.js';
import { gapText } from './titles.js';

export type TierLevel = Tiers['levels'][number];

export const tierNames: Readonly<Record<Tier, string>> = {
  bronze: 'Bronze',
  silver: 'Silver',
  gold: 'Gold',
  platinum: 'Platinum',
  diamond: 'Diamond',
  emerald: 'Emerald',
};

const order = Object.keys(tierNames);

/** From the lowest to the highest. */
export const tierRank = (tier: Tier): number => order.indexOf(tier);

/** What a level asks for: "20 days", "the best 2.5 %". */
export const levelText = ({ by }: Pick<Tiers, 'by'>, { at }: Pick<TierLevel, 'at'>, unit: string): string =>
  by === 'value' ? valueText(at, unit) : `the best ${fineShareText(at / 1000)}`;

/** The lowest tier above the one that is had; undefined above all. */
export const nextLevel = ({ levels }: Tiers, held: Tier | undefined): TierLevel | undefined =>
  levels.find(({ tier }) => held === undefined || tierRank(tier) > tierRank(held));

/** How far it is to the next tier, in a sentence. */
export function nextTierText(tiers: Tiers, held: Tier | undefined, own: PersonTitle): string {
  const next = nextLevel(tiers, held);
  if (next === undefined) return 'The highest tier there is.';
  const name = tierNames[next.tier];
  const asks = levelText(tiers, next, own.unit);
  if (own.status === 'not_eligible') return `${name} is for ${asks}, once in the running.`;
  if (tiers.by === 'top_per_mille') return `${name} is for ${asks}.`;
  const gap = next.at - own.value;
  if (gap <= 0) return `${name} is reached at ${asks}: it is about to be given.`;
  return `${gapText(gap, own.unit)} more to ${name}, at ${asks}.`;
}

/** How somebody loses a tier again. */
export function keptText({ by, margin }: Tiers): string {
  const part = fineShareText(margin.by);
  const threshold = by === 'value' ? 'what it asks for' : 'the last one within it';
  return margin.kind === 'relative'
    ? `Once reached, a tier is kept until the value is ${part} below ${threshold}.`
    : `Once reached, a tier is kept until ${part} more is missing to 100 % than of ${threshold}.`;
}

/** A person's, the highest first. */
export const highestFirst = (tiers: readonly TierHeld[]): readonly TierHeld[] =>
  [...tiers].sort((a, b) => tierRank(b.tier) - tierRank(a.tier) || (a.since < b.since ? -1 : 1));
