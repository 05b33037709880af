import { createHash } from 'node:crypto';

const DRAW_BYTES = 6;

/** SHA-256 of the label in UTF-8. */
export const digest = (label: string): Buffer => createHash('sha256').update(label).digest();

/**
 * A number in [0, 1) that depends on the label alone: the first 48 bits of its SHA-256, so that any language draws the
 * same. Exact in a double.
 */
export const draw = (label: string): number => digest(label).readUIntBE(0, DRAW_BYTES) / 2 ** (8 * DRAW_BYTES);

/**
 * The index of the weight into which a point falls when the weights stand side by side.
 *
 * @param point in [0, 1)
 * @param weights whole numbers, not all of them 0
 */
export function pickAt(point: number, weights: readonly number[]): number {
  const sum = weights.reduce((all, weight) => all + weight, 0);
  let rest = Math.floor(point * sum);
  for (const [index, weight] of weights.entries()) {
    rest -= weight;
    if (rest < 0) return index;
  }
  throw new RangeError(`no weight at ${point} of ${sum}`);
}

export const pick = (label: string, weights: readonly number[]): number => pickAt(draw(label), weights);

/** The element that a pick chose: there always is one. */
export function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new RangeError(`no element ${index} of ${items.length}`);
  return item;
}
