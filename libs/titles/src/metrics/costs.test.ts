import { titleRuleSchema, type TitleRule } from '../rule.js';
import { standingsOf } from './measure.js';
import type { PriceOf } from './facts.js';
import { event, NOW } from './window.fixture.js';

const rule = (kind: 'list_cost' | 'cache_saving'): TitleRule =>
  titleRuleSchema.parse({ id: 'a_title', name: 'A title', description: 'x', version: 1, metric: { kind } });

/** 3, 0.3, 3.75, 6, unknown and 15 US dollars for a million tokens; of a long call twice as much. */
const rates = {
  input: 3e6,
  cache_read: 3e5,
  cache_write_5m: 375e4,
  cache_write_1h: 6e6,
  cache_write: null,
  output: 15e6,
};
const twice = { ...rates, input: 6e6, output: 30e6 };
const priceOf: PriceOf = (_, model) => (model === 'priced' ? { rates, long: { above: 1000, rates: twice } } : null);
const standing = (kind: 'list_cost' | 'cache_saving', events: Parameters<typeof standingsOf>[1]) =>
  standingsOf(rule(kind), events, NOW, priceOf)[0];

describe('what usage costs by list prices', () => {
  it('is summed over counted events, rounded once and down, and says what has no price', () => {
    const found = standing('list_cost', [
      event(0, { model: 'priced', tokens: { input: 100, cache_read: 1 } }),
      event(1, { model: 'priced', tokens: { output: 1, cache_read: 2 } }),
      event(1, { model: 'priced', tokens: { input: 1001 } }),
      event(2, { model: 'priced', tokens: { cache_write: 1 } }),
      event(2, { model: 'other', tokens: { input: 50 } }),
      event(2, { model: 'priced', tokens: { input: 10_000 }, status: 'error' }),
    ]);
    // 300 + 0.3, 15 + 0.6, 6006 millionths.
    expect(found).toMatchObject({
      value: 6321,
      eligible: true,
      evidence: { list_cost_micro_usd: { long: 6321 }, unpriced_events: { long: 2 }, events: { long: 5 } },
    });
  });
});

describe('what caching has saved', () => {
  it('is what reads cost less than input, less what writes cost more', () => {
    const found = standing('cache_saving', [
      event(0, { model: 'priced', tokens: { input: 9, cache_read: 100 } }),
      event(0, { model: 'priced', tokens: { cache_write_5m: 100 } }),
    ]);
    // 270 less 75 millionths.
    expect(found).toMatchObject({
      value: 195,
      evidence: { cache_saving_micro_usd: { long: 195 }, cache_read: { long: 100 }, cache_write_5m: { long: 100 } },
    });
  });

  it('is below zero where caching did not pay off, rounded down, and then holds nothing', () => {
    const found = standing('cache_saving', [
      event(0, { model: 'priced', tokens: { cache_read: 1, cache_write_1h: 1 } }),
    ]);
    // 2.7 less 3 millionths.
    expect(found).toMatchObject({ value: -1, eligible: false, rank: 0 });
  });
});
