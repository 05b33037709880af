import type { TokenCounts } from './generated/types.js';

/** The disjoint token classes, in the order of every table and page; they add up to the total. */
export const tokenClasses = [
  'input',
  'cache_read',
  'cache_write_5m',
  'cache_write_1h',
  'cache_write',
  'output',
] as const;
export type TokenClass = (typeof tokenClasses)[number];

/** All counted fields: the classes, and `reasoning`, which is a part of `output` and never added to it. */
export const tokenFields = [...tokenClasses, 'reasoning'] as const satisfies readonly (keyof TokenCounts)[];

export const noTokens: TokenCounts = {
  input: 0,
  cache_read: 0,
  cache_write_5m: 0,
  cache_write_1h: 0,
  cache_write: 0,
  output: 0,
  reasoning: 0,
};

/** The sum of the disjoint classes. At most 6 × 2^40, so exact as a number. */
export function totalTokens(tokens: TokenCounts): number {
  let total = 0;
  for (const name of tokenClasses) total += tokens[name];
  return total;
}
