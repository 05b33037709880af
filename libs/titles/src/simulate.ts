import type { AwardEvent } from '@laurel/events';
import { dayOf, windowOf, type Window } from '@laurel/usage';
import { AwardFold } from './award-fold.js';
import { boardsOf, holdersAmong, retiring, statesUnder, type Board } from './board.js';
import { correctedHolders, mayBeCorrected } from './correction.js';
import { decide, retire } from './decide.js';
import { groupBy } from './metrics/grouping.js';
import { isRising } from './metrics/rising.js';
import { isInForce, type Scope, type TitleRule } from './rule.js';
import type { Standing } from './standings.js';
import { decideTiers, hasTiers, retireTiers, type TieredRule, type TierFigures } from './tiers/decide-tiers.js';
import type { TierBook } from './tiers/tier-book.js';

/** Usage as it was known at earlier times. */
export interface UsageHistory {
  /**
   * The standings on which a decision at that instant rests, see `Evaluation`; of usage before it alone.
   *
   * @param holders present ones, whose own standings are among them while they have usage in the window.
   */
  standings(
    rule: TitleRule,
    window: Window,
    holders: readonly string[],
    atMs: number,
  ): Promise<ReadonlyMap<Scope, readonly Standing[]>>;
  /** The same, as soon as it can be had: without evidence, values up to 1e-12 off, and nobody who is not eligible. */
  sketch: UsageHistory['standings'];
  /** One person's value over a window, of usage before an instant and by what was known of it then; 0 of nothing. */
  value(rule: TitleRule, userId: string, window: Window, scope: Scope, atMs: number): Promise<number>;
  /** Likewise the figures of whoever may reach or lose a tier at that instant, and of others perhaps; [] when nobody may. */
  tierFigures(rule: TieredRule, window: Window, tiers: TierBook, atMs: number): Promise<readonly TierFigures[]>;
  /** Whether there would be any. */
  mayTiersChange(rule: TieredRule, window: Window, tiers: TierBook, atMs: number): Promise<boolean>;
}

/** The awards of one UTC day of a simulation. */
export interface SimulatedDay {
  /** In the order of time, and of the rules at one instant. */
  readonly awards: readonly AwardEvent[];
  /** The number of the next day's first instant. */
  readonly next: number;
}

/**
 * The awards that rules would have made, had they been evaluated at each of these instants and nobody held a title or had a tier
 * before; day by day, as there may be many.
 *
 * It is what title-awarder does at each tick, by the same functions. An evaluation is left out only where it is certain to
 * change nothing, see `SimulatedTitle`.
 *
 * @param instants ms since the epoch, ascending.
 */
export async function* simulate(
  rules: readonly TitleRule[],
  history: UsageHistory,
  instants: readonly number[],
): AsyncGenerator<SimulatedDay, void, undefined> {
  const titles = rules.map((rule) => new SimulatedTitle(rule, history));
  let next = 0;
  for (const ofDay of groupBy(instants, dayOf).values()) {
    const made: AwardEvent[] = [];
    for (const title of titles) made.push(...(await title.day(ofDay)));
    next += ofDay.length;
    // Stable: of one instant they stay in the order of the rules.
    yield { awards: made.sort((a, b) => a.evaluated_at - b.evaluated_at), next };
  }
}

/** Far more than a sketch's values are off, far less than any margin that matters. Relative. */
const SKETCHY = 1e-9;

/**
 * One title through time.
 *
 * Each instant is first looked at by a sketch, a little in the challengers' favour: where nothing changes by it, nothing does.
 *
 * Within a UTC day a window stays the same and usage is only added, so that the values of most metrics only rise: where after the first
 * instant nobody's tier by value would change at the last, nobody's changes before it. Not in a title of each team, as people
 * may change teams during a day.
 */
class SimulatedTitle {
  private readonly fold = new AwardFold();
  private readonly undwelt: TitleRule;

  constructor(
    private readonly rule: TitleRule,
    private readonly history: UsageHistory,
  ) {
    // Of two holders another one may be the weakest by a sketch, and the one who dwells would hide the other.
    this.undwelt = { ...rule, dwell_hours: 0 };
  }

