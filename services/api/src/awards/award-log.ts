import type { AwardEvent } from '@laurel/events';
import { evolve, neverAwarded, titleKey, type LoggedAward, type TitleAwarded, type TitleState } from '@laurel/titles';

/**
 * Every award there ever was, and their fold: who holds what now.
 *
 * Awards are few, a handful a day, and are kept in memory whole: about 1.1 kB each with twelve entries of evidence, so that
 * ten thousand cost 11 MB.
 */
export class AwardLog {
  private readonly log: LoggedAward[] = [];
  private readonly states = new Map<string, TitleState>();
  private readonly listeners = new Set<() => void>();

  /** -1 before the first. */
  get lastOffset(): number {
    return this.log.at(-1)?.offset ?? -1;
  }

  /**
   * Takes the next record in; one that was taken already is skipped.
   *
   * @throws AwardLogError when it does not follow from those before: then nothing here may be shown.
   */
  add(offset: number, award: AwardEvent): void {
    if (offset <= this.lastOffset) return;
    const title = { titleId: award.title_id, scope: award.scope };
    const key = titleKey(title);
    const state = this.states.get(key) ?? { ...neverAwarded(title.titleId, 'company'), scope: title.scope };
    this.states.set(key, evolve(state, award));
    this.log.push({ offset, award });
    for (const listener of [...this.listeners]) listener();
  }

  /** The first award after an offset. */
  next(offset: number): LoggedAward | undefined {
    let low = 0;
    let high = this.log.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.log[middle]?.offset ?? Infinity) > offset) high = middle;
      else low = middle + 1;
    }
    return this.log[low];
  }

  /** The newest first, at most `limit` of those that match. */
  newest(limit: number, matches: (award: AwardEvent) => boolean): readonly LoggedAward[] {
    const found: LoggedAward[] = [];
    for (let index = this.log.length - 1; index >= 0 && found.length < limit; index -= 1) {
      const logged = this.log[index];
      if (logged !== undefined && matches(logged.award)) found.push(logged);
    }
    return found;
  }

  /** The awards by which a title is held now, in their order. */
  holders(titleId: string, scope: string): readonly TitleAwarded[] {
    return this.states.get(titleKey({ titleId, scope }))?.holders ?? [];
  }

  /** The awards by which a person holds titles now, by title and scope. */
  heldBy(userId: string): readonly TitleAwarded[] {
    return [...this.states.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([, { holders }]) => holders.filter((award) => award.user_id === userId));
  }

  /** Told after each award. Returns how to end it. */
  onAdded(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
