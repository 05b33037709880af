import type { AwardEvent } from '@laurel/events';
import { awardIdOf } from './award-id.js';
import { builtInRules } from './built-in-rules.js';
import { decide, retire, type Evaluation } from './decide.js';
import { evolve } from './evolve.js';
import type { TitleRule } from './rule.js';
import { rank, type Standing } from './standings.js';
import { neverAwarded, type TitleState } from './state.js';

const rule: TitleRule = { ...builtInRules[0], version: 1, margin: { kind: 'relative', by: 0.1 } };
const window = { startMs: 0, endMs: 30 * 86_400_000 };

/** Standings of people by their values; below 0: not eligible. */
function standings(values: Readonly<Record<string, number>>): Standing[] {
  return rank(
    { min_tokens: 1, min_active_days: 0, min_sessions: 0, min_list_cost_usd: 0, min_tenure_days: 0 },
    Object.entries(values).map(([userId, value]) => ({
      userId,
      value: Math.abs(value),
      volume: { tokens: value < 0 ? 0n : 1n, activeDays: 1, sessions: 1, tenureDays: 30, listCost: 0n },
      evidence: { tokens: { long: Math.abs(value) } },
    })),
  );
}

const tick = (values: Readonly<Record<string, number>>, more: Partial<Evaluation> = {}): Evaluation => ({
  rule,
  standings: standings(values),
  window,
  evaluatedAtMs: 5000,
  ...more,
});

const start = neverAwarded(rule.id, 'company');
const after = (state: TitleState, evaluation: Evaluation): TitleState =>
  decide(evaluation, state).reduce(evolve, state);
const story = (events: readonly AwardEvent[]): unknown[] =>
  events.map((event) => [event.type, event.user_id, event.reason, event.previous_holder]);

