import type { AwardEvent, AwardReason } from '@laurel/events';
import type { Window } from '@laurel/usage';
import { awardIdOf } from './award-id.js';
import { evolve } from './evolve.js';
import { isAheadBy } from './margin.js';
import { unitOf, type TitleRule } from './rule.js';
import { compareStandings, type Standing } from './standings.js';
import { dwellsUntilMs, type TitleAwarded, type TitleState } from './state.js';

/** One tick's figures for one title in one scope. */
export interface Evaluation {
  readonly rule: TitleRule;
  /**
   * In any order: at least the best `standingsNeeded(rule)` of the eligible, and each present holder's own standing.
   * A holder who is absent has no usage left in the window.
   */
  readonly standings: readonly Standing[];
  readonly window: Pick<Window, 'startMs' | 'endMs'>;
  readonly evaluatedAtMs: number;
  /**
   * Holders whose figures a revision, retraction or erasure has lowered since their award, as the caller has shown
   * (see `isLoweredByCorrection`). Standings alone can't tell that from a window that slid on, so without this the
   * reason is `overtaken` or `not_eligible`, which is true as well.
   */
  readonly corrected?: ReadonlySet<string>;
  /**
   * People who are erased or hidden, whatever the standings still say: they can hold nothing, lose what they hold
   * (`withheld`), and no event names them any more, nor says a figure of theirs.
   */
  readonly isWithheld?: (userId: string) => boolean;
}

/**
 * Decides what changes hands, as events in the order in which they are to be written; [] when nothing does.
 *
 * 0. Nothing does where the title was last judged by a later version: whoever asks has an old rule in hand.
 * 1. A holder who is not eligible, or has no standing, loses the title (`not_eligible`, or `corrected`; `withheld`, without a
 *    name, when they are not to be named).
 * 2. A holder by another version of the rule is judged anew and without margin: the title is revoked and at once
 *    awarded to the best (`rule_changed`, both), who may be the same person. The pair is written even then: the award
 *    says which version was followed, and without it every later tick would be judged without margin too.
 * 3. Empty seats go to the best eligible people (`vacant`; `previous_holder` names whose seat it was, if somebody's).
 * 4. The best challenger takes the title from the weakest holder when ahead by more than the margin (`overtaken`,
 *    then `overtook`), unless that holder has had it for less than the rule's `dwell_hours`. Against a holder in
 *    `corrected` any lead suffices at any time, as the incumbency was not earned.
 *
 * On equal values the present holder keeps the title; among others the smaller user id goes first. A revocation
 * always precedes the award that it makes room for.
 *
 * @throws RangeError when the standings contradict themselves or are of another title: a bug of the caller.
 */
export function decide(evaluation: Evaluation, state: TitleState): AwardEvent[] {
  const { rule, evaluatedAtMs } = evaluation;
  if (rule.id !== state.titleId) throw new RangeError(`the rule is ${rule.id}, the state ${state.titleId}`);
  if (rule.version < state.ruleVersion) return [];
  const isWithheld = evaluation.isWithheld ?? (() => false);
  const standings = byUser(evaluation.standings.filter(({ userId }) => !isWithheld(userId)));
  const ranked = [...standings.values()].filter((one) => one.eligible).sort(compareStandings);
  const isCorrected = (userId: string): boolean => evaluation.corrected?.has(userId) ?? false;

  let current = state;
  const events: AwardEvent[] = [];
  const write = (event: AwardEvent): void => {
    current = evolve(current, event);
    events.push(event);
  };
  const revoke = (award: TitleAwarded, reason: AwardReason): void => {
    const standing = standings.get(award.user_id) ?? absent(award.user_id);
    write(
      isWithheld(award.user_id)
        ? revoked(evaluation, current, award, absent(''), 'withheld')
        : revoked(evaluation, current, award, standing, reason),
    );
  };
  const award = (to: Standing, reason: AwardReason, previousHolder: string | null): void =>
    write({
      ...eventAbout(evaluation, current, to, reason),
      type: 'title_awarded',
      runner_up: runnerUp(ranked, to),
      previous_holder: previousHolder === null || isWithheld(previousHolder) ? null : previousHolder,
      revokes: null,
    });

  const rejudged = new Set<string>();
  const vacated: string[] = [];
  for (const held of state.holders) {
    const { user_id: userId, rule_version: version } = held;
    const isEligible = standings.get(userId)?.eligible ?? false;
    if (!isEligible) {
      revoke(held, isCorrected(userId) ? 'corrected' : 'not_eligible');
      vacated.push(userId);
    } else if (version !== rule.version || state.holders.length > rule.holders) {
      revoke(held, 'rule_changed');
      rejudged.add(userId);
    }
  }

  const seats = bestFor(rule.holders - current.holders.length, ranked, current.holders, rejudged);
  const seated = new Set(seats.map((one) => one.userId));
  const unseated = [...[...rejudged].filter((userId) => !seated.has(userId)), ...vacated];
  for (const seat of seats) {
    const previous = rejudged.has(seat.userId) ? seat.userId : (unseated.shift() ?? null);
    award(seat, previous !== null && rejudged.has(previous) ? 'rule_changed' : 'vacant', previous);
  }

  for (;;) {
    const challenger = ranked.find((one) => !isHolder(current.holders, one.userId));
    if (challenger === undefined) break;
    const weakest = ranked.findLast(
      (one) =>
        isHolder(current.holders, one.userId) &&
        (isCorrected(one.userId) ? challenger.value > one.value : isAheadBy(rule.margin, challenger.value, one.value)),
    );
    const loser = current.holders.find((held) => held.user_id === weakest?.userId);
    if (loser === undefined) break;
    // Nobody else loses in its place, or the better of two would go for being there longer.
    if (!isCorrected(loser.user_id) && evaluatedAtMs < dwellsUntilMs(rule, loser)) break;
    revoke(loser, isCorrected(loser.user_id) ? 'corrected' : 'overtaken');
    award(challenger, 'overtook', loser.user_id);
  }
  return events;
}

