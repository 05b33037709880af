import { tokenClasses } from '@laurel/events';
import { builtInRules } from '../built-in-rules.js';
import type { TitleRule } from '../rule.js';
import { event, standingOf } from './window.fixture.js';

const [tokenLegend] = builtInRules;
/** Whoever uses the tokens, and whenever. */
const unattended: TitleRule = {
  ...tokenLegend,
  metric: { kind: 'capped_tokens', daily_cap: 100_000_000, classes: [...tokenClasses] },
};

describe('capped tokens', () => {
  it('adds up a day over all models, and caps it', () => {
    const standing = standingOf(unattended, [
      event(0, { model: 'a', tokens: { input: 60_000_000 } }),
      event(0, { model: 'b', tokens: { output: 60_000_000 } }),
      event(1, { tokens: { cache_read: 100_000_000 } }),
      event(3, { tokens: {} }),
      event(2, { tokens: { cache_write_5m: 1, cache_write_1h: 2, cache_write: 4, output: 8, reasoning: 8 } }),
    ]);
    expect(standing).toMatchObject({ value: 200_000_015, rank: 1, eligible: true });
    expect(standing?.evidence).toEqual({
      input: { long: 60_000_000 },
      cache_read: { long: 100_000_000 },
      cache_write_5m: { long: 1 },
      cache_write_1h: { long: 2 },
      cache_write: { long: 4 },
      output: { long: 60_000_008 },
      reasoning: { long: 8 },
      events: { long: 5 },
      active_days: { long: 3 },
      capped_days: { long: 1 },
      uncapped_tokens: { long: 100_000_015 },
      daily_cap: { long: 100_000_000 },
    });
  });

  it('leaves out what failed, what the tool did for itself, and what is outside the window', () => {
    const standing = standingOf(unattended, [
      event(0, { tokens: { input: 1 } }),
      event(0, { tokens: { input: 2 }, origin: 'subagent' }),
      event(29, { tokens: { input: 4 } }),
      event(30, { tokens: { input: 8 } }),
      event(-1, { tokens: { input: 16 } }),
      event(0, { tokens: { input: 32 }, status: 'error' }),
      event(0, { tokens: { input: 64 }, status: 'cancelled' }),
      event(0, { tokens: { input: 128 }, origin: 'auxiliary' }),
      event(0, { tokens: { input: 256 }, origin: 'unknown' }),
    ]);
    expect(standing?.value).toBe(7);
  });

  it('stays exact, and its evidence too, where counts pass 2^53', () => {
    const events = Array.from({ length: 8193 }, () => event(0, { tokens: { input: 2 ** 40, output: 1 } }));
    const standing = standingOf(unattended, events);
    expect(standing?.value).toBe(100_000_000);
    expect(standing?.evidence['input']).toEqual({ string: String(8193n * 2n ** 40n) });
  });
});

describe('Token Legend', () => {
  const own = (minute: number, input: number) => event(0, { tokens: { input } }, minute);
  const agents = (minute: number, input: number) => event(0, { origin: 'subagent', tokens: { input } }, minute);

  it('counts of each hour what its own minutes bring in, and caps the day', () => {
    const standing = standingOf(tokenLegend, [
      // Two own minutes, one of them in two sessions and one in none: 1,000,000 of 1,600,000.
      event(0, { tokens: { input: 200_000 }, session_id: 'a' }, 600),
      event(0, { tokens: { input: 200_000 }, session_id: 'b' }, 600),
      event(0, { tokens: { input: 200_000 }, session_id: null }, 659),
      agents(630, 1_000_000),
      // The next hour has one, and less than it brings in.
      own(660, 300_000),
      // Nobody asks anything.
      agents(720, 9_000_000),
      own(1439, 500_000),
      event(1, { tokens: { input: 100_000_000 } }),
      ...Array.from({ length: 60 * 4 }, (_, minute) => event(2, { tokens: { input: 450_000 } }, minute)),
    ]);
    expect(standing).toMatchObject({ value: 1_000_000 + 300_000 + 500_000 + 500_000 + 100_000_000, eligible: true });
    expect(standing?.evidence).toMatchObject({
      input: { long: 1_600_000 + 300_000 + 9_000_000 + 500_000 + 100_000_000 + 108_000_000 },
      own_minutes: { long: 2 + 1 + 1 + 1 + 240 },
      tokens_per_own_minute: { long: 500_000 },
      attended_tokens: { long: 2_300_000 + 108_000_000 },
      active_days: { long: 3 },
      capped_days: { long: 1 },
      uncapped_tokens: { long: 2_300_000 },
      daily_cap: { long: 100_000_000 },
    });
  });

  it('takes no call for the person’s own that failed, that the tool made for itself, or whose origin is not known', () => {
    const others = [{ status: 'error' }, { origin: 'auxiliary' }, { origin: 'unknown' }, { origin: 'subagent' }];
    const events = others.map((fields) => event(0, { ...fields, tokens: { input: 1 } }, 600));
    expect(standingOf(tokenLegend, [...events, agents(601, 1000)])).toMatchObject({ value: 0, eligible: false });
    expect(standingOf(tokenLegend, [...events, agents(601, 1000), own(659, 5)])?.value).toBe(1006);
  });

  it('is nobody’s who has no tokens', () => {
    expect(standingOf(tokenLegend, [event(0, { tokens: {} })])).toMatchObject({ value: 0, rank: 0, eligible: false });
  });
});
