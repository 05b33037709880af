import type { AwardEvent, TitleTier } from '@laurel/events';
import { AwardLogError } from '../evolve.js';
import { isTier, tierOrder, type Tier } from './tier.js';

/** A tier that somebody has, by the event that says so. */
export interface TierHeld {
  readonly titleId: string;
  readonly scope: string;
  readonly userId: string;
  readonly tier: Tier;
  /** `tier_reached`, or the `tier_lost` of a higher one. All that follows is of it. */
  readonly awardId: string;
  readonly ruleVersion: number;
  readonly value: number;
  readonly unit: string;
  readonly sinceMs: number;
  readonly windowStartMs: number;
  readonly windowEndMs: number;
}

/** What one event changes: there is one of the two at least, both of one person in one scope. */
export interface TierChange {
  readonly before: TierHeld | undefined;
  readonly after: TierHeld | undefined;
}

interface TitleTiers {
  /** In each scope in which they have one. */
  readonly byUser: Map<string, readonly TierHeld[]>;
  /** By the award's id, as whoever is withheld is named by it alone. */
  readonly byAward: Map<string, TierHeld>;
  readonly counts: Map<string, Map<Tier, number>>;
  version: number;
}

/**
 * Who has which tier: the fold of the `tier_reached` and `tier_lost` of `titles.awards.v1`, beside `evolve`, which folds the titles. Of
 * 85,000 people it is changed in place, at about 0.3 kB for each tier that somebody has.
 */
export class TierBook {
  private readonly titles = new Map<string, TitleTiers>();

  /**
   * What an event of the log that comes next changes; undefined where it is about a title. Whether it comes in its place
   * `evolve` knows.
   *
   * @throws AwardLogError when it does not follow from those before.
   */
  changeBy(event: AwardEvent): TierChange | undefined {
    switch (event.type) {
      case 'title_awarded':
      case 'title_revoked':
        return undefined;
      case 'tier_reached':
        return this.changeByReached(event);
      case 'tier_lost':
        return this.changeByLost(event);
      default:
        return event.type satisfies never;
    }
  }

  /**
   * Takes the next event of the log in.
   *
   * @throws AwardLogError as `changeBy`; the book is unchanged then.
   */
  take(event: AwardEvent): void {
    const change = this.changeBy(event);
    if (change !== undefined) this.replace(event, change);
  }

  held(titleId: string, scope: string, userId: string): TierHeld | undefined {
    return this.heldBy(titleId, userId).find((one) => one.scope === scope);
  }

  /** A person's tiers of a title, in each scope in which they have one. */
  heldBy(titleId: string, userId: string): readonly TierHeld[] {
    return this.titles.get(titleId)?.byUser.get(userId) ?? [];
  }

  /** A person's tiers of all titles. */
  allOf(userId: string): readonly TierHeld[] {
    return [...this.titles.keys()].flatMap((titleId) => this.heldBy(titleId, userId));
  }

  /** Everybody's tiers of a title, in no order. */
  *of(titleId: string): Iterable<TierHeld> {
    yield* this.titles.get(titleId)?.byAward.values() ?? [];
  }

  /** The titles of which anybody has a tier, and in which scopes. */
  *scopes(): Iterable<{ readonly titleId: string; readonly scope: string }> {
    for (const [titleId, { counts }] of this.titles) for (const scope of counts.keys()) yield { titleId, scope };
  }

  /** How many people have each tier, in one scope. */
  counts(titleId: string, scope: string): ReadonlyMap<Tier, number> {
    return this.titles.get(titleId)?.counts.get(scope) ?? new Map<Tier, number>();
  }

  /** The greatest version of its rule by which anybody's tier of a title was judged; 0 before the first. */
  version(titleId: string): number {
    return this.titles.get(titleId)?.version ?? 0;
  }

  private changeByReached(event: AwardEvent): TierChange {
    const { tier } = event;
    if (tier === null || !isTier(tier)) throw new AwardLogError('no_tier', event, `${String(tier)} is no tier`);
    const before = this.held(event.title_id, event.scope, event.user_id);
    if (before !== undefined && tierOrder(before.tier) >= tierOrder(tier)) {
      throw new AwardLogError('tier_not_higher', event, `${event.user_id} has ${before.tier}, not less than ${tier}`);
    }
    return { before, after: heldBy(event, event.user_id, tier) };
  }

  private changeByLost(event: AwardEvent): TierChange {
    const { remaining_tier: remaining, revokes } = event;
    const before = this.titles.get(event.title_id)?.byAward.get(revokes ?? '');
    if (before === undefined || before.scope !== event.scope) {
      throw new AwardLogError('tier_not_held', event, `by the award ${revokes ?? '(none)'} nobody has a tier`);
    }
    if (remaining === null) return { before, after: undefined };
    if (!isTier(remaining)) throw new AwardLogError('no_tier', event, `${remaining} is no tier`);
    if (tierOrder(remaining) >= tierOrder(before.tier)) {
      throw new AwardLogError('tier_not_lower', event, `${remaining} is not less than ${before.tier}`);
    }
    return { before, after: heldBy(event, before.userId, remaining) };
  }

  private replace(event: AwardEvent, { before, after }: TierChange): void {
    const title = this.titles.get(event.title_id) ?? {
      byUser: new Map<string, readonly TierHeld[]>(),
      byAward: new Map<string, TierHeld>(),
      counts: new Map<string, Map<Tier, number>>(),
      version: 0,
    };
    this.titles.set(event.title_id, title);
    title.version = Math.max(title.version, event.rule_version);
    const userId = before?.userId ?? event.user_id;
    const others = (title.byUser.get(userId) ?? []).filter((one) => one !== before);
    const own = after === undefined ? others : [...others, after];
    if (own.length === 0) title.byUser.delete(userId);
    else title.byUser.set(userId, own);
    if (before !== undefined) {
      title.byAward.delete(before.awardId);
      count(title.counts, before, -1);
    }
    if (after !== undefined) {
      title.byAward.set(after.awardId, after);
      count(title.counts, after, 1);
    }
  }
}

function count(counts: Map<string, Map<Tier, number>>, { scope, tier }: TierHeld, by: 1 | -1): void {
  const own = counts.get(scope) ?? new Map<Tier, number>();
  const people = (own.get(tier) ?? 0) + by;
  if (people === 0) own.delete(tier);
  else own.set(tier, people);
  if (own.size === 0) counts.delete(scope);
  else counts.set(scope, own);
}

const heldBy = (event: AwardEvent, userId: string, tier: Tier): TierHeld => ({
  titleId: event.title_id,
  scope: event.scope,
  userId,
  tier,
  awardId: event.award_id,
  ruleVersion: event.rule_version,
  value: event.value,
  unit: event.unit,
  sinceMs: event.evaluated_at,
  windowStartMs: event.window_start,
  windowEndMs: event.window_end,
});

/** The key of `titles.tiers.v1`: JSON, as scopes and people may hold any sign. */
export const tierKey = ({ titleId, scope, userId }: Pick<TierHeld, 'titleId' | 'scope' | 'userId'>): string =>
  JSON.stringify([titleId, scope, userId]);

/** The record of `titles.tiers.v1` under `tierKey`. */
export const titleTierOf = (held: TierHeld): TitleTier => ({
  title_id: held.titleId,
  scope: held.scope,
  user_id: held.userId,
  tier: held.tier,
  rule_version: held.ruleVersion,
  value: held.value,
  unit: held.unit,
  since: held.sinceMs,
  award_id: held.awardId,
});
