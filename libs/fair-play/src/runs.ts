/** Neighbours in a row; at least one. */
export interface Run<T> {
  readonly items: readonly T[];
  readonly first: T;
  readonly last: T;
}

/**
 * Cuts a row wherever the next place is more than `step` after the one before.
 *
 * @param items ascending by their places.
 */
export function runsBy<T>(items: readonly T[], placeOf: (item: T) => number, step: number): readonly Run<T>[] {
  const runs: { items: T[]; first: T; last: T }[] = [];
  for (const item of items) {
    const current = runs.at(-1);
    if (current === undefined || placeOf(item) - placeOf(current.last) > step) {
      runs.push({ items: [item], first: item, last: item });
    } else {
      current.items.push(item);
      current.last = item;
    }
  }
  return runs;
}
