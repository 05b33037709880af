import type { TokenClass } from '@laurel/events';

/** What is summed of counted usage: tokens by class, costs in pico-US-dollars. */
export type UsageColumn = TokenClass | 'list_cost' | 'cache_saving' | 'unpriced_events' | 'events';

/** Equally long lists of whole numbers, by ascending hours since the epoch. Exact as far as a double is, below 2^53. */
export interface Hours<Column extends string> {
  readonly hours: ArrayLike<number>;
  readonly columns: Readonly<Record<Column, ArrayLike<number>>>;
}

/** Counted usage, a row for each hour and model. */
export interface UsageHours extends Hours<UsageColumn> {
  /** The number of each row's model, the same for all people. */
  readonly models: ArrayLike<number>;
}

/** A row for each hour of a session, by ascending hours. */
export interface SessionHours {
  readonly hours: ArrayLike<number>;
  /** The same number is the same session of the person. */
  readonly sessions: ArrayLike<number>;
  /** Active minutes as bits: of minutes 0 to 31, and of 32 to 59. */
  readonly early: ArrayLike<number>;
  readonly late: ArrayLike<number>;
}

export type OutcomeColumn = 'edit_accepted' | 'commit' | 'pull_request_merged';

/** One person's counted usage and what came of it. A day that is looked at as a whole only may be in its first hour. */
export interface PersonHours {
  readonly userId: string;
  readonly usage: UsageHours;
  /** Tokens of counted events, and the minutes with a call of their own. */
  readonly attended: Hours<'tokens' | 'own_minutes'>;
  readonly sessions: SessionHours;
  readonly outcomes: Hours<OutcomeColumn>;
  /** Days that stand out, by signal. */
  readonly flags: ReadonlyMap<string, readonly number[]>;
  /** Of their first counted event ever, a UTC day. */
  readonly firstDay: number;
}

/** A model, as usage names it. */
export interface NumberedModel {
  readonly provider: string;
  readonly family: string;
}
