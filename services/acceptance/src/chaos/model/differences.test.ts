import { Comparison } from './differences.js';

it('tells what is missing, what is beyond, and what differs', () => {
  const comparison = new Comparison('figures');
  comparison.maps(
    new Map([
      ['same', '1'],
      ['other', '2'],
      ['missing', '3'],
    ]),
    new Map([
      ['same', '1'],
      ['other', '4'],
      ['beyond', '5'],
    ]),
  );
  expect(comparison.result).toEqual({
    name: 'figures',
    compared: 4,
    differing: 3,
    examples: ['other: expected 2, found 4', 'missing: expected 3, found nothing', 'beyond: expected nothing, found 5'],
  });
});