describe('decide', () => {
  const adaHolds = after(start, tick({ ada: 100, bo: 50 }));

  it('takes a title from whoever is erased or hidden, whatever the standings still say, and names them no more', () => {
    const isWithheld = (userId: string): boolean => userId === 'ada';
    const events = decide(tick({ ada: 100, bo: 50 }, { isWithheld }), adaHolds);
    expect(story(events)).toEqual([
      ['title_revoked', '', 'withheld', null],
      ['title_awarded', 'bo', 'vacant', null],
    ]);
    expect(events[0]).toMatchObject({ revokes: adaHolds.holders[0]?.award_id, value: 0, rank: 0, evidence: {} });
    expect(JSON.stringify(events)).not.toContain('ada');
    expect(events.reduce(evolve, adaHolds).holders.map((award) => award.user_id)).toEqual(['bo']);
    expect(story(decide(tick({ ada: 100 }, { isWithheld }), start))).toEqual([]);
  });

  it('leaves a title alone that was last judged by a later version of its rule', () => {
    const judgedByTwo = after(start, tick({ ada: 100 }, { rule: { ...rule, version: 2 } }));
    expect(decide(tick({ ada: -100, bo: 500 }), judgedByTwo)).toEqual([]);
  });

  describe('with a time to dwell', () => {
    const hour = 3_600_000;
    const dwelling = { rule: { ...rule, dwell_hours: 24 } };

    it('lets nobody overtake before it is over', () => {
      const at = (hours: number) => ({ ...dwelling, evaluatedAtMs: 5000 + hours * hour });
      expect(decide(tick({ ada: 100, bo: 1000 }, at(23.9)), adaHolds)).toEqual([]);
      expect(story(decide(tick({ ada: 100, bo: 1000 }, at(24)), adaHolds))).toHaveLength(2);
    });

    it('protects neither a holder who is not eligible any more nor one who was corrected', () => {
      const corrected = new Set(['ada']);
      expect(story(decide(tick({ ada: -100, bo: 20 }, dwelling), adaHolds))).toHaveLength(2);
      expect(story(decide(tick({ ada: 100, bo: 101 }, { ...dwelling, corrected }), adaHolds))).toHaveLength(2);
    });

    it('never costs a better holder the title in place of a weaker one who dwells', () => {
      const pair = { rule: { ...dwelling.rule, holders: 2 } };
      const better = after(start, tick({ ada: 100 }, pair));
      const both = after(better, tick({ ada: 100, bo: 50 }, { ...pair, evaluatedAtMs: 5000 + 20 * hour }));
      const later = { ...pair, evaluatedAtMs: 5000 + 30 * hour };
      expect(decide(tick({ ada: 100, bo: 50, cy: 500 }, later), both)).toEqual([]);
    });
  });

  it('gives a vacant title to the best, with everything that shows why', () => {
    expect(decide(tick({ ada: 100, bo: 50, cy: -200 }), start)).toEqual([
      {
        award_id: awardIdOf('token_legend', 'company', 0),
        ordinal: 0,
        type: 'title_awarded',
        title_id: 'token_legend',
        rule_version: 1,
        scope: 'company',
        user_id: 'ada',
        rank: 1,
        tier: null,
        remaining_tier: null,
        value: 100,
        unit: 'tokens',
        runner_up: 50,
        window_start: 0,
        window_end: window.endMs,
        evaluated_at: 5000,
        previous_holder: null,
        revokes: null,
        reason: 'vacant',
        evidence: { tokens: { long: 100 } },
      },
    ]);
  });

  it('leaves a title vacant when nobody is eligible', () => {
    expect(decide(tick({ ada: -100 }), start)).toEqual([]);
    expect(decide(tick({}), start)).toEqual([]);
  });

  it('keeps the holder against a tie and within the margin', () => {
    expect(decide(tick({ ada: 100, aaa: 100 }), adaHolds)).toEqual([]);
    expect(decide(tick({ ada: 100, bo: 110 }), adaHolds)).toEqual([]);
  });

  it('moves the title to a challenger beyond the margin, taking it first', () => {
    const events = decide(tick({ ada: 100, bo: 111 }), adaHolds);
    expect(story(events)).toEqual([
      ['title_revoked', 'ada', 'overtaken', null],
      ['title_awarded', 'bo', 'overtook', 'ada'],
    ]);
    expect(events[0]).toMatchObject({
      ordinal: 1,
      rank: 2,
      value: 100,
      runner_up: null,
      evidence: { tokens: { long: 100 } },
    });
    expect(events[1]).toMatchObject({ ordinal: 2, rank: 1, value: 111, runner_up: 100 });
  });

  it('goes to the smaller user id among equal challengers', () => {
    expect(story(decide(tick({ zoe: 300, bo: 300, ada: 100 }), adaHolds))[1]).toEqual([
      'title_awarded',
      'bo',
      'overtook',
      'ada',
    ]);
  });

  it('takes the title from a holder who is no longer eligible and passes it on', () => {
    const events = decide(tick({ ada: -100, bo: 20, cy: 10 }), adaHolds);
    expect(story(events)).toEqual([
      ['title_revoked', 'ada', 'not_eligible', null],
      ['title_awarded', 'bo', 'vacant', 'ada'],
    ]);
    expect(events[0]).toMatchObject({ rank: 0, value: 100 });
  });

  it('takes the title from a holder who has no usage left, though nobody follows', () => {
    const events = decide(tick({ bo: -5 }), adaHolds);
    expect(story(events)).toEqual([['title_revoked', 'ada', 'not_eligible', null]]);
    expect(events[0]).toMatchObject({ rank: 0, value: 0, evidence: {} });
  });

  it('says when a correction cost the holder the title, and grants them no margin', () => {
    const corrected = new Set(['ada']);
    expect(story(decide(tick({ ada: 100, bo: 101 }, { corrected }), adaHolds))).toEqual([
      ['title_revoked', 'ada', 'corrected', null],
      ['title_awarded', 'bo', 'overtook', 'ada'],
    ]);
    expect(decide(tick({ ada: 100, bo: 100 }, { corrected }), adaHolds)).toEqual([]);
    expect(story(decide(tick({ ada: -1 }, { corrected }), adaHolds))).toEqual([
      ['title_revoked', 'ada', 'corrected', null],
    ]);
  });

  describe('under a new version of the rule', () => {
    const next = { rule: { ...rule, version: 2 } };

    it('judges anew without margin', () => {
      const events = decide(tick({ ada: 100, bo: 101 }, next), adaHolds);
      expect(story(events)).toEqual([
        ['title_revoked', 'ada', 'rule_changed', null],
        ['title_awarded', 'bo', 'rule_changed', 'ada'],
      ]);
      expect(events.map((event) => event.rule_version)).toEqual([2, 2]);
    });

    it('awards the best anew even if they are the holder, so that the margin holds again', () => {
      const evaluation = tick({ ada: 100, aaa: 100 }, next);
      expect(story(decide(evaluation, adaHolds))).toEqual([
        ['title_revoked', 'ada', 'rule_changed', null],
        ['title_awarded', 'ada', 'rule_changed', 'ada'],
      ]);
      expect(decide(tick({ ada: 100, bo: 110 }, next), after(adaHolds, evaluation))).toEqual([]);
    });

    it('takes it without heir when the new rule leaves nobody eligible', () => {
      expect(story(decide(tick({ ada: -100 }, next), adaHolds))).toEqual([
        ['title_revoked', 'ada', 'not_eligible', null],
      ]);
    });
  });

  describe('with several holders', () => {
    const pair = { rule: { ...rule, holders: 2 } };
    const both = after(start, tick({ ada: 100, bo: 50, cy: 40 }, pair));

    it('fills every seat, best first', () => {
      expect(both.holders.map((one) => [one.user_id, one.runner_up])).toEqual([
        ['ada', 50],
        ['bo', 40],
      ]);
    });

    it('lets a challenger displace the weakest', () => {
      expect(story(decide(tick({ ada: 100, bo: 50, cy: 60 }, pair), both))).toEqual([
        ['title_revoked', 'bo', 'overtaken', null],
        ['title_awarded', 'cy', 'overtook', 'bo'],
      ]);
    });

    it('lets two challengers displace both', () => {
      expect(story(decide(tick({ ada: 100, bo: 50, cy: 300, di: 200 }, pair), both))).toEqual([
        ['title_revoked', 'bo', 'overtaken', null],
        ['title_awarded', 'cy', 'overtook', 'bo'],
        ['title_revoked', 'ada', 'overtaken', null],
        ['title_awarded', 'di', 'overtook', 'ada'],
      ]);
    });

    it('names as previous holder whose seat it was, when a new rule has fewer seats', () => {
      const single = { rule: { ...rule, holders: 1, version: 2 } };
      expect(story(decide(tick({ ada: 100, bo: 50, cy: 300 }, single), both))).toEqual([
        ['title_revoked', 'ada', 'rule_changed', null],
        ['title_revoked', 'bo', 'rule_changed', null],
        ['title_awarded', 'cy', 'rule_changed', 'ada'],
      ]);
    });
  });

  it('refuses figures that contradict themselves', () => {
    const [ada] = standings({ ada: 100 });
    if (ada === undefined) throw new Error('no standing');
    const told = (...given: Standing[]) => decide({ ...tick({}), standings: given }, start);
    expect(told(ada, { ...ada })).toHaveLength(1);
    expect(() => told(ada, { ...ada, value: 101 })).toThrow(RangeError);
    expect(() => told({ ...ada, value: NaN })).toThrow(RangeError);
    expect(() => told({ ...ada, rank: 0 })).toThrow(RangeError);
    expect(() => told({ ...ada, value: -1 })).toThrow(RangeError);
    expect(() => decide(tick({ ada: 1 }), neverAwarded('cache_wizard', 'company'))).toThrow(RangeError);
  });
});

