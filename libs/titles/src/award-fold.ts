import type { AwardEvent } from '@laurel/events';
import { evolve } from './evolve.js';
import { neverAwarded, titleKey, type TitleState } from './state.js';
import type { TierState } from './tiers/decide-tiers.js';
import { TierBook } from './tiers/tier-book.js';

/** The fold of `titles.awards.v1`: who holds which title, and who has which tier. One event at a time, as there may be millions. */
export class AwardFold {
  readonly tiers = new TierBook();
  private readonly byTitle = new Map<string, TitleState>();

  /** Of every title and scope that there was an event of, by `titleKey`. */
  get states(): ReadonlyMap<string, TitleState> {
    return this.byTitle;
  }

  /** @param scope of a title that there need not have been an event of. */
  state(titleId: string, scope: string): TitleState {
    return this.byTitle.get(titleKey({ titleId, scope })) ?? neverAwarded(titleId, scope);
  }

  /** Of the tiers of a title in a scope, what a decision rests on. */
  tierState(titleId: string, scope: string): TierState {
    const { ordinal, ruleVersion } = this.state(titleId, scope);
    return {
      ordinal,
      ruleVersion: Math.max(ruleVersion, this.tiers.version(titleId)),
      heldBy: (userId) => this.tiers.held(titleId, scope, userId),
    };
  }

  /**
   * Takes the next event in, each title's in the order of the log.
   *
   * @throws AwardLogError when it does not follow from those before; nothing has changed then.
   */
  take(event: AwardEvent): void {
    const after = evolve(this.state(event.title_id, event.scope), event);
    this.tiers.take(event);
    this.byTitle.set(titleKey(after), after);
  }
}

/**
 * The state of every title and scope after the whole log, by `titleKey`.
 *
 * @param events all award events from the first on, each title's in the order of the log.
 * @throws AwardLogError as `AwardFold.take`.
 */
export function fold(events: Iterable<AwardEvent>): ReadonlyMap<string, TitleState> {
  const folded = new AwardFold();
  for (const event of events) folded.take(event);
  return folded.states;
}
