import type { JsonObject, OutcomeEvent, UsageEvent } from '@laurel/events';
import { outcomeEvent, usageEvent } from '@laurel/usage/fixture';
import type { TitleRule } from '../rule.js';
import type { Standing } from '../standings.js';
import { standingsOf } from './measure.js';

/** For tests: a noon whose 30-day window is the whole of 1 to 30 May 2026. */
export const NOW = Date.UTC(2026, 4, 30, 12);
const DAY_MS = 86_400_000;

let serial = 0;
/** An event so many days before the window's last, at a minute of that day. */
export function event(daysAgo: number, fields: JsonObject = {}, minute = 0): UsageEvent {
  serial += 1;
  const occurred_at = Date.UTC(2026, 4, 30) - daysAgo * DAY_MS + minute * 60_000;
  return usageEvent({ event_id: `e-${serial}`, occurred_at, ...fields });
}

/** An outcome likewise. */
export function outcome(daysAgo: number, fields: JsonObject = {}, minute = 0): OutcomeEvent {
  serial += 1;
  const occurred_at = Date.UTC(2026, 4, 30) - daysAgo * DAY_MS + minute * 60_000;
  return outcomeEvent({ event_id: `o-${serial}`, occurred_at, ...fields });
}

export const standingOf = (rule: TitleRule, events: readonly UsageEvent[], user = 'u-1'): Standing | undefined =>
  standingsOf(rule, events, NOW).find((one) => one.userId === user);
