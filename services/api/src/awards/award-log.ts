import type { AwardEvent } from '@laurel/events';
import {
  AwardFold,
  isAboutTier,
  titleKey,
  type LoggedAward,
  type Tier,
  type TierHeld,
  type TitleAwarded,
  type TitleState,
} from '@laurel/titles';

/**
 * Every award of a title there ever was, and the fold of all: who holds what now, and has which tier.
 *
 * Awards of titles are few, a handful a day, and are kept in memory whole: about 1.1 kB each with twelve entries of evidence, so that
 * ten thousand cost 11 MB. Those of tiers may be as many as there are people, each month, and only what they add up to is kept.
 */
export class AwardLog {
  private readonly log: LoggedAward[] = [];
  private readonly fold = new AwardFold();
  private readonly listeners = new Set<() => void>();
  private last = -1;

  /** Of the last award, of a tier too; -1 before the first. */
  get lastOffset(): number {
    return this.last;
  }

  /**
   * Takes the next record in; one that was taken already is skipped.
   *
   * @throws AwardLogError when it does not follow from those before: then nothing here may be shown.
   */
  add(offset: number, award: AwardEvent): void {
    if (offset <= this.last) return;
    this.fold.take(award);
    this.last = offset;
    if (isAboutTier(award)) return;
    this.log.push({ offset, award });
    for (const listener of [...this.listeners]) listener();
  }

  /** The first award of a title after an offset. */
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
    return this.fold.state(titleId, scope).holders;
  }

  /** The awards by which a title is held now, in any scope. */
  holdersOf(titleId: string): readonly TitleAwarded[] {
    return [...this.fold.states.values()]
      .filter((state) => state.titleId === titleId)
      .flatMap(({ holders }) => holders);
  }

  /** What happened of a title in a scope, in which it need not have been awarded. */
  state(titleId: string, scope: string): TitleState {
    return this.fold.state(titleId, scope);
  }

  /**
   * The awards by which a person holds titles now, by title and scope.
   *
   * @param untilMs or then, of what had been awarded before this instant.
   */
  heldBy(userId: string, untilMs = Infinity): readonly TitleAwarded[] {
    return this.held(untilMs).filter((award) => award.user_id === userId);
  }

  /** The awards by which titles of a scope are held now, or were then, by title. */
  heldIn(scope: string, untilMs = Infinity): readonly TitleAwarded[] {
    return this.held(untilMs).filter((award) => award.scope === scope);
  }

  /** A person's tiers now, by title and scope. */
  tiersOf(userId: string): readonly TierHeld[] {
    return [...this.fold.tiers.allOf(userId)].sort((a, b) => (titleKey(a) < titleKey(b) ? -1 : 1));
  }

  /** How many people have each tier of a title now. */
  tierCounts(titleId: string, scope: string): ReadonlyMap<Tier, number> {
    return this.fold.tiers.counts(titleId, scope);
  }

  /** Told after each award of a title. Returns how to end it. */
  onAdded(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private held(untilMs: number): readonly TitleAwarded[] {
    return [...this.holdersUntil(untilMs)].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, holders]) => holders);
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

  /** By title and scope. The log was folded as it came, so it can be trusted here, though it has no tiers between. */
  private holdersUntil(untilMs: number): ReadonlyMap<string, readonly TitleAwarded[]> {
    if (untilMs === Infinity) {
      return new Map([...this.fold.states].map(([key, { holders }]) => [key, holders]));
    }
    const holders = new Map<string, readonly TitleAwarded[]>();
    // From the first one on that came later, as a clock may have been set back between two.
    const over = new Set<string>();
    for (const { award } of this.log) {
      const key = titleKey({ titleId: award.title_id, scope: award.scope });
      if (award.evaluated_at >= untilMs) over.add(key);
      if (over.has(key)) continue;
      const before = holders.get(key) ?? [];
      holders.set(
        key,
        isAwarded(award) ? [...before, award] : before.filter(({ award_id: id }) => id !== award.revokes),
      );
    }
    return holders;
  }
}

const isAwarded = (award: AwardEvent): award is TitleAwarded => award.type === 'title_awarded';
