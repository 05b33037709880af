import type { AwardEvent, AwardReason } from '@laurel/events';
import { compareUtf8, type Window } from '@laurel/usage';
import { awardIdOf } from '../award-id.js';
import { isLoweredByCorrection } from '../correction.js';
import { real, whole, type Evidence } from '../evidence.js';
import { unitOf, type Scope, type TitleRule } from '../rule.js';
import type { Standing } from '../standings.js';
import { tierAfter, tierLevels, zoneOf, type Peers, type TierLevel } from './levels.js';
import { tierOrder, type Tier, type Tiers } from './tier.js';
import type { TierHeld } from './tier-book.js';

/** A rule with tiers. */
export type TieredRule = TitleRule & { readonly tiers: Tiers };

export const hasTiers = (rule: TitleRule): rule is TieredRule => rule.tiers !== undefined;

/** Some people's figures of one title in one scope. */
export interface TierFigures {
  readonly scope: Scope;
  readonly peers: Peers;
  /**
   * Of some people, each once: whoever is not among them keeps what they have. Whoever does not stand in this scope has rank 0, and
   * the value that they have all the same.
   */
  readonly standings: readonly Standing[];
}

/** They at one tick. */
export interface TierEvaluation extends TierFigures {
  readonly rule: TieredRule;
  readonly window: Pick<Window, 'startMs' | 'endMs'>;
  readonly evaluatedAtMs: number;
  /** As in `Evaluation`: they have no tier, and no event names them. */
  readonly isWithheld?: (userId: string) => boolean;
}

/** What is known of a scope's tiers before a decision. */
export interface TierState {
  /** The next award event's, as `TitleState.ordinal`. */
  readonly ordinal: number;
  /** The greatest version of the rule that the title or a tier was judged by. */
  readonly ruleVersion: number;
  readonly heldBy: (userId: string) => TierHeld | undefined;
}

/**
 * Decides who reaches and who loses a tier, as events in the order of user ids (by their bytes); [] when nobody does. Each person by themselves: what is decided of
 * one depends on nobody else but by `peers`. One event for one person at most: `tier_reached` names the highest tier reached, `tier_lost` the one
 * that they had, and what remains of it.
 *
 * 0. Nobody does where the title was last judged by a later version of the rule: whoever asks has an old one in hand.
 * 1. Whoever is withheld loses the tier, and is not named (`withheld`).
 * 2. Whoever is not eligible loses it (`not_eligible`).
 * 3. Otherwise as `tierAfter` says: `above_threshold`, or `below_threshold`; `corrected` where the value has fallen in the very window
 *    in which it was reached, though more usage can't lower it; `rule_changed` where it has not fallen, but the rule is another one.
 *
 * A new version of a rule moves the thresholds, and no more: whoever stays in their tier has no event.
 */
export function decideTiers(evaluation: TierEvaluation, state: TierState): AwardEvent[] {
  const { rule, peers } = evaluation;
  if (rule.version < state.ruleVersion) return [];
  const levels = tierLevels(rule.tiers, peers);
  const events: AwardEvent[] = [];
  const standings = [...evaluation.standings].sort((a, b) => compareUtf8(a.userId, b.userId));
  for (const standing of standings) {
    const held = state.heldBy(standing.userId);
    const change = changeOf(evaluation, levels, standing, held);
    if (change === undefined) continue;
    const ordinal = state.ordinal + events.length;
    events.push({
      award_id: awardIdOf(rule.id, evaluation.scope, ordinal),
      ordinal,
      title_id: rule.id,
      rule_version: rule.version,
      scope: evaluation.scope,
      unit: unitOf(rule.metric),
      runner_up: null,
      window_start: evaluation.window.startMs,
      window_end: evaluation.window.endMs,
      evaluated_at: evaluation.evaluatedAtMs,
      previous_holder: null,
      ...change,
    });
  }
  return events;
}

/** What an event says of the one person. */
type Change = Pick<
  AwardEvent,
  'type' | 'user_id' | 'rank' | 'tier' | 'remaining_tier' | 'value' | 'revokes' | 'reason' | 'evidence'
>;

