import { createHash } from 'node:crypto';
import { awardIdOf } from './award-id.js';

describe('awardIdOf', () => {
  it('is the first half of a SHA-256 that anybody can work out', () => {
    const digest = createHash('sha256').update('token_legend\0company\x007').digest('hex');
    expect(awardIdOf('token_legend', 'company', 7)).toBe(digest.slice(0, 32));
  });

  it('tells title, scope and ordinal apart', () => {
    const ids = [awardIdOf('a', 'b', 1), awardIdOf('a', 'b', 11), awardIdOf('ab', '', 1), awardIdOf('', 'ab', 1)];
    expect(new Set(ids).size).toBe(4);
  });
});
