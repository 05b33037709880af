import type { TitleRule } from '@laurel/titles';
import { dayKey, type Window } from '@laurel/usage';

/** SQL: a person’s day that a rule looks at, and that is not left out. */
export interface LookedAt {
  /** Of the window. */
  readonly days: string;
  /** Of the days right before the window. */
  readonly before: string;
}

/** SQL: a day is in the window of `windowParams`. */
const WITHIN = 'day BETWEEN {first_day:Date} AND {last_day:Date}';
const BEFORE = 'day >= {first_day_before:Date} AND day < {first_day:Date}';

const flaggedIn = (days: string): string =>
  `SELECT day, user_id FROM fair_play_flags WHERE signal IN {left_out:Array(String)} AND NOT counts AND ${days}`;

/** SQL: the days of people that a rule leaves out. */
export const LEFT_OUT = flaggedIn(WITHIN);

export function lookedAt({ fair_play: fairPlay }: Pick<TitleRule, 'fair_play'>): LookedAt {
  const but = (flagged: string): string => (fairPlay === undefined ? '' : ` AND (day, user_id) NOT IN (${flagged})`);
  return { days: WITHIN + but(LEFT_OUT), before: BEFORE + but(flaggedIn(BEFORE)) };
}

export const windowParams = (window: Pick<Window, 'firstDay' | 'lastDay'>): Readonly<Record<string, string>> => ({
  first_day: dayKey(window.firstDay),
  last_day: dayKey(window.lastDay),
});

export const leftOutParams = ({
  fair_play: fairPlay,
}: Pick<TitleRule, 'fair_play'>): Readonly<Record<string, unknown>> =>
  fairPlay === undefined ? {} : { left_out: fairPlay.exclude };
