import { isInForce, type Scope, type TitleRule } from './rule.js';
import { isScopeOf } from './scope.js';
import type { Standing } from './standings.js';
import { neverAwarded, type TitleState } from './state.js';

/** One title in one scope, as it is to be judged. */
export interface Board {
  readonly state: TitleState;
  readonly standings: readonly Standing[];
}

/** Of all states those that a rule goes on from. */
export const statesUnder = (rule: Pick<TitleRule, 'id' | 'scope'>, states: Iterable<TitleState>): TitleState[] =>
  [...states].filter((state) => state.titleId === rule.id && isScopeOf(rule, state.scope));

export const holdersAmong = (states: readonly TitleState[]): string[] =>
  states.flatMap((state) => state.holders.map((award) => award.user_id));

/** Every scope in which a title has standings or was awarded. */
export function boardsOf(
  rule: Pick<TitleRule, 'id' | 'scope'>,
  states: readonly TitleState[],
  byScope: ReadonlyMap<Scope, readonly Standing[]>,
): readonly Board[] {
  const known = new Map(states.map((state) => [state.scope, state]));
  const scopes = new Set([...byScope.keys(), ...known.keys()]);
  return [...scopes].map((scope) => ({
    state: known.get(scope) ?? neverAwarded(rule.id, scope as Scope),
    standings: byScope.get(scope as Scope) ?? [],
  }));
}

/** The states whose holders lose their title because no rule is in force any more by which they hold it, and why. */
export function retiring(
  rules: readonly TitleRule[],
  states: Iterable<TitleState>,
  nowMs: number,
): readonly { readonly state: TitleState; readonly reason: 'rule_removed' | 'expired' }[] {
  return [...states]
    .filter(({ holders }) => holders.length > 0)
    .flatMap((state) => {
      const own = rules.filter((rule) => rule.id === state.titleId && isScopeOf(rule, state.scope));
      if (own.some((rule) => isInForce(rule, nowMs))) return [];
      return [{ state, reason: own.length > 0 ? 'expired' : 'rule_removed' }];
    });
}

/** Why the tiers of a title are all lost in a scope: no rule is in force any more by which anybody has them. */
export type TiersEnd = 'rule_removed' | 'rule_changed' | 'expired';

/** Undefined where a rule with tiers is in force. */
export function tiersEnd(
  rules: readonly TitleRule[],
  { titleId, scope }: { readonly titleId: string; readonly scope: string },
  nowMs: number,
): TiersEnd | undefined {
  const own = rules.filter((rule) => rule.id === titleId && isScopeOf(rule, scope));
  const current = own.filter((rule) => isInForce(rule, nowMs));
  if (current.some((rule) => rule.tiers !== undefined)) return undefined;
  if (current.length > 0) return 'rule_changed';
  return own.length > 0 ? 'expired' : 'rule_removed';
}
