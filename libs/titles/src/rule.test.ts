import { tokenClasses } from '@laurel/events';
import { builtInRules } from './built-in-rules.js';
import { isInForce, titleRuleSchema, titleRulesSchema } from './rule.js';

const least = {
  id: 'most_tokens',
  name: 'Most',
  description: 'Most tokens.',
  version: 1,
  metric: { kind: 'capped_tokens' },
};

describe('a title rule', () => {
  it('fills in what a rule need not say', () => {
    expect(titleRuleSchema.parse(least)).toEqual({
      ...least,
      metric: { kind: 'capped_tokens', daily_cap: 100_000_000, classes: [...tokenClasses] },
      window: '30d',
      scope: 'company',
      eligibility: { min_tokens: 0, min_active_days: 0, min_sessions: 0, min_list_cost_usd: 0, min_tenure_days: 0 },
      holders: 1,
      margin: { kind: 'relative', by: 0.02 },
      dwell_hours: 0,
    });
  });

  it.each([
    ['an unknown metric', { metric: { kind: 'lines_of_code' } }],
    ['a parameter of another metric', { metric: { kind: 'cache_share', daily_cap: 1 } }],
    ['a misspelt field', { windw: '7d' }],
    ['a misspelt minimum', { eligibility: { min_token: 5 } }],
    ['an id that would break the key', { id: 'a|b' }],
    ['no version', { version: 0 }],
    ['a window of no days', { window: '0d' }],
    ['a window that is none', { window: 'fortnight' }],
    ['a class twice', { metric: { kind: 'capped_tokens', classes: ['input', 'input'] } }],
    ['no class', { metric: { kind: 'capped_tokens', classes: [] } }],
    ['a class that is a part of another', { metric: { kind: 'capped_tokens', classes: ['reasoning'] } }],
    ['an end before the beginning', { valid_from: '2026-12-01', valid_until: '2026-11-30' }],
    ['a day that is not in the calendar', { valid_from: '2026-02-29' }],
    ['a negative margin', { margin: { kind: 'relative', by: -0.1 } }],
    ['a margin of the remainder on what is no share', { margin: { kind: 'remainder', by: 0.02 } }],
    [
      'points for nothing',
      { metric: { kind: 'outcomes', weights: { edit_accepted: 0, commit: 0, pull_request_merged: 0 } } },
    ],
    ['points for what is no outcome', { metric: { kind: 'outcomes', weights: { lines_accepted: 1 } } }],
    ['a comparison with a month before this one', { metric: { kind: 'thrift_gain' }, window: 'month' }],
    ['outcomes of one model', { metric: { kind: 'outcomes' }, usage: { model_families: ['gpt-5'] } }],
    ['outcomes in each model family', { metric: { kind: 'outcomes_per_usd' }, scope: 'each_model_family' }],
    ['a fall with one provider', { metric: { kind: 'thrift_gain' }, usage: { providers: ['openai'] } }],
    ['a signal that there is not', { fair_play: { exclude: ['laziness'] } }],
    ['a signal twice', { fair_play: { exclude: ['spike', 'spike'] } }],
    [
      'own minutes of some classes',
      { metric: { kind: 'capped_tokens', classes: ['input'], tokens_per_own_minute: 5 } },
    ],
    ['a cap whose sum would not be exact', { metric: { kind: 'capped_tokens', daily_cap: 2 ** 39 } }],
  ])('refuses %s', (_, fields) => {
    expect(titleRuleSchema.safeParse(least).success).toBe(true);
    expect(titleRuleSchema.safeParse({ ...least, ...fields }).success).toBe(false);
  });

  it('may give other points, and a margin of the remainder on how far something fell', () => {
    const metric = { kind: 'outcomes', weights: { commit: 0 } };
    expect(titleRuleSchema.parse({ ...least, metric }).metric).toEqual({
      kind: 'outcomes',
      weights: { edit_accepted: 1, commit: 0, pull_request_merged: 20 },
      daily_cap: 100,
    });
    const margin = { kind: 'remainder', by: 0.02 };
    const tiers = { by: 'value', levels: { gold: 0.25 }, margin };
    const thrift = { ...least, metric: { kind: 'thrift_gain' }, margin, tiers };
    expect(titleRuleSchema.safeParse(thrift).success).toBe(true);
  });

  it('may not share its id', () => {
    expect(titleRulesSchema.safeParse([least, { ...least, id: 'other' }]).success).toBe(true);
    expect(titleRulesSchema.safeParse([least, least]).success).toBe(false);
  });

  it('is what each built-in title is, with nothing left to defaults', () => {
    expect(titleRulesSchema.parse(builtInRules)).toEqual(builtInRules);
  });

  it('is in force from its first day to its last, both included', () => {
    const at = (day: string): number => Date.parse(`${day}T12:00:00Z`);
    const rule = { valid_from: '2026-11-01', valid_until: '2026-11-30' };
    const days = ['2026-10-31', '2026-11-01', '2026-11-30', '2026-12-01'];
    expect(days.map((day) => isInForce(rule, at(day)))).toEqual([false, true, true, false]);
    expect(isInForce({}, at('2026-01-01'))).toBe(true);
  });
});
