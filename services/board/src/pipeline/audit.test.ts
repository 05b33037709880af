import type { Operations } from '../api/answers.js';
import { auditVerdict, tallyOf, type CheckOutcome } from './audit.js';

const NOW = Date.UTC(2026, 4, 14, 12);
const hoursAgo = (hours: number): string => new Date(NOW - hours * 3_600_000).toISOString();

const last = (fields: Partial<CheckOutcome> = {}): CheckOutcome => ({
  ended_at: hoursAgo(9),
  first_day: null,
  compared: '841 buckets of 35 days',
  finished: true,
  findings: [],
  ...fields,
});
const finding = (found: number, healed: number, severity: 'error' | 'warning' = 'error') =>
  ({ code: 'figures_differ', severity, found, healed }) as const;
const verdict = (...outcomes: readonly (CheckOutcome | null)[]) =>
  auditVerdict(outcomes.map((one) => ({ check: 'buckets', last: one })) satisfies Operations['audit'], NOW);

describe('what audits came to', () => {
  it('counts what is left apart from what was healed, and warnings as neither', () => {
    expect(tallyOf({ findings: [finding(5, 3), finding(2, 2), finding(4, 0, 'warning')] })).toEqual({
      left: 2,
      healed: 5,
      warnings: 4,
    });
  });

  it('is clean where nothing is left, whatever was healed or warned of', () => {
    expect(verdict(last(), last({ findings: [finding(2, 2), finding(1, 0, 'warning')] }))).toBe('clean');
  });

  it('is old as soon as one check was not made for two days, or never', () => {
    expect(verdict(last({ ended_at: hoursAgo(48) }))).toBe('clean');
    expect(verdict(last(), last({ ended_at: hoursAgo(49) }))).toBe('old');
    expect(verdict(last(), null)).toBe('old');
  });

  it('tells of what is wrong rather than of what is not known', () => {
    const wrong = last({ ended_at: hoursAgo(99), finished: false, findings: [finding(2, 1)] });
    expect(verdict(wrong, null)).toBe('findings');
    expect(verdict(last({ finished: false }), null)).toBe('unfinished');
  });
});