const isHolder = (holders: readonly TitleAwarded[], userId: string): boolean =>
  holders.some((award) => award.user_id === userId);

/** The best people without the title; of equal ones those who held it until now go first. */
function bestFor(
  seats: number,
  ranked: readonly Standing[],
  holders: readonly TitleAwarded[],
  rejudged: ReadonlySet<string>,
): Standing[] {
  if (seats <= 0) return [];
  return ranked
    .filter((one) => !isHolder(holders, one.userId))
    .sort(
      (a, b) =>
        b.value - a.value || Number(rejudged.has(b.userId)) - Number(rejudged.has(a.userId)) || compareStandings(a, b),
    )
    .slice(0, seats);
}

/** The greatest value among other people that is not above the winner's own; null when there is none. */
function runnerUp(ranked: readonly Standing[], winner: Standing): number | null {
  return ranked.find((one) => one.userId !== winner.userId && one.value <= winner.value)?.value ?? null;
}

const absent = (userId: string): Standing => ({ userId, value: 0, rank: 0, evidence: {}, eligible: false });

function byUser(standings: readonly Standing[]): ReadonlyMap<string, Standing> {
  const users = new Map<string, Standing>();
  for (const one of standings) {
    // Below 0 where caching has cost more than it saved.
    if (!Number.isFinite(one.value) || (one.eligible && one.value <= 0) || one.eligible !== one.rank > 0) {
      throw new RangeError(`the standing of ${one.userId} is not one: value ${one.value}, rank ${one.rank}`);
    }
    const known = users.get(one.userId);
    if (known !== undefined && (known.value !== one.value || known.rank !== one.rank)) {
      throw new RangeError(`${one.userId} has two different standings`);
    }
    users.set(one.userId, one);
  }
  return users;
}

function eventAbout(
  { rule, window, evaluatedAtMs }: Evaluation,
  state: TitleState,
  { userId, rank, value, evidence }: Standing,
  reason: AwardReason,
): Omit<AwardEvent, 'type' | 'runner_up' | 'previous_holder' | 'revokes'> {
  return {
    award_id: awardIdOf(state.titleId, state.scope, state.ordinal),
    ordinal: state.ordinal,
    title_id: state.titleId,
    rule_version: rule.version,
    scope: state.scope,
    user_id: userId,
    rank,
    tier: null,
    remaining_tier: null,
    value,
    unit: unitOf(rule.metric),
    window_start: window.startMs,
    window_end: window.endMs,
    evaluated_at: evaluatedAtMs,
    reason,
    evidence,
  };
}

/** A revocation carries the person's present value, rank and evidence, so that they can see why. */
function revoked(
  evaluation: Evaluation,
  state: TitleState,
  award: TitleAwarded,
  standing: Standing,
  reason: AwardReason,
): AwardEvent {
  return {
    ...eventAbout(evaluation, state, standing, reason),
    type: 'title_revoked',
    runner_up: null,
    previous_holder: null,
    revokes: award.award_id,
  };
}

/**
 * Takes a title from all its holders when its rule is gone (`rule_removed`) or no longer valid (`expired`): with the value,
 * unit, version, window and evidence of their award, as there is nothing left to judge them by; rank 0. Of somebody who is
 * withheld nothing is said.
 */
export function retire(
  state: TitleState,
  evaluatedAtMs: number,
  reason: 'rule_removed' | 'expired',
  isWithheld: (userId: string) => boolean = () => false,
): AwardEvent[] {
  return state.holders.map((award, index) => {
    const ordinal = state.ordinal + index;
    return {
      ...award,
      ...(isWithheld(award.user_id) ? { user_id: '', value: 0, evidence: {} } : {}),
      award_id: awardIdOf(state.titleId, state.scope, ordinal),
      ordinal,
      type: 'title_revoked',
      rank: 0,
      runner_up: null,
      previous_holder: null,
      revokes: award.award_id,
      evaluated_at: evaluatedAtMs,
      reason: isWithheld(award.user_id) ? 'withheld' : reason,
    };
  });
}
