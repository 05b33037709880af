import { builtInRules } from './built-in-rules.js';
import { titleRuleSchema, titleRulesSchema } from './rule.js';

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
      metric: { kind: 'capped_tokens', daily_cap: 100_000_000 },
      window_days: 30,
      scope: 'company',
      eligibility: { min_tokens: 0, min_active_days: 0, min_sessions: 0 },
      holders: 1,
      margin: { kind: 'relative', by: 0.02 },
    });
  });

  it.each([
    ['an unknown metric', { metric: { kind: 'lines_of_code' } }],
    ['a parameter of another metric', { metric: { kind: 'cache_share', daily_cap: 1 } }],
    ['a misspelt field', { windw_days: 7 }],
    ['a misspelt minimum', { eligibility: { min_token: 5 } }],
    ['an id that would break the key', { id: 'a|b' }],
    ['no version', { version: 0 }],
    ['a window of no days', { window_days: 0 }],
    ['a negative margin', { margin: { kind: 'relative', by: -0.1 } }],
    ['a margin of the remainder on what is no share', { margin: { kind: 'remainder', by: 0.02 } }],
    ['a cap whose sum would not be exact', { metric: { kind: 'capped_tokens', daily_cap: 2 ** 45 } }],
  ])('refuses %s', (_, fields) => {
    expect(titleRuleSchema.safeParse(least).success).toBe(true);
    expect(titleRuleSchema.safeParse({ ...least, ...fields }).success).toBe(false);
  });

  it('may not share its id', () => {
    expect(titleRulesSchema.safeParse([least, { ...least, id: 'other' }]).success).toBe(true);
    expect(titleRulesSchema.safeParse([least, least]).success).toBe(false);
  });

  it('is what each built-in title is, with nothing left to defaults', () => {
    expect(titleRulesSchema.parse(builtInRules)).toEqual(builtInRules);
  });
});
