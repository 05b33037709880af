import { isEligible, type Measurement, type Standing } from './standings.js';
import { unitOf, type Eligibility, type Margin, type TitleRule } from './rule.js';
import { dwellsUntilMs, type TitleAwarded, type TitleState } from './state.js';

/** A minimum that somebody does not meet. */
export interface Lack {
  readonly minimum: keyof Eligibility;
  readonly has: number;
  readonly needs: number;
}

/** Why a person holds a title or not, at one instant. */
export interface Explanation {
  readonly titleId: string;
  readonly unit: string;
  /**
   * `holds`; `not_eligible`: see `lacks`, or a value of 0; `vacant`: eligible, and a seat is free, so the next evaluation
   * awards it; `leads`: ahead beyond the margin, so the next evaluation passes it on, unless the holder dwells; `behind`.
   */
  readonly status: 'holds' | 'not_eligible' | 'vacant' | 'leads' | 'behind';
  /** Of the metric; 0 without usage. */
  readonly value: number;
  /** From 1, among the eligible; 0 for whoever is not. */
  readonly rank: number;
  readonly lacks: readonly Lack[];
  /** The award by which they hold it. */
  readonly award: TitleAwarded | null;
  /** The holder whom they have to overtake, the weakest: the value, without a name; null where a seat is free or is their own. */
  readonly toBeat: number | null;
  /** What their value has to exceed; null likewise. Equal to it is not enough. */
  readonly beyond: number | null;
  /** Until when that holder can not be overtaken, ms since the epoch; null when they can be now. */
  readonly dwellsUntilMs: number | null;
}
const PICO_PER_CENT = 10_000_000_000n;

/**
 * @param own undefined for whoever has no usage in the window.
 * @param standings as for `decide`: of the holders at least, and of the person themselves where they have usage.
 */
export function explain(
  rule: TitleRule,
  userId: string,
  own: Measurement | undefined,
  standings: readonly Standing[],
  state: TitleState,
  nowMs: number,
): Explanation {
  const value = own?.value ?? 0;
  const rank = standings.find((one) => one.userId === userId)?.rank ?? 0;
  const award = state.holders.find((held) => held.user_id === userId) ?? null;
  const isOne = own !== undefined && isEligible(rule.eligibility, own.value, own.volume);
  const weakest =
    award === null && state.holders.length >= rule.holders
      ? standings.findLast((one) => one.eligible && state.holders.some((held) => held.user_id === one.userId))
      : undefined;
  const held = state.holders.find(({ user_id }) => user_id === weakest?.userId);
  const untilMs = held === undefined ? 0 : dwellsUntilMs(rule, held);
  const beyond = weakest === undefined ? null : leastLead(rule.margin, weakest.value);
  const status = (): Explanation['status'] => {
    if (award !== null) return 'holds';
    if (!isOne) return 'not_eligible';
    if (beyond === null) return 'vacant';
    return value > beyond ? 'leads' : 'behind';
  };
  return {
    titleId: rule.id,
    unit: unitOf(rule.metric),
    status: status(),
    value,
    rank,
    lacks: lacksOf(rule.eligibility, own),
    award,
    toBeat: weakest?.value ?? null,
    beyond,
    dwellsUntilMs: untilMs > nowMs ? untilMs : null,
  };
}

/** What a challenger's value has to exceed; see `isAheadBy`. */
function leastLead(margin: Margin, holder: number): number {
  switch (margin.kind) {
    case 'relative':
      return holder * (1 + margin.by);
    case 'remainder':
      return 1 - (1 - holder) * (1 - margin.by);
    default:
      return margin.kind satisfies never;
  }
}

function lacksOf(eligibility: Eligibility, own: Measurement | undefined): readonly Lack[] {
  const has = {
    min_tokens: Number(own?.volume.tokens ?? 0n),
    min_active_days: own?.volume.activeDays ?? 0,
    min_sessions: own?.volume.sessions ?? 0,
    min_tenure_days: own?.volume.tenureDays ?? 0,
    // In cents, rounded down.
    min_list_cost_usd: Number((own?.volume.listCost ?? 0n) / PICO_PER_CENT) / 100,
  };
  return (['min_tokens', 'min_active_days', 'min_sessions', 'min_tenure_days', 'min_list_cost_usd'] as const)
    .map((minimum): Lack => ({ minimum, has: has[minimum], needs: eligibility[minimum] }))
    .filter(({ has, needs }) => has < needs);
}