  /** @param instants of one UTC day. */
  async day(instants: readonly number[]): Promise<readonly AwardEvent[]> {
    const [first] = instants;
    if (first === undefined) return [];
    if (!isInForce(this.rule, first)) return this.retire(first);
    const isRisingInADay = this.rule.scope === 'company' && isRising(this.rule.metric.kind);
    const awards: AwardEvent[] = [];
    let tiersAt = 0;
    for (const [index, atMs] of instants.entries()) {
      const sketch = await this.history.sketch(this.rule, this.window(atMs), this.holders(), atMs);
      if (this.mayChange(sketch, atMs)) awards.push(...(await this.judge(atMs)));
      if (hasTiers(this.rule) && index === tiersAt) {
        awards.push(...(await this.judgeTiers(this.rule, atMs)));
        const isLooking = index === 0 && isRisingInADay && this.rule.tiers.by === 'value';
        tiersAt += 1 + (isLooking ? await this.quietTiers(this.rule, instants.slice(1)) : 0);
      }
    }
    return awards;
  }

  private async judge(atMs: number): Promise<readonly AwardEvent[]> {
    const standings = await this.history.standings(this.rule, this.window(atMs), this.holders(), atMs);
    const awards: AwardEvent[] = [];
    for (const board of this.boards(standings)) {
      const corrected = await this.corrected(board, atMs);
      const evaluation = {
        rule: this.rule,
        standings: board.standings,
        window: this.window(atMs),
        evaluatedAtMs: atMs,
      };
      awards.push(...this.take(decide({ ...evaluation, corrected }, board.state)));
    }
    return awards;
  }

  /** Usage itself is never corrected here; but a day may be left out when it is over. */
  private async corrected(board: Board, atMs: number): Promise<ReadonlySet<string>> {
    if (this.rule.fair_play === undefined) return new Set();
    return correctedHolders(this.rule, board, (userId, window) =>
      this.history.value(this.rule, userId, window, board.state.scope as Scope, atMs),
    );
  }

  private async judgeTiers(rule: TieredRule, atMs: number): Promise<readonly AwardEvent[]> {
    const window = this.window(atMs);
    const figures = await this.history.tierFigures(rule, window, this.fold.tiers, atMs);
    return figures.flatMap((own) =>
      this.take(decideTiers({ rule, ...own, window, evaluatedAtMs: atMs }, this.fold.tierState(rule.id, own.scope))),
    );
  }

  private retire(atMs: number): readonly AwardEvent[] {
    const awards = retiring([this.rule], this.fold.states.values(), atMs).flatMap(({ state, reason }) =>
      this.take(retire(state, atMs, reason)),
    );
    const held = [...this.fold.tiers.of(this.rule.id)];
    for (const [scope, own] of groupBy(held, (one) => one.scope)) {
      const { ordinal } = this.fold.state(this.rule.id, scope);
      awards.push(...this.take(retireTiers(own, ordinal, atMs, 'expired')));
    }
    return awards;
  }

  private readonly window = (atMs: number): Window => windowOf(this.rule.window, atMs);

  private readonly holders = (): readonly string[] => holdersAmong(statesUnder(this.rule, this.fold.states.values()));

  private readonly boards = (standings: ReadonlyMap<Scope, readonly Standing[]>): readonly Board[] =>
    boardsOf(this.rule, [...this.fold.states.values()], standings);

  private mayChange(sketch: ReadonlyMap<Scope, readonly Standing[]>, atMs: number): boolean {
    return this.boards(sketch).some(({ state, standings }) => {
      const held = new Set(holdersAmong([state]));
      const lenient = standings.map((one) => ({
        ...one,
        value: one.value * (held.has(one.userId) ? 1 - SKETCHY : 1 + SKETCHY),
      }));
      const evaluation = { rule: this.undwelt, standings: lenient, window: this.window(atMs), evaluatedAtMs: atMs };
      return (
        decide({ ...evaluation, corrected: this.perhapsCorrected({ state, standings: lenient }) }, state).length > 0
      );
    });
  }

  private perhapsCorrected({ state, standings }: Board): ReadonlySet<string> {
    if (this.rule.fair_play === undefined) return new Set();
    const perhaps = state.holders.filter((award) => mayBeCorrected(this.rule, award, standings));
    return new Set(perhaps.map(({ user_id: userId }) => userId));
  }

  private take(awards: readonly AwardEvent[]): readonly AwardEvent[] {
    for (const award of awards) this.fold.take(award);
    return awards;
  }

  /** At how many of the next instants of the same day nobody's tier changes for certain: of all or of none. */
  private async quietTiers(rule: TieredRule, instants: readonly number[]): Promise<number> {
    const last = instants.at(-1);
    if (last === undefined) return 0;
    return (await this.history.mayTiersChange(rule, this.window(last), this.fold.tiers, last)) ? 0 : instants.length;
  }
}
