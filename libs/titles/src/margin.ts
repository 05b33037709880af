import type { Margin } from './rule.js';

/**
 * Whether a challenger is ahead by more than the margin; exactly the margin is not enough. In 64-bit floating point,
 * as written: `relative`: challenger > holder · (1 + by); `remainder`: 1 − challenger < (1 − holder) · (1 − by).
 */
export function isAheadBy(margin: Margin, challenger: number, holder: number): boolean {
  switch (margin.kind) {
    case 'relative':
      return challenger > holder * (1 + margin.by);
    case 'remainder':
      return 1 - challenger < (1 - holder) * (1 - margin.by);
    default:
      return margin.kind satisfies never;
  }
}
