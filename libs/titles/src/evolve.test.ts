import { awardIdOf } from './award-id.js';
import { fold } from './award-fold.js';
import { AwardLogError, evolve, type AwardLogFault } from './evolve.js';
import { holdersOf, neverAwarded, titleKey, type TitleAwarded } from './state.js';

const awarded = (fields: Partial<TitleAwarded> = {}): TitleAwarded => ({
  award_id: awardIdOf('t', 'company', fields.ordinal ?? 0),
  ordinal: 0,
  type: 'title_awarded',
  title_id: 't',
  rule_version: 3,
  scope: 'company',
  user_id: 'ada',
  rank: 1,
  tier: null,
  remaining_tier: null,
  value: 12.5,
  unit: 'models',
  runner_up: null,
  window_start: 0,
  window_end: 1,
  evaluated_at: 1000,
  previous_holder: null,
  revokes: null,
  reason: 'vacant',
  evidence: {},
  ...fields,
});

const faultOf = (action: () => unknown): AwardLogFault | undefined => {
  try {
    action();
  } catch (error) {
    if (error instanceof AwardLogError) return error.code;
    throw error;
  }
  return undefined;
};

describe('evolve', () => {
  const start = neverAwarded('t', 'company');

  it('gives the title and takes it', () => {
    const held = evolve(start, awarded());
    expect(holdersOf(held)).toEqual({
      title_id: 't',
      scope: 'company',
      rule_version: 3,
      holders: [
        { user_id: 'ada', value: 12.5, unit: 'models', held_since: 1000, award_id: awardIdOf('t', 'company', 0) },
      ],
      updated_at: 1000,
    });
    const revokes = awardIdOf('t', 'company', 0);
    const vacated = evolve(held, { ...awarded({ ordinal: 1, evaluated_at: 2000, revokes }), type: 'title_revoked' });
    expect(holdersOf(vacated)).toBeNull();
    expect(vacated).toMatchObject({ ordinal: 2, updatedAtMs: 2000 });
  });

  it('leaves the holders alone when somebody reaches or loses a tier', () => {
    const held = evolve(start, awarded());
    const tiered = evolve(held, { ...awarded({ ordinal: 1, user_id: 'bo', tier: 'gold' }), type: 'tier_reached' });
    expect(tiered.holders).toEqual(held.holders);
    expect(tiered.ordinal).toBe(2);
    expect(evolve(tiered, { ...awarded({ ordinal: 2 }), type: 'tier_lost' }).holders).toEqual(held.holders);
  });

  it('refuses a log with a hole, a repeat, or an event that can not follow', () => {
    const held = evolve(start, awarded());
    expect(faultOf(() => evolve(start, awarded({ ordinal: 1 })))).toBe('ordinal_missing');
    expect(faultOf(() => evolve(held, awarded()))).toBe('ordinal_repeated');
    expect(faultOf(() => evolve(held, awarded({ ordinal: 1 })))).toBe('already_holder');
    expect(faultOf(() => evolve(start, { ...awarded(), type: 'title_revoked' }))).toBe('not_holder');
    expect(faultOf(() => evolve(held, { ...awarded({ ordinal: 1 }), type: 'title_revoked' }))).toBe('not_holder');
    expect(faultOf(() => evolve(start, awarded({ title_id: 'u' })))).toBe('other_title');
    expect(faultOf(() => evolve(start, awarded({ scope: 'team:a' })))).toBe('other_title');
  });
});

describe('fold', () => {
  it('keeps titles and scopes apart', () => {
    const states = fold([
      awarded(),
      awarded({ scope: 'team:a', user_id: 'bo' }),
      awarded({ title_id: 'u', user_id: 'cy' }),
      awarded({ scope: 'team:a', ordinal: 1, user_id: 'di' }),
    ]);
    expect([...states].map(([key, state]) => [key, state.holders.map((one) => one.user_id)])).toEqual([
      ['t|company', ['ada']],
      ['t|team:a', ['bo', 'di']],
      ['u|company', ['cy']],
    ]);
    for (const [key, state] of states) expect(titleKey(state)).toBe(key);
  });
});
