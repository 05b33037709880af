import type { AwardEvent } from '@laurel/events';
import { AwardFold } from '../award-fold.js';
import { AwardLogError } from '../evolve.js';
import { holdersOf } from '../state.js';
import { TierBook, tierKey, titleTierOf } from './tier-book.js';

const event = (fields: Partial<AwardEvent>): AwardEvent => ({
  award_id: `a-${fields.ordinal ?? 0}`,
  ordinal: 0,
  type: 'tier_reached',
  title_id: 't',
  rule_version: 3,
  scope: 'company',
  user_id: 'ada',
  rank: 1,
  tier: 'gold',
  remaining_tier: null,
  value: 7,
  unit: 'days',
  runner_up: null,
  window_start: 0,
  window_end: 1,
  evaluated_at: 1000,
  previous_holder: null,
  revokes: null,
  reason: 'above_threshold',
  evidence: {},
  ...fields,
});
const lost = (fields: Partial<AwardEvent>): AwardEvent =>
  event({ type: 'tier_lost', reason: 'below_threshold', ...fields });
const bookOf = (...events: readonly AwardEvent[]): TierBook => {
  const book = new TierBook();
  for (const one of events) book.take(one);
  return book;
};

describe('the book of tiers', () => {
  it('has the tier of the last event, in each scope, and how many have which', () => {
    const book = bookOf(
      event({ ordinal: 0, tier: 'silver' }),
      event({ ordinal: 1, user_id: 'bo' }),
      event({ ordinal: 2, tier: 'gold' }),
      event({ ordinal: 0, scope: 'team:red', award_id: 'r-0' }),
      lost({ ordinal: 3, revokes: 'a-2', remaining_tier: 'bronze', value: 5 }),
    );
    expect(book.held('t', 'company', 'ada')).toMatchObject({ tier: 'bronze', awardId: 'a-3', value: 5 });
    expect(book.heldBy('t', 'ada').map(({ scope, tier }) => [scope, tier])).toEqual([
      ['team:red', 'gold'],
      ['company', 'bronze'],
    ]);
    expect([...book.counts('t', 'company')].sort()).toEqual([
      ['bronze', 1],
      ['gold', 1],
    ]);
    expect([...book.of('t')].map(({ userId, scope }) => `${userId} ${scope}`).sort()).toEqual([
      'ada company',
      'ada team:red',
      'bo company',
    ]);
  });

  it('forgets a scope in which nobody has a tier any more, and keeps by which version it was judged', () => {
    const book = bookOf(event({}), lost({ ordinal: 1, revokes: 'a-0', rule_version: 4 }));
    expect([[...book.scopes()], [...book.of('t')], book.allOf('ada'), book.version('t')]).toEqual([[], [], [], 4]);
  });

  it('knows by the award who lost a tier without being named', () => {
    const book = bookOf(
      event({}),
      lost({ ordinal: 1, revokes: 'a-0', user_id: '', tier: null, reason: 'withheld', value: 0 }),
    );
    expect(book.allOf('ada')).toEqual([]);
  });

  it.each([
    ['no_tier', event({ ordinal: 1, user_id: 'bo', tier: 'brass' })],
    ['no_tier', event({ ordinal: 1, user_id: 'bo', tier: null })],
    ['no_tier', lost({ ordinal: 1, revokes: 'a-0', remaining_tier: 'brass' })],
    ['tier_not_higher', event({ ordinal: 1 })],
    ['tier_not_higher', event({ ordinal: 1, tier: 'silver' })],
    ['tier_not_lower', lost({ ordinal: 1, revokes: 'a-0', remaining_tier: 'gold' })],
    ['tier_not_held', lost({ ordinal: 1, revokes: 'a-7' })],
    ['tier_not_held', lost({ ordinal: 1 })],
    ['tier_not_held', lost({ scope: 'team:red', award_id: 'r-0', revokes: 'a-0' })],
  ] as const)('refuses %s, and stays as it was', (code, wrong) => {
    const fold = new AwardFold();
    fold.take(event({}));
    const refusal = expect.objectContaining({ name: AwardLogError.name, code }) as unknown;
    let thrown: unknown;
    try {
      fold.take(wrong);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toEqual(refusal);
    expect([...fold.tiers.of('t')]).toMatchObject([{ awardId: 'a-0', tier: 'gold' }]);
    expect(fold.state('t', 'company').ordinal).toBe(1);
  });

  it('leaves the record of the holders as it is', () => {
    const fold = new AwardFold();
    fold.take(event({ type: 'title_awarded', tier: null, reason: 'vacant', rule_version: 1 }));
    const before = holdersOf(fold.state('t', 'company'));
    fold.take(event({ ordinal: 1, user_id: 'bo', evaluated_at: 9000 }));
    expect(holdersOf(fold.state('t', 'company'))).toEqual(before);
  });

  it('gives each person’s tier a record of its own, under a key that no other can have', () => {
    const book = bookOf(event({ scope: 'team:a|b', user_id: '"c"' }));
    const [held] = book.of('t');
    if (held === undefined) throw new Error('nobody');
    expect(tierKey(held)).toBe('["t","team:a|b","\\"c\\""]');
    expect(titleTierOf(held)).toEqual({
      title_id: 't',
      scope: 'team:a|b',
      user_id: '"c"',
      tier: 'gold',
      rule_version: 3,
      value: 7,
      unit: 'days',
      since: 1000,
      award_id: 'a-0',
    });
  });
});
