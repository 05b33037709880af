import type { AwardEvent, JsonObject, UsageEvent } from '@laurel/events';
import { usageEvent } from '@laurel/usage/fixture';

let made = 0;

/** A valid usage event; what is not said is filled in, under an id of its own. */
export function usage(fields: JsonObject): UsageEvent {
  made += 1;
  return usageEvent({ event_id: `e-${made}`, ...fields });
}

/** An award of Token Legend; what is not said is filled in. */
export const award = (ordinal: number, fields: Partial<AwardEvent> = {}): AwardEvent => ({
  award_id: `award-${fields.title_id ?? 'token_legend'}-${ordinal}`,
  ordinal,
  type: 'title_awarded',
  title_id: 'token_legend',
  rule_version: 1,
  scope: 'company',
  user_id: 'u-1',
  rank: 1,
  tier: null,
  remaining_tier: null,
  value: 1000,
  unit: 'tokens',
  runner_up: null,
  window_start: Date.parse('2026-04-15T00:00:00Z'),
  window_end: Date.parse('2026-05-15T00:00:00Z'),
  evaluated_at: Date.parse('2026-05-14T10:00:00Z') + ordinal,
  previous_holder: null,
  revokes: null,
  reason: 'vacant',
  evidence: {},
  ...fields,
});

/** Awards that hand one title to and fro: award 0, then revocation and award in turn, ordinals from `first` (even) on. */
export function handovers(first: number, count: number, fields: Partial<AwardEvent> = {}): AwardEvent[] {
  return Array.from({ length: count }, (_, index) => {
    const ordinal = first + index;
    return award(ordinal, {
      type: ordinal % 2 === 0 ? 'title_awarded' : 'title_revoked',
      revokes: ordinal % 2 === 0 ? null : award(ordinal - 1, fields).award_id,
      reason: ordinal % 2 === 0 ? 'vacant' : 'not_eligible',
      ...fields,
    });
  });
}
