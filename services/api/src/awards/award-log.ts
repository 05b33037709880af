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
    fold(this.states, award);
    this.log.push({ offset, award });
    for (const listener of [...this.listeners]) listener();
  }

  /** The first award after an offset. */
  next(offset: number): LoggedAward | undefined {
    return this.log[this.indexFrom(offset + 1)];
  }

  /** The newest first, of those that match; only those before an offset, if one is given. */
  *newest(matches: (award: AwardEvent) => boolean, before = Infinity): Generator<LoggedAward> {
    for (let index = this.indexFrom(before) - 1; index >= 0; index -= 1) {
      const logged = this.log[index];
      if (logged !== undefined && matches(logged.award)) yield logged;
    }
  }

  /** The awards by which a title is held now, in their order. */
  holders(titleId: string, scope: string): readonly TitleAwarded[] {
    return this.states.get(titleKey({ titleId, scope }))?.holders ?? [];
  }

  /**
   * The awards by which a person holds titles now, by title and scope.
   *
   * @param untilMs or then, of what had been awarded before this instant.
   */
  heldBy(userId: string, untilMs = Infinity): readonly TitleAwarded[] {
    return [...this.statesUntil(untilMs).entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([, { holders }]) => holders.filter((award) => award.user_id === userId));
  }

  /** Told after each award. Returns how to end it. */
  onAdded(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Of the first award at or after an offset. */
  private indexFrom(offset: number): number {
    let low = 0;
    let high = this.log.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.log[middle]?.offset ?? Infinity) >= offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  private statesUntil(untilMs: number): ReadonlyMap<string, TitleState> {
    if (untilMs === Infinity) return this.states;
    const states = new Map<string, TitleState>();
    // From the first one on that came later, as a clock may have been set back between two.
    const over = new Set<string>();
    for (const { award } of this.log) {
      const key = titleKey({ titleId: award.title_id, scope: award.scope });
      if (award.evaluated_at >= untilMs) over.add(key);
      if (!over.has(key)) fold(states, award);
    }
    return states;
  }
}

/** @throws AwardLogError when the award does not follow from those before. */
function fold(states: Map<string, TitleState>, award: AwardEvent): void {
  const title = { titleId: award.title_id, scope: award.scope };
  const key = titleKey(title);
  const state = states.get(key) ?? { ...neverAwarded(title.titleId, 'company'), scope: title.scope };
  states.set(key, evolve(state, award));
}
