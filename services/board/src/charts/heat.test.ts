import fc from 'fast-check';
import { HEAT_LEVELS, heatLevels } from './heat.js';

describe('the levels of a calendar', () => {
  it('are quarters of the days with usage', () => {
    expect(heatLevels([0, 1, 2, 3, 4, 0, 5, 6, 7, 1000])).toEqual([0, 1, 1, 2, 2, 0, 3, 3, 4, 4]);
    expect(heatLevels([0, 7, 0])).toEqual([0, 1, 0]);
    expect(heatLevels([])).toEqual([]);
  });

  it('never rank a greater amount lower, nor nothing above nothing', () => {
    fc.assert(
      fc.property(fc.array(fc.nat()), (amounts) => {
        const levels = heatLevels(amounts);
        amounts.forEach((amount, index) => {
          const level = levels[index] ?? -1;
          expect(level === 0).toBe(amount === 0);
          expect(level).toBeLessThanOrEqual(HEAT_LEVELS);
          amounts.forEach((other, at) => {
            if (other >= amount) expect(levels[at]).toBeGreaterThanOrEqual(level);
          });
        });
      }),
    );
  });
});
