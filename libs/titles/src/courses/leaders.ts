import { compareStandings } from '../standings.js';
import type { Course } from './timeline.js';

/** Somebody at one instant. */
export interface Leader {
  readonly userId: string;
  readonly value: number;
}

/**
 * The best people at each instant, in the order of the board, found while people come one by one; and of whoever is among
 * them at any instant the whole course.
 */
export class Leaders {
  /** By instant, the best first. */
  private readonly best: Leader[][];
  /** By instant: whoever has less is not among them. */
  private readonly least: Float64Array;
  private readonly courses = new Map<string, { readonly course: Course; instants: number }>();

  /** @param take how many at each of so many instants. */
  constructor(
    instants: number,
    private readonly take: number,
  ) {
    this.best = Array.from({ length: instants }, () => []);
    this.least = new Float64Array(instants);
  }

  /** False of a course that is behind the best at each instant, as nearly everybody’s is. */
  mayLead(course: Course): boolean {
    const { least } = this;
    for (let at = 0; at < course.length; at += 1) {
      const value = course[at] as number;
      if (value > 0 && value >= (least[at] as number)) return true;
    }
    return false;
  }

  /** @param course 0 where the person is not eligible. */
  add(userId: string, course: Course): void {
    const entry = { course, instants: 0 };
    for (let at = 0; at < course.length; at += 1) {
      const value = course[at] as number;
      if (value <= 0 || value < (this.least[at] as number)) continue;
      const [best, one] = [this.best[at] as Leader[], { userId, value }];
      const place = placeOf(best, one);
      if (place === this.take) continue;
      best.splice(place, 0, one);
      entry.instants += 1;
      const last = best.length > this.take ? best.pop() : undefined;
      if (last !== undefined) this.drop(last.userId);
      if (best.length === this.take) this.least[at] = best.at(-1)?.value ?? 0;
    }
    if (entry.instants > 0) this.courses.set(userId, entry);
  }

  at(instant: number): readonly Leader[] {
    return this.best[instant] ?? [];
  }

  /** 0 of whoever is not eligible then; undefined of whoever is never among the best. */
  valueOf(userId: string, instant: number): number | undefined {
    return this.courses.get(userId)?.course[instant];
  }

  private drop(userId: string): void {
    const entry = this.courses.get(userId);
    if (entry === undefined) return;
    entry.instants -= 1;
    if (entry.instants === 0) this.courses.delete(userId);
  }
}

/** Behind how many of the best, which are in order. */
function placeOf(best: readonly Leader[], one: Leader): number {
  let [low, high] = [0, best.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareStandings(one, best[middle] as Leader) < 0) high = middle;
    else low = middle + 1;
  }
  return low;
}
