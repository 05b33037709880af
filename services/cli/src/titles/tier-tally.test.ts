import type { AwardEvent } from '@laurel/events';
import { TierTally } from './tier-tally.js';

const event = (fields: Partial<AwardEvent>): AwardEvent => ({
  award_id: `${fields.scope ?? 'company'}-${fields.ordinal ?? 0}`,
  ordinal: 0,
  type: 'tier_reached',
  title_id: 't',
  rule_version: 1,
  scope: 'company',
  user_id: 'ada',
  rank: 1,
  tier: 'gold',
  remaining_tier: null,
  value: 1,
  unit: 'days',
  runner_up: null,
  window_start: 0,
  window_end: 1,
  evaluated_at: 0,
  previous_holder: null,
  revokes: null,
  reason: 'above_threshold',
  evidence: {},
  ...fields,
});

describe('the tally of simulated tiers', () => {
  it('counts how often each was reached and lost, and by how many people it was had', () => {
    const tally = new TierTally();
    for (const one of [
      event({ ordinal: 0, tier: 'silver' }),
      event({ ordinal: 1, user_id: 'bo' }),
      event({ ordinal: 2 }),
      event({ ordinal: 3, type: 'tier_lost', revokes: 'company-1', remaining_tier: 'silver' }),
      event({ ordinal: 4, type: 'tier_lost', revokes: 'company-2' }),
      event({ ordinal: 0, scope: 'team:red', tier: 'bronze' }),
      event({ type: 'title_awarded', tier: null }),
    ]) {
      tally.take(one);
    }
    expect(tally.of('t', 'company')).toEqual([
      // Bo fell to it without having reached it.
      { tier: 'silver', reached: 1, lost: 0, most_people: 1, people_at_end: 1 },
      { tier: 'gold', reached: 2, lost: 2, most_people: 2, people_at_end: 0 },
    ]);
    expect(tally.scopes('t')).toEqual(['company', 'team:red']);
    expect([tally.of('t', 'team:blue'), tally.scopes('u')]).toEqual([[], []]);
  });
});
