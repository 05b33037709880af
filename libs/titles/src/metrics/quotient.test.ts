import { dayOf, type Day } from '@laurel/usage';
import { titleRuleSchema, unitOf, type TitleRule } from '../rule.js';
import { standingsOf } from './measure.js';
import { event, NOW } from './window.fixture.js';

const ruleOf = (metric: object): TitleRule =>
  titleRuleSchema.parse({ id: 'q', name: 'Q', description: 'For tests.', version: 1, metric });
const perDay = (of: object): TitleRule => ruleOf({ kind: 'quotient', of, per: { kind: 'active_days' } });
/** One millionth of a dollar for each token of input. */
const priceOf = () => ({
  rates: { input: 1e6, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0, cache_write: 0, output: 0 },
  long: null,
});

describe('a quotient', () => {
  const used = [
    event(0, { tokens: { input: 100 } }),
    event(1, { tokens: { input: 200, cache_read: 1000 } }),
    event(1, { tokens: { input: 1 } }, 5),
    event(2, { tokens: { input: 0 } }),
  ];

  it('is of both sums, with both ones’ evidence', () => {
    const [cost] = standingsOf(perDay({ kind: 'list_cost' }), used, NOW, priceOf);
    expect(cost).toMatchObject({ value: 301 / 2, eligible: true });
    expect(cost?.evidence).toMatchObject({
      of_value: { double: 301 },
      per_value: { double: 2 },
      of_list_cost_micro_usd: { long: 301 },
      per_active_days: { long: 2 },
    });
    const [tokens] = standingsOf(perDay({ kind: 'capped_tokens', daily_cap: 500 }), used, NOW);
    expect(tokens?.value).toBe(300);
    const [each] = standingsOf(
      ruleOf({ kind: 'quotient', of: { kind: 'capped_tokens' }, per: { kind: 'list_cost' } }),
      used,
      NOW,
      priceOf,
    );
    expect(each?.value).toBe(Number((1301 / 301).toFixed(12)));
  });

  it('is 0, and nobody’s, where there is nothing to divide by', () => {
    const [nothing] = standingsOf(
      ruleOf({ kind: 'quotient', of: { kind: 'capped_tokens' }, per: { kind: 'list_cost' } }),
      used,
      NOW,
    );
    expect(nothing).toMatchObject({ value: 0, rank: 0, eligible: false });
  });

  it('may be of tokens that somebody asked for, and says once how many days are left out', () => {
    const rule = perDay({ kind: 'capped_tokens', tokens_per_own_minute: 150 });
    const isLeftOut = (_: string, day: Day): boolean => day === dayOf(NOW) - 2;
    const [tokens] = standingsOf(rule, used, NOW, undefined, isLeftOut);
    expect(tokens?.value).toBe((100 + 2 * 150) / 2);
    expect(tokens?.evidence).toMatchObject({ of_attended_tokens: { long: 400 }, left_out_days: { long: 1 } });
    expect(Object.keys(tokens?.evidence ?? {}).filter((name) => name.includes('left_out'))).toEqual(['left_out_days']);
  });

  it('has both units', () => {
    expect(unitOf(perDay({ kind: 'list_cost' }).metric)).toBe('micro_usd/days');
  });

  it.each([
    ['of', { kind: 'quotient', of: { kind: 'active_days' }, per: { kind: 'list_cost' } }],
    ['per', { kind: 'quotient', of: { kind: 'list_cost' }, per: { kind: 'longest_session' } }],
    ['per.kind', { kind: 'quotient', of: { kind: 'list_cost' }, per: { kind: 'list_cost' } }],
    ['of.kind', { kind: 'quotient', of: { kind: 'quotient' }, per: { kind: 'active_days' } }],
  ])('refuses what makes none: %s', (path, metric) => {
    const parsed = titleRuleSchema.safeParse({ id: 'q', name: 'Q', description: 'x', version: 1, metric });
    expect(parsed.error?.issues.map((issue) => issue.path.join('.'))).toEqual([`metric.${path}`]);
  });
});
