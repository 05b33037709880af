import { tokenFields } from '@laurel/events';
import { tokenEvidence, whole } from '../evidence.js';
import type { MetricOf } from '../rule.js';
import type { Measurement } from '../standings.js';
import { tokensByDay, volumeOf, type PersonFacts } from './facts.js';

/**
 * Token Legend: Σ over the window's UTC days of min(daily_cap, the day's tokens of the person's counted events).
 *
 * Counted: status ok, not retracted, origin main or subagent. Tokens: of the rule's `classes`, by default all, which makes
 * the total; all models together, so the cap is on the day, not on each model's part of it. Volume: counted tokens (of all
 * classes, uncapped), days with any, sessions.
 *
 * Evidence, whole numbers: `input`, `cache_read`, `cache_write_5m`, `cache_write_1h`, `cache_write`, `output`,
 * `reasoning` (a part of output) and `events`: uncapped, over the window. `active_days`: days with tokens of those classes.
 * `capped_days`: those with more than `daily_cap`. `uncapped_tokens`: the tokens of the other days.
 * So value = uncapped_tokens + capped_days · daily_cap.
 */
export function cappedTokens(metric: MetricOf<'capped_tokens'>, person: PersonFacts): Measurement {
  const cap = BigInt(metric.daily_cap);
  const days = [...tokensByDay(person.rows, metric.classes).values()];
  const cappedDays = days.filter((tokens) => tokens > cap).length;
  const uncapped = days.filter((tokens) => tokens <= cap).reduce((sum, tokens) => sum + tokens, 0n);
  return {
    userId: person.userId,
    // Exact: the rule bounds daily_cap so that any window of it stays below 2^53.
    value: Number(uncapped + BigInt(cappedDays) * cap),
    volume: volumeOf(person),
    evidence: {
      ...tokenEvidence(person.figures, tokenFields),
      events: whole(person.figures.events),
      active_days: whole(days.length),
      capped_days: whole(cappedDays),
      uncapped_tokens: whole(uncapped),
      daily_cap: whole(cap),
    },
  };
}
