import type { BoardEntry } from '../api/answers.js';

/** A board's pages, by number. */
export type Pages = ReadonlyMap<number, readonly BoardEntry[]>;

/**
 * Pages in the order in which somebody is pointing at them, with the newest figures: nothing moves under a pointer. Whoever is on none
 * of the fresh pages any more stays as they were. Ranks stay too, as a rank out of order would be taken for a mistake.
 */
export function inHeldOrder(held: Pages, fresh: Pages): Pages {
  const newest = new Map([...fresh.values()].flat().map((entry) => [entry.user_id, entry]));
  const shown = new Map<number, readonly BoardEntry[]>(fresh);
  for (const [page, entries] of held) {
    shown.set(
      page,
      entries.map((entry) => {
        const { rank, previous_rank } = entry;
        return { ...(newest.get(entry.user_id) ?? entry), rank, previous_rank };
      }),
    );
  }
  return shown;
}

/** How many people stand elsewhere on the fresh pages than where they are held. */
export function movedSince(held: Pages, fresh: Pages): number {
  let moved = 0;
  for (const [page, entries] of held) {
    const now = fresh.get(page);
    if (now === undefined) continue;
    entries.forEach(({ user_id: userId }, index) => {
      if (now[index]?.user_id !== userId) moved += 1;
    });
  }
  return moved;
}
