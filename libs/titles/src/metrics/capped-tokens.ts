import { tokenFields } from '@laurel/events';
import { dayOfHour, type AttendedHour, type Day } from '@laurel/usage';
import { tokenEvidence, whole } from '../evidence.js';
import type { MetricOf } from '../rule.js';
import type { Measurement } from '../standings.js';
import { tokensByDay, volumeOf, type PersonFacts } from './facts.js';

/**
 * Token Legend: Σ over the window's UTC days of min(daily_cap, tokens of the day), where
 *
 *   tokens of the day = Σ over its UTC hours h of min(tokens_h, tokens_per_own_minute · own_minutes_h)
 *
 * or, without `tokens_per_own_minute`, all tokens of the day.
 *
 * tokens_h: of the person's counted events of the hour: status ok, not retracted, origin main or subagent. Tokens: of the rule's
 * `classes`, by default all, which makes the total; all models together, so the cap is on the day, not on each model's part of it.
 * own_minutes_h: the distinct minutes of the hour with an event of origin main and status ok, in whatever session or none. So an
 * agent that runs while nobody asks anything counts for nothing, and a call of one's own brings in no more than a minute's worth.
 *
 * Volume: counted tokens (of all classes, without any bound), days with any, sessions.
 *
 * Evidence, whole numbers: `input`, `cache_read`, `cache_write_5m`, `cache_write_1h`, `cache_write`, `output`,
 * `reasoning` (a part of output) and `events`: without any bound, over the window. With `tokens_per_own_minute`: that,
 * `own_minutes` and `attended_tokens`, which are the sum over all hours. `active_days`: days with tokens of the day.
 * `capped_days`: those with more than `daily_cap`. `uncapped_tokens`: the tokens of the other days.
 * So value = uncapped_tokens + capped_days · daily_cap.
 */
export function cappedTokens(metric: MetricOf<'capped_tokens'>, person: PersonFacts): Measurement {
  const cap = BigInt(metric.daily_cap);
  const { tokens_per_own_minute: perMinute } = metric;
  const days = [
    ...(perMinute === undefined
      ? tokensByDay(person.rows, metric.classes)
      : attendedByDay(person.hours, perMinute)
    ).values(),
  ];
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
      ...(perMinute === undefined
        ? {}
        : {
            own_minutes: whole(person.hours.reduce((sum, { ownMinutes }) => sum + ownMinutes, 0)),
            tokens_per_own_minute: whole(perMinute),
            attended_tokens: whole(days.reduce((sum, tokens) => sum + tokens, 0n)),
          }),
      active_days: whole(days.length),
      capped_days: whole(cappedDays),
      uncapped_tokens: whole(uncapped),
      daily_cap: whole(cap),
    },
  };
}

/** Of each UTC day that has any. */
function attendedByDay(hours: readonly AttendedHour[], perMinute: number): ReadonlyMap<Day, bigint> {
  const days = new Map<Day, bigint>();
  for (const { hour, tokens, ownMinutes } of hours) {
    const bound = BigInt(perMinute) * BigInt(ownMinutes);
    const counted = tokens < bound ? tokens : bound;
    const day = dayOfHour(hour);
    if (counted > 0n) days.set(day, (days.get(day) ?? 0n) + counted);
  }
  return days;
}
