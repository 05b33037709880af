import { isLoweredByCorrection } from './correction.js';
import { isAheadBy } from './margin.js';

describe('isAheadBy', () => {
  it('wants more than the margin, not just as much', () => {
    const margin = { kind: 'relative', by: 0.5 } as const;
    expect(isAheadBy(margin, 150, 100)).toBe(false);
    expect(isAheadBy(margin, 150.1, 100)).toBe(true);
  });

  it('lets a share near 1 be overtaken by what is left to 1', () => {
    expect(isAheadBy({ kind: 'relative', by: 0.02 }, 1, 0.99)).toBe(false);
    expect(isAheadBy({ kind: 'remainder', by: 0.02 }, 0.9901, 0.99)).toBe(false);
    expect(isAheadBy({ kind: 'remainder', by: 0.02 }, 0.9903, 0.99)).toBe(true);
  });

  it('wants any lead at all when there is no margin', () => {
    for (const kind of ['relative', 'remainder'] as const) {
      expect(isAheadBy({ kind, by: 0 }, 0.5, 0.5)).toBe(false);
      expect(isAheadBy({ kind, by: 0 }, 0.500001, 0.5)).toBe(true);
    }
  });
});

describe('isLoweredByCorrection', () => {
  it('is sure only where more usage can not lower the value', () => {
    expect(isLoweredByCorrection('capped_tokens', 100, 99)).toBe(true);
    expect(isLoweredByCorrection('capped_tokens', 100, 100)).toBe(false);
    expect(isLoweredByCorrection('longest_session', 100, 99)).toBe(true);
    expect(isLoweredByCorrection('cache_share', 0.9, 0.1)).toBe(false);
    expect(isLoweredByCorrection('effective_models', 3, 1)).toBe(false);
  });
});
