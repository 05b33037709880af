import fc from 'fast-check';
import { badgeSvg } from './badge.js';

const badge = { handle: 'calm-otter-482913', rank: 3, people: 300, tokens: 5_549_156n, window: '30 days', titles: [] };

describe('a badge', () => {
  it('says who, which place and how much', () => {
    expect(badgeSvg(badge)).toContain('<title>calm-otter-482913: #3 of 300 · 5.5M tokens · 30 days</title>');
    expect(badgeSvg({ ...badge, titles: ['Token Legend'] })).toContain('calm-otter-482913 · Token Legend: #3');
    expect(badgeSvg({ ...badge, rank: null, people: null, tokens: 0n })).toContain(': no usage · 30 days<');
  });

  it('is the same picture whatever signs a title’s name has', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), (name) => {
        const bare = badgeSvg({ ...badge, titles: ['x'] }).match(/<[/a-zA-Z]+/g);
        const svg = badgeSvg({ ...badge, titles: [name === '' ? 'x' : name] });
        expect(svg.match(/<[/a-zA-Z]+/g)).toEqual(bare);
        expect(svg).not.toMatch(/&(?!#\d+;)/);
      }),
    );
  });
});