function changeOf(
  evaluation: TierEvaluation,
  levels: readonly TierLevel[],
  standing: Standing,
  held: TierHeld | undefined,
): Change | undefined {
  const { userId, rank, value } = standing;
  if (evaluation.isWithheld?.(userId) ?? false) return held === undefined ? undefined : withheld(held);
  const before = held?.tier ?? null;
  const after = tierAfter(levels, zoneOf(levels, standing), before);
  if (after === before) return undefined;
  const person = { user_id: userId, rank, value };
  if (held === undefined || (after !== null && tierOrder(after) > tierOrder(held.tier))) {
    return {
      type: 'tier_reached',
      ...person,
      tier: after,
      remaining_tier: null,
      revokes: null,
      reason: 'above_threshold',
      evidence: evidenceOf(evaluation, levels, standing, after),
    };
  }
  return {
    type: 'tier_lost',
    ...person,
    tier: held.tier,
    remaining_tier: after,
    revokes: held.awardId,
    reason: reasonOfLoss(evaluation, standing, held),
    evidence: evidenceOf(evaluation, levels, standing, held.tier),
  };
}

const withheld = (held: TierHeld): Change => ({
  type: 'tier_lost',
  user_id: '',
  rank: 0,
  tier: null,
  remaining_tier: null,
  value: 0,
  revokes: held.awardId,
  reason: 'withheld',
  evidence: {},
});

function reasonOfLoss({ rule, window }: TierEvaluation, { eligible, value }: Standing, held: TierHeld): AwardReason {
  const isSameRule = held.ruleVersion === rule.version;
  const isSameWindow = held.windowStartMs === window.startMs && held.windowEndMs === window.endMs;
  if (isSameRule && isSameWindow && isLoweredByCorrection(rule.metric.kind, held.value, value)) return 'corrected';
  if (!eligible) return 'not_eligible';
  const hasFallen = held.unit === unitOf(rule.metric) && value < held.value;
  return isSameRule || hasFallen ? 'below_threshold' : 'rule_changed';
}

/**
 * The metric's own evidence, and what makes a tier of the value: `tier_threshold` by value; by part `peers_people`, how many are eligible in the
 * scope, and `peers_threshold`, the value of the last one within the tier's part. With the rank and the rule of that version
 * that suffices to judge again. Nothing of a tier that the rule does not have any more.
 */
function evidenceOf(
  { rule, peers }: TierEvaluation,
  levels: readonly TierLevel[],
  standing: Standing,
  tier: Tier | null,
): Evidence {
  const level = levels.find((one) => one.tier === tier);
  if (level === undefined) return standing.evidence;
  const threshold = Number.isSafeInteger(level.threshold) ? whole(level.threshold) : real(level.threshold);
  return rule.tiers.by === 'value'
    ? { ...standing.evidence, tier_threshold: threshold }
    : {
        ...standing.evidence,
        peers_people: whole(peers.people),
        ...(Number.isFinite(level.threshold) ? { peers_threshold: threshold } : {}),
      };
}

/**
 * Takes tiers away whose rule is gone (`rule_removed`), has no tiers any more (`rule_changed`) or is no longer valid
 * (`expired`): with the value, unit, version and window of their award, as there is nothing left to judge by; rank 0, no evidence. Of
 * somebody who is withheld nothing is said.
 *
 * @param held of one title in one scope; the events are in the order of user ids.
 */
export function retireTiers(
  held: readonly TierHeld[],
  ordinal: number,
  evaluatedAtMs: number,
  reason: 'rule_removed' | 'rule_changed' | 'expired',
  isWithheld: (userId: string) => boolean = () => false,
): AwardEvent[] {
  return [...held]
    .sort((a, b) => compareUtf8(a.userId, b.userId))
    .map((one, index): AwardEvent => ({
      award_id: awardIdOf(one.titleId, one.scope, ordinal + index),
      ordinal: ordinal + index,
      title_id: one.titleId,
      rule_version: one.ruleVersion,
      scope: one.scope,
      unit: one.unit,
      runner_up: null,
      window_start: one.windowStartMs,
      window_end: one.windowEndMs,
      evaluated_at: evaluatedAtMs,
      previous_holder: null,
      ...(isWithheld(one.userId)
        ? withheld(one)
        : {
            type: 'tier_lost',
            user_id: one.userId,
            rank: 0,
            tier: one.tier,
            remaining_tier: null,
            value: one.value,
            revokes: one.awardId,
            reason,
            evidence: {},
          }),
    }));
}
