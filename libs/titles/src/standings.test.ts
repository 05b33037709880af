import { isEligible, rank, type Measurement } from './standings.js';

const minima = { min_tokens: 100, min_active_days: 2, min_sessions: 3, min_list_cost_usd: 5, min_tenure_days: 4 };
const volume = { tokens: 100n, activeDays: 2, sessions: 3, tenureDays: 4, listCost: 5_000_000_000_000n };
const nothing = { min_tokens: 0, min_active_days: 0, min_sessions: 0, min_list_cost_usd: 0, min_tenure_days: 0 };
const measurement = (userId: string, value: number, fields: Partial<Measurement> = {}): Measurement => ({
  userId,
  value,
  volume,
  evidence: {},
  ...fields,
});

describe('isEligible', () => {
  it('takes every minimum as reached when it is met exactly', () => {
    expect(isEligible(minima, 1, volume)).toBe(true);
    expect(isEligible(minima, 1, { ...volume, tokens: 99n })).toBe(false);
    expect(isEligible(minima, 1, { ...volume, activeDays: 1 })).toBe(false);
    expect(isEligible(minima, 1, { ...volume, tenureDays: 3 })).toBe(false);
    expect(isEligible(minima, 1, { ...volume, sessions: 2 })).toBe(false);
    expect(isEligible(minima, 1, { ...volume, listCost: 4_999_999_999_999n })).toBe(false);
  });

  it('gives no title for nothing', () => {
    expect(isEligible(nothing, 0, volume)).toBe(false);
  });
});

describe('rank', () => {
  it('shares a rank between equals and goes on after all of them, the smaller id first', () => {
    const standings = rank(minima, [
      measurement('d', 5),
      measurement('b', 9),
      measurement('c', 7),
      measurement('a', 7),
    ]);
    expect(standings.map((one) => [one.userId, one.rank])).toEqual([
      ['b', 1],
      ['a', 2],
      ['c', 2],
      ['d', 4],
    ]);
  });

  it('puts those who are not eligible last, without a rank', () => {
    const few = { volume: { ...volume, sessions: 0 } };
    const standings = rank(minima, [measurement('a', 9, few), measurement('b', 1), measurement('c', 8, few)]);
    expect(standings.map((one) => [one.userId, one.rank, one.eligible])).toEqual([
      ['b', 1, true],
      ['a', 0, false],
      ['c', 0, false],
    ]);
  });
});
