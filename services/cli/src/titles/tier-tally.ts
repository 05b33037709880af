import type { AwardEvent } from '@laurel/events';
import { tierNames, titleKey, TierBook, type Tier } from '@laurel/titles';

/** How often a tier would have been reached and lost, and by how many people it was had. */
export interface SimulatedTier {
  readonly tier: Tier;
  readonly reached: number;
  readonly lost: number;
  /** Most people who had it at one time. */
  readonly most_people: number;
  readonly people_at_end: number;
}

/** Counts simulated awards of tiers, which are too many to be kept. */
export class TierTally {
  private readonly book = new TierBook();
  private readonly tallies = new Map<string, Map<Tier, { reached: number; lost: number; most: number }>>();

  take(award: AwardEvent): void {
    const change = this.book.changeBy(award);
    if (change === undefined) return;
    this.book.take(award);
    const title = { titleId: award.title_id, scope: award.scope };
    const own = this.tallies.get(titleKey(title)) ?? new Map<Tier, { reached: number; lost: number; most: number }>();
    this.tallies.set(titleKey(title), own);
    const of = (tier: Tier): { reached: number; lost: number; most: number } => {
      const tally = own.get(tier) ?? { reached: 0, lost: 0, most: 0 };
      own.set(tier, tally);
      return tally;
    };
    if (award.type === 'tier_reached' && change.after !== undefined) of(change.after.tier).reached += 1;
    if (award.type === 'tier_lost' && change.before !== undefined) of(change.before.tier).lost += 1;
    for (const [tier, people] of this.book.counts(title.titleId, title.scope)) {
      const tally = of(tier);
      tally.most = Math.max(tally.most, people);
    }
  }

  /** The scopes of a title in which anybody reached a tier. */
  scopes(titleId: string): readonly string[] {
    const prefix = titleKey({ titleId, scope: '' });
    return [...this.tallies.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  }

  /** The lowest first; [] when nobody reached any. */
  of(titleId: string, scope: string): readonly SimulatedTier[] {
    const own = this.tallies.get(titleKey({ titleId, scope }));
    const now = this.book.counts(titleId, scope);
    return tierNames.flatMap((tier) => {
      const tally = own?.get(tier);
      if (tally === undefined) return [];
      const { reached, lost, most } = tally;
      return [{ tier, reached, lost, most_people: most, people_at_end: now.get(tier) ?? 0 }];
    });
  }
}
