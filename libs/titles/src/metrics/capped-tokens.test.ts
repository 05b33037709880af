import { builtInRules } from '../built-in-rules.js';
import { event, standingOf } from './window.fixture.js';

const [tokenLegend] = builtInRules;

describe('Token Legend', () => {
  it('adds up a day over all models, and caps it', () => {
    const standing = standingOf(tokenLegend, [
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
    const standing = standingOf(tokenLegend, [
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

  it('is nobody’s who has no tokens', () => {
    expect(standingOf(tokenLegend, [event(0, { tokens: {} })])).toMatchObject({ value: 0, rank: 0, eligible: false });
  });

  it('stays exact, and its evidence too, where counts pass 2^53', () => {
    const events = Array.from({ length: 8193 }, () => event(0, { tokens: { input: 2 ** 40, output: 1 } }));
    const standing = standingOf(tokenLegend, events);
    expect(standing?.value).toBe(100_000_000);
    expect(standing?.evidence['input']).toEqual({ string: String(8193n * 2n ** 40n) });
  });
});
