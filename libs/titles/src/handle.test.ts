import { adjectives, nouns } from './handle-words.js';
import { generatedHandle, HANDLES } from './handle.js';

describe('generatedHandle', () => {
  it('is the same for ever', () => {
    expect(generatedHandle('u-1')).toBe('hopeful-tapir-269994');
    expect(generatedHandle('u-2')).toBe('radiant-sunflower-109353');
    expect(generatedHandle('Ünïcödé')).toBe('curious-lilac-977608');
  });

  it('looks like adjective-noun-number', () => {
    for (let person = 0; person < 500; person += 1) {
      expect(generatedHandle(`u-${person}`)).toMatch(/^[a-z]+-[a-z]+-[1-9]\d{5}$/);
    }
  });

  it('has the words once each, and the stated odds of two alike among 85,000', () => {
    expect(new Set(adjectives).size).toBe(adjectives.length);
    expect(new Set(nouns).size).toBe(nouns.length);
    const odds = 1 - Math.exp(-(85_000 ** 2) / 2 / HANDLES);
    expect(odds).toBeGreaterThan(0.055);
    expect(odds).toBeLessThan(0.065);
  });

  it('spreads 85,000 people over the handles, as chance would', () => {
    const handles = new Set<string>();
    const firstWords = new Set<string>();
    for (let person = 0; person < 85_000; person += 1) {
      const handle = generatedHandle(`person-${person}`);
      handles.add(handle);
      firstWords.add(handle.slice(0, handle.indexOf('-')));
    }
    expect(85_000 - handles.size).toBeLessThanOrEqual(2);
    expect(firstWords.size).toBe(adjectives.length);
  });
});
