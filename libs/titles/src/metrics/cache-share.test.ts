import fc from 'fast-check';
import type { JsonObject, UsageEvent } from '@laurel/events';
import { builtInRules } from '../built-in-rules.js';
import type { Evidence } from '../evidence.js';
import type { TitleRule } from '../rule.js';
import { standingsOf } from './measure.js';
import { event, NOW, standingOf } from './window.fixture.js';

const [, , cacheWizard] = builtInRules;

const long = (evidence: Evidence, name: string): number => {
  const entry = evidence[name];
  if (entry === undefined || !('long' in entry)) throw new Error(`${name} is not a long`);
  return entry.long;
};

describe('Cache Wizard', () => {
  const days = [0, 1, 2, 3, 4];
  /** Ten sessions on five days. */
  const sessions = (user_id: string, tokens: JsonObject): UsageEvent[] =>
    days.flatMap((day) => ['am', 'pm'].map((half) => event(day, { user_id, tokens, session_id: `${day}-${half}` })));

  it('draws a share toward the company’s own by the weight of m tokens', () => {
    const events = [
      ...sessions('u-1', { input: 10_000, cache_read: 90_000, output: 777 }),
      ...sessions('u-2', { input: 50_000, cache_write_5m: 20_000, cache_write_1h: 20_000, cache_write: 10_000 }),
    ];
    // u-1 read 900,000 of 1,000,000, the company 900,000 of 2,000,000.
    const standing = standingOf(cacheWizard, events);
    expect(standing).toMatchObject({ value: (900_000 + 450_000) / 2_000_000, eligible: true, rank: 1 });
    expect(standing?.evidence).toEqual({
      input: { long: 100_000 },
      cache_read: { long: 900_000 },
      cache_write_5m: { long: 0 },
      cache_write_1h: { long: 0 },
      cache_write: { long: 0 },
      counted_cache_read: { long: 900_000 },
      reads_per_output: { long: 500 },
      prior_tokens: { long: 1_000_000 },
      company_cache_read: { long: 900_000 },
      company_input: { long: 2_000_000 },
      company_share: { double: 0.45 },
      active_days: { long: 5 },
      sessions: { long: 10 },
    });
    expect(standingOf(cacheWizard, events, 'u-2')?.value).toBe(450_000 / 2_000_000);
  });

  it('ranks a lucky handful near the average, below steady thrift', () => {
    const events = [
      ...sessions('lucky', { cache_read: 100, output: 5 }),
      ...sessions('steady', { input: 100_000, cache_read: 900_000, output: 5000 }),
      ...sessions('others', { input: 1_000_000 }),
    ];
    expect(standingsOf(cacheWizard, events, NOW).map((one) => one.userId)).toEqual(['steady', 'lucky', 'others']);
  });

  it('counts as read, on each day, no more than 500 times what was written', () => {
    const counted = (...tokens: readonly JsonObject[]): unknown =>
      standingOf(
        cacheWizard,
        tokens.map((one, day) => event(day, { tokens: one })),
      )?.evidence['counted_cache_read'];
    expect(counted({ cache_read: 1000, output: 2 })).toEqual({ long: 1000 });
    expect(counted({ cache_read: 1001, output: 2 })).toEqual({ long: 1000 });
    expect(counted({ cache_read: 1000, output: 1000 }, { cache_read: 1000 })).toEqual({ long: 1000 });
  });

  it('is not won by one fat prefix that is sent again and again', () => {
    const events = [
      ...sessions('replays', { cache_read: 5_000_000, output: 10 }),
      ...sessions('works', { input: 20_000, cache_write_5m: 20_000, cache_read: 300_000, output: 3000 }),
      ...sessions('others', { input: 100_000, output: 5000 }),
    ];
    const naive: TitleRule = { ...cacheWizard, metric: { ...cacheWizard.metric, reads_per_output: 2 ** 20 } };
    expect(standingsOf(naive, events, NOW)[0]?.userId).toBe('replays');
    expect(standingsOf(cacheWizard, events, NOW)[0]?.userId).toBe('works');
    expect(standingOf(cacheWizard, events, 'replays')?.rank).toBeGreaterThan(1);
  });

  it('wants ten sessions on five days, and no call without a session makes one', () => {
    const all = sessions('u-1', { cache_read: 1000, output: 10 });
    const eligible = (events: UsageEvent[]) => standingOf(cacheWizard, events)?.eligible;
    expect(eligible(all)).toBe(true);
    expect(eligible([...all.slice(1), event(0, { tokens: { cache_read: 1, output: 1 } })])).toBe(false);
    expect(eligible([...all.slice(1), event(0, { session_id: 'x', status: 'error' })])).toBe(false);
    const fourDays = Array.from({ length: 20 }, (_, index) =>
      event(index % 4, { session_id: `s-${index}`, tokens: { cache_read: 9, output: 9 } }),
    );
    expect(eligible(fourDays)).toBe(false);
  });

  it('is nobody’s in a company that reads no cache', () => {
    expect(standingOf(cacheWizard, sessions('u-1', { input: 5 }))).toMatchObject({ value: 0, eligible: false });
  });

  it('can be recomputed from its evidence', () => {
    const tokens = fc.record({
      input: fc.nat(9_000_000),
      cache_read: fc.nat(9_000_000),
      cache_write: fc.nat(9_000_000),
      output: fc.nat(30_000),
    });
    fc.assert(
      fc.property(tokens, tokens, (own, other) => {
        const found = standingOf(cacheWizard, [...sessions('u-1', own), ...sessions('u-2', other)]);
        if (found === undefined) throw new Error('no standing');
        const count = (name: string): number => long(found.evidence, name);
        const h = count('company_input') === 0 ? 0 : count('company_cache_read') / count('company_input');
        const weight = ['input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'cache_write'].map(count);
        const value =
          (count('counted_cache_read') + count('prior_tokens') * h) /
          weight.reduce((sum, one) => sum + one, count('prior_tokens'));
        expect(found.value).toBeCloseTo(value, 9);
        expect(found.value).toBeLessThanOrEqual(1);
      }),
    );
  });
});
