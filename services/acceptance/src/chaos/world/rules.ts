import { builtInRules, type TitleRule } from '@laurel/titles';

/**
 * Laurel's own rules, but that none leaves days out for fair play: the campaign's people ask at all hours, and what signals say of a day is
 * computed when it may, not when the model is compared.
 */
export const CAMPAIGN_RULES: readonly TitleRule[] = builtInRules.map((rule: TitleRule): TitleRule => {
  const { fair_play: leavesOut, ...others } = rule;
  return leavesOut === undefined ? rule : { ...others, version: rule.version + 1 };
});
