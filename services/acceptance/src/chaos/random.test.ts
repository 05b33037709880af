import { Random } from './random.js';

const draws = (random: Random): readonly number[] => Array.from({ length: 20 }, () => random.below(1000));

it('draws the same for the same seed and purpose, whatever others have drawn', () => {
  const one = Random.of(1);
  const other = Random.of(1);
  draws(other);
  expect(draws(one.fork('a'))).toEqual(draws(other.fork('a')));
  expect(draws(one.fork('a'))).not.toEqual(draws(one.fork('b')));
  expect(draws(Random.of(1))).not.toEqual(draws(Random.of(2)));
});

it('shuffles without losing or repeating anything', () => {
  const list = Array.from({ length: 50 }, (_, index) => index);
  const shuffled = Random.of(3).shuffled(list);
  expect(shuffled).not.toEqual(list);
  expect([...shuffled].sort((a, b) => a - b)).toEqual(list);
});
