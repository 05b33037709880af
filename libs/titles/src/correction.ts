import type { AwardEvent } from '@laurel/events';
import { dayOf, type Window } from '@laurel/usage';
import type { Board } from './board.js';
import { isRising } from './metrics/rising.js';
import type { MetricKind, TitleRule } from './rule.js';

/**
 * Whether a holder's value was lowered by a correction (a revision, retraction or erasure) after the award.
 *
 * Provable only where more events can never lower the value: then a smaller value over the award's own window means
 * that something was taken out, or priced anew. A ratio or a saving may also fall by later events of the window's last day, so for these
 * the answer is false, and the reason stays what the standings show.
 *
 * @param awardedValue the award's value.
 * @param recomputedValue the same person's value now, over the award's `window_start` … `window_end` and under the
 *   award's rule version.
 */
export const isLoweredByCorrection = (kind: MetricKind, awardedValue: number, recomputedValue: number): boolean =>
  isRising(kind) && recomputedValue < awardedValue;

/**
 * Holders whose value over their award's own window has fallen since: something was revised or taken out, or a day of it is left out for fair
 * play.
 *
 * @param valueNow what a holder's value over that window is now; 0 of nothing. Asked of those alone who may be among them.
 */
export async function correctedHolders(
  rule: TitleRule,
  { state, standings }: Board,
  valueNow: (userId: string, window: Window) => Promise<number>,
): Promise<ReadonlySet<string>> {
  const corrected = new Set<string>();
  for (const award of state.holders.filter((one) => mayBeCorrected(rule, one, standings))) {
    const value = await valueNow(award.user_id, windowOfAward(award));
    if (isLoweredByCorrection(rule.metric.kind, award.value, value)) corrected.add(award.user_id);
  }
  return corrected;
}

/** Whose value over another window is no less has not fallen. */
export const mayBeCorrected = (rule: TitleRule, award: AwardEvent, standings: Board['standings']): boolean =>
  award.rule_version === rule.version &&
  isLoweredByCorrection(
    rule.metric.kind,
    award.value,
    standings.find(({ userId }) => userId === award.user_id)?.value ?? 0,
  );

/** The days of an award's window, whose figures its value was computed from. */
function windowOfAward({ window_start: startMs, window_end: endMs }: AwardEvent): Window {
  const firstDay = dayOf(startMs);
  const lastDay = dayOf(endMs - 1);
  return { startMs, endMs, firstDay, lastDay, days: lastDay - firstDay + 1 };
}
