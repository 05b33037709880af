import { valueText } from './value-text.js';

describe('a title’s value as people read it', () => {
  it.each([
    [1_234_567, 'tokens', '1,234,567 tokens', '1,234,567 tokens'],
    [5.57419, 'models', '5.57 models', '5.5742 models'],
    [4, 'models', '4 models', '4 models'],
    [0.647463, 'ratio', '64.7 %', '64.75 %'],
    [31, 'minutes', '31 minutes', '31 minutes'],
    [12_345_678, 'micro_usd', '$12.35', '$12.345678'],
    [-500_000, 'micro_usd', '-$0.50', '-$0.50'],
    [37, 'points', '37 points', '37 points'],
    [12.3456, 'points_per_usd', '12.35 points/$', '12.3456 points/$'],
    [12_345_678.25, 'micro_usd/days', '$12.35 / day', '$12.345678 / day'],
    [1_234_567.891, 'tokens/days', '1,235,000 tokens / day', '1,234,567.9 tokens / day'],
    [0.25, 'tokens/micro_usd', '250,000 tokens / dollar', '250,000 tokens / dollar'],
    [0.5, 'micro_usd/micro_usd', '$0.5 / dollar', '$0.5 / dollar'],
    [3.25, 'micro_usd/tokens', '$0.00000325 / token', '$0.00000325 / token'],
    [7, 'something new', '7 something new', '7 something new'],
  ])('%d %s: %s, or %s', (value, unit, text, fine) => {
    expect(valueText(value, unit)).toBe(text);
    expect(valueText(value, unit, true)).toBe(fine);
  });
});
