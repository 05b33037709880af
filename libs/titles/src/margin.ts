import { z } from 'zod';

/**
 * How far a challenger is to be ahead of the holder: hysteresis against a title that changes hands all day.
 * `relative`: challenger > holder · (1 + by).
 * `remainder`, for shares, whose bound is 1: 1 − challenger < (1 − holder) · (1 − by). A relative margin would make
 * a share of 0.99 unassailable, as nobody can reach 1.0098.
 */
export const marginSchema = z.strictObject({
  kind: z.enum(['relative', 'remainder']).describe('of the holder’s value, or of what is missing to a share of 1'),
  by: z.number().min(0).max(0.5).describe('0.02 is 2 %'),
});

export type Margin = z.output<typeof marginSchema>;

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
