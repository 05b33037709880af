import type { AwardEvent } from '@laurel/events';
import { AwardFold } from '../award-fold.js';
import { titleRuleSchema } from '../rule.js';
import type { Standing } from '../standings.js';
import { decideTiers, hasTiers, retireTiers, type TieredRule, type TierEvaluation } from './decide-tiers.js';

const ruleOf = (fields: object = {}): TieredRule => {
  const rule = titleRuleSchema.parse({
    id: 't',
    name: 'T',
    description: 'For tests.',
    version: 1,
    metric: { kind: 'capped_tokens' },
    tiers: { by: 'value', levels: { bronze: 10, silver: 100, gold: 1000 } },
    ...fields,
  });
  if (!hasTiers(rule)) throw new Error('no tiers');
  return rule;
};

/** Values by user; null for whoever is not eligible. */
const standingsOf = (values: Readonly<Record<string, number | null>>): Standing[] =>
  Object.entries(values).map(([userId, value], index) => ({
    userId,
    value: value ?? 0,
    rank: value === null ? 0 : index + 1,
    evidence: { tokens: { long: value ?? 0 } },
    eligible: value !== null,
  }));

class Ticks {
  readonly fold = new AwardFold();
  private at = 0;

  tick(values: Readonly<Record<string, number | null>>, fields: Partial<TierEvaluation> = {}): readonly AwardEvent[] {
    const evaluation: TierEvaluation = {
      rule: ruleOf(),
      scope: 'company',
      peers: { people: 9, thresholds: [] },
      standings: standingsOf(values),
      window: { startMs: 0, endMs: 30 },
      evaluatedAtMs: (this.at += 1),
      ...fields,
    };
    const events = decideTiers(evaluation, this.fold.tierState('t', evaluation.scope));
    for (const event of events) this.fold.take(event);
    return events;
  }
}

const brief = (events: readonly AwardEvent[]) =>
  events.map(({ type, user_id, tier, remaining_tier, reason }) => [type, user_id, tier, remaining_tier, reason]);

