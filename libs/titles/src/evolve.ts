import type { AwardEvent } from '@laurel/events';
import { isAboutTier, titleKey, type TitleAwarded, type TitleState } from './state.js';

export type AwardLogFault =
  | 'other_title'
  | 'ordinal_repeated'
  | 'ordinal_missing'
  | 'already_holder'
  | 'not_holder'
  | 'no_tier'
  | 'tier_not_higher'
  | 'tier_not_lower'
  | 'tier_not_held';

/** The award log is not what the awarder writes: a hole, a repeat, or a second writer. Nothing may be decided on it. */
export class AwardLogError extends Error {
  override readonly name = 'AwardLogError';
  readonly retryable = false;

  constructor(
    readonly code: AwardLogFault,
    readonly event: AwardEvent,
    message: string,
  ) {
    super(`award ${event.ordinal} of ${event.title_id} in ${event.scope}: ${message}`);
  }
}

/**
 * The state after one more award event.
 *
 * @throws AwardLogError when the event does not follow from the state.
 */
export function evolve(state: TitleState, event: AwardEvent): TitleState {
  if (event.title_id !== state.titleId || event.scope !== state.scope) {
    throw new AwardLogError('other_title', event, `the state is of ${titleKey(state)}`);
  }
  if (event.ordinal !== state.ordinal) {
    const code = event.ordinal < state.ordinal ? 'ordinal_repeated' : 'ordinal_missing';
    throw new AwardLogError(code, event, `ordinal ${state.ordinal} was to come next`);
  }
  const { titleId, scope } = state;
  return {
    titleId,
    scope,
    ordinal: event.ordinal + 1,
    // Of the title alone: `titles.holders.v1` is not written for the sake of a tier.
    ruleVersion: isAboutTier(event) ? state.ruleVersion : event.rule_version,
    updatedAtMs: isAboutTier(event) ? state.updatedAtMs : event.evaluated_at,
    holders: holdersAfter(state.holders, event),
  };
}

function holdersAfter(holders: readonly TitleAwarded[], event: AwardEvent): readonly TitleAwarded[] {
  switch (event.type) {
    case 'title_awarded':
      if (holders.some((award) => award.user_id === event.user_id)) {
        throw new AwardLogError('already_holder', event, `${event.user_id} holds the title already`);
      }
      return [...holders, { ...event, type: event.type }];
    case 'title_revoked':
      // By the award, as whoever is hidden or erased is not named any more.
      if (!holders.some((award) => award.award_id === event.revokes)) {
        throw new AwardLogError(
          'not_holder',
          event,
          `by the award ${event.revokes ?? '(none)'} nobody holds the title`,
        );
      }
      return holders.filter((award) => award.award_id !== event.revokes);
    // A tier is reached on a title's metric without holding the title; `TierBook` folds them.
    case 'tier_reached':
    case 'tier_lost':
      return holders;
    default:
      return event.type satisfies never;
  }
}