describe('a value below 0', () => {
  it('takes the title from its holder, as any that is not eligible', () => {
    const held = after(start, tick({ ada: 100 }));
    const spent = { userId: 'ada', value: -7, rank: 0, evidence: {}, eligible: false };
    const [event] = decide({ ...tick({}), standings: [spent] }, held);
    expect(event).toMatchObject({ type: 'title_revoked', reason: 'not_eligible', value: -7, rank: 0 });
  });
});

describe('retire', () => {
  it('takes a title whose rule is gone from all its holders', () => {
    const held = after(start, tick({ ada: 100, bo: 50 }, { rule: { ...rule, holders: 2 } }));
    const events = retire(held, 9000, 'rule_removed');
    expect(story(events)).toEqual([
      ['title_revoked', 'ada', 'rule_removed', null],
      ['title_revoked', 'bo', 'rule_removed', null],
    ]);
    expect(events[1]).toMatchObject({
      ordinal: 3,
      award_id: awardIdOf(rule.id, 'company', 3),
      value: 50,
      rank: 0,
      evaluated_at: 9000,
    });
    expect(events.reduce(evolve, held).holders).toEqual([]);
    expect(retire(start, 9000, 'rule_removed')).toEqual([]);
  });

  it('says when the rule has expired, and nothing of whoever is hidden', () => {
    const held = after(start, tick({ ada: 100, bo: 50 }, { rule: { ...rule, holders: 2 } }));
    const events = retire(held, 9000, 'expired', (userId) => userId === 'bo');
    expect(story(events)).toEqual([
      ['title_revoked', 'ada', 'expired', null],
      ['title_revoked', '', 'withheld', null],
    ]);
    expect(events[1]).toMatchObject({ value: 0, evidence: {} });
    expect(events.reduce(evolve, held).holders).toEqual([]);
  });
});
