import type { AwardEvent, TitleHolders } from '@laurel/events';
import type { TitleRule } from './rule.js';

/** The award by which somebody holds a title now; its `evaluated_at` is since when. */
export type TitleAwarded = AwardEvent & { readonly type: 'title_awarded' };

const HOUR_MS = 3_600_000;

/** Until when, in ms, nobody overtakes whoever has won a title by a rule; but for whose figures were corrected. */
export const dwellsUntilMs = (
  { dwell_hours: hours }: Pick<TitleRule, 'dwell_hours'>,
  { evaluated_at: sinceMs }: Pick<TitleAwarded, 'evaluated_at'>,
): number => sinceMs + hours * HOUR_MS;

/** Whether an event is about somebody's tier, and not about who holds the title. */
export const isAboutTier = ({ type }: Pick<AwardEvent, 'type'>): boolean =>
  type === 'tier_reached' || type === 'tier_lost';

/** What the awards of one title in one scope add up to. */
export interface TitleState {
  readonly titleId: string;
  readonly scope: string;
  /** The next award event's ordinal; so also how many there were. */
  readonly ordinal: number;
  /** The last award event's that was about the title; 0 before the first. */
  readonly ruleVersion: number;
  /** Its `evaluated_at` in ms; 0 likewise. */
  readonly updatedAtMs: number;
  /** In the order of their awards. */
  readonly holders: readonly TitleAwarded[];
}

export const neverAwarded = (titleId: string, scope: string): TitleState => ({
  titleId,
  scope,
  ordinal: 0,
  ruleVersion: 0,
  updatedAtMs: 0,
  holders: [],
});

/** The key of the topics of awards and holders. A title id holds no `|`, so keys don't collide. */
export const titleKey = (title: { readonly titleId: string; readonly scope: string }): string =>
  `${title.titleId}|${title.scope}`;

/** The record of `titles.holders.v1` under `titleKey(state)`; null is the tombstone: nobody holds it. */
export function holdersOf(state: TitleState): TitleHolders | null {
  if (state.holders.length === 0) return null;
  return {
    title_id: state.titleId,
    scope: state.scope,
    rule_version: state.ruleVersion,
    holders: state.holders.map((award) => ({
      user_id: award.user_id,
      value: award.value,
      unit: award.unit,
      held_since: award.evaluated_at,
      award_id: award.award_id,
    })),
    updated_at: state.updatedAtMs,
  };
}