describe('a decision on tiers', () => {
  it('names the highest tier reached once, with the evidence to judge it again', () => {
    const ticks = new Ticks();
    expect(brief(ticks.tick({ ada: 5000, bo: 9 }))).toEqual([['tier_reached', 'ada', 'gold', null, 'above_threshold']]);
    const [event] = new Ticks().tick({ ada: 150 });
    expect(event).toMatchObject({
      ordinal: 0,
      rank: 1,
      value: 150,
      unit: 'tokens',
      revokes: null,
      evidence: { tokens: { long: 150 }, tier_threshold: { long: 100 } },
    });
  });

  it('says which tier was lost, by which award it was had, and what remains', () => {
    const ticks = new Ticks();
    const [reached] = ticks.tick({ ada: 5000 });
    const [fallen] = ticks.tick({ ada: 50 }, { window: { startMs: 1, endMs: 31 } });
    expect(fallen).toMatchObject({ tier: 'gold', remaining_tier: 'bronze', revokes: reached?.award_id });
    expect(fallen?.evidence).toMatchObject({ tier_threshold: { long: 1000 } });
    const [gone] = ticks.tick({ ada: 1 }, { window: { startMs: 2, endMs: 32 } });
    expect(gone).toMatchObject({ tier: 'bronze', remaining_tier: null, revokes: fallen?.award_id });
  });

  it('says why a tier was lost', () => {
    const after = (values: Record<string, number | null>, fields: Partial<TierEvaluation> = {}) => {
      const ticks = new Ticks();
      ticks.tick({ ada: 5000 });
      return ticks.tick(values, fields)[0]?.reason;
    };
    const later = { startMs: 1, endMs: 31 };
    expect(after({ ada: 50 }, { window: later })).toBe('below_threshold');
    expect(after({ ada: null }, { window: later })).toBe('not_eligible');
    // In the same window tokens can only fall by a correction.
    expect(after({ ada: 50 })).toBe('corrected');
    expect(after({ ada: null })).toBe('corrected');
    const higher = ruleOf({ version: 2, tiers: { by: 'value', levels: { silver: 100, gold: 9000 } } });
    expect(after({ ada: 5000 }, { rule: higher })).toBe('rule_changed');
    expect(after({ ada: 90 }, { rule: higher, window: later })).toBe('below_threshold');
    const other = ruleOf({ version: 2, metric: { kind: 'active_days' } });
    expect(after({ ada: 50 }, { rule: other })).toBe('rule_changed');
  });

  it('leaves alone who is not looked at, and everybody where a later rule was followed', () => {
    const ticks = new Ticks();
    ticks.tick({ ada: 5000, bo: 5000 }, { rule: ruleOf({ version: 2 }) });
    expect(ticks.tick({ cy: 5000, ada: null })).toEqual([]);
    expect(brief(ticks.tick({ bo: 100 }, { rule: ruleOf({ version: 2 }) }))).toEqual([
      ['tier_lost', 'bo', 'gold', 'silver', 'corrected'],
    ]);
  });

  it('gives what is left where a rule has the tier no more', () => {
    const ticks = new Ticks();
    ticks.tick({ ada: 150 });
    const rule = ruleOf({ version: 2, tiers: { by: 'value', levels: { bronze: 10, gold: 1000 } } });
    const [event] = ticks.tick({ ada: 150 }, { rule });
    expect(event).toMatchObject({
      type: 'tier_lost',
      tier: 'silver',
      remaining_tier: 'bronze',
      reason: 'rule_changed',
    });
    expect(event?.evidence).toEqual({ tokens: { long: 150 } });
  });

  it('says of tiers for the best how many there are, and what the last one within has', () => {
    const rule = ruleOf({ tiers: { by: 'top_per_mille', levels: { bronze: 500, gold: 100 } } });
    const peers = { people: 10, thresholds: [40, 90] };
    const ticks = new Ticks();
    const [first, second] = ticks.tick({ ada: 90, bo: 80 }, { rule, peers });
    expect(first).toMatchObject({
      tier: 'gold',
      evidence: { peers_people: { long: 10 }, peers_threshold: { long: 90 } },
    });
    expect(second).toMatchObject({ tier: 'bronze', evidence: { peers_threshold: { long: 40 } } });
    expect(JSON.stringify([first, second])).not.toContain('tier_threshold');
  });

  it('takes a tier away without naming whoever is withheld', () => {
    const ticks = new Ticks();
    ticks.tick({ ada: 5000, bo: 5000 });
    const events = ticks.tick({ ada: null, bo: 5000 }, { isWithheld: (userId) => userId === 'ada' });
    expect(brief(events)).toEqual([['tier_lost', '', null, null, 'withheld']]);
    expect(ticks.tick({ ada: 5000 }, { isWithheld: (userId) => userId === 'ada' })).toEqual([]);
  });

  it('goes on with the ordinals of the title', () => {
    const ticks = new Ticks();
    const [first] = ticks.tick({ ada: 10 });
    expect([first?.ordinal, ticks.tick({ ada: 100, bo: 100 }).map(({ ordinal }) => ordinal)]).toEqual([0, [1, 2]]);
  });
});

describe('tiers whose rule is gone', () => {
  it('are lost in the order of user ids, with the figures of their award, and nothing of whoever is withheld', () => {
    const ticks = new Ticks();
    ticks.tick({ bo: 100, ada: 5000 });
    const events = retireTiers([...ticks.fold.tiers.of('t')], 2, 99, 'expired', (userId) => userId === 'bo');
    expect(events).toMatchObject([
      { ordinal: 2, type: 'tier_lost', user_id: 'ada', tier: 'gold', value: 5000, rank: 0, reason: 'expired' },
      { ordinal: 3, type: 'tier_lost', user_id: '', tier: null, value: 0, rank: 0, reason: 'withheld' },
    ]);
    for (const event of events) ticks.fold.take(event);
    expect([...ticks.fold.tiers.of('t')]).toEqual([]);
  });
});
