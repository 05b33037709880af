import type { AwardEvent } from '@laurel/events';
import { titleKey, type TitleAwarded, type TitleState } from './state.js';

export type AwardLogFault = 'other_title' | 'ordinal_repeated' | 'ordinal_missing' | 'already_holder' | 'not_holder';

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
  return {
    titleId: state.titleId,
    scope: state.scope,
    ordinal: event.ordinal + 1,
    ruleVersion: event.rule_version,
    updatedAtMs: event.evaluated_at,
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
    // A tier is reached on a title's metric without holding the title.
    case 'tier_reached':
    case 'tier_lost':
      return holders;
    default:
      return event.type satisfies never;
  }
}

/**
 * The state of every title and scope after the whole log, by `titleKey`.
 *
 * @param events all award events from the first on, each title's in the order of the log.
 * @throws AwardLogError as `evolve`.
 */
export function fold(events: Iterable<AwardEvent>): ReadonlyMap<string, TitleState> {
  const states = new Map<string, TitleState>();
  for (const event of events) {
    const title = { titleId: event.title_id, scope: event.scope };
    const key = titleKey(title);
    const state = states.get(key) ?? { ...title, ordinal: 0, ruleVersion: 0, updatedAtMs: 0, holders: [] };
    states.set(key, evolve(state, event));
  }
  return states;
}
