import fc from 'fast-check';
import type { AwardEvent, UsageEvent } from '@laurel/events';
import { dayOf, windowOf, type Window } from '@laurel/usage';
import { usageEvent } from '@laurel/usage/fixture';
import { boardsOf, retiring, statesUnder } from './board.js';
import { builtInRules } from './built-in-rules.js';
import { correctedHolders } from './correction.js';
import { decide, retire } from './decide.js';
import { AwardFold, fold } from './award-fold.js';
import { factsOf, type IsLeftOut, type WindowFacts } from './metrics/facts.js';
import { groupBy } from './metrics/grouping.js';
import { measure } from './metrics/measure.js';
import { isInForce, titleRuleSchema, type Scope, type TitleRule } from './rule.js';
import { standingsByScope } from './scope.js';
import { simulate, type UsageHistory } from './simulate.js';
import type { Standing } from './standings.js';
import { isAboutTier } from './state.js';
import { decideTiers, hasTiers, retireTiers } from './tiers/decide-tiers.js';
import { peersOf, tierAfter, tierLevels, zoneOf } from './tiers/levels.js';

const HOUR_MS = 3_600_000;
const FIRST_MS = Date.UTC(2026, 4, 1);
const DAYS = 3;
const instants = Array.from({ length: DAYS * 24 }, (_, hour) => FIRST_MS + (hour + 1) * HOUR_MS);

/**
 * Usage as it had occurred by an instant, all standings of it; it counts how often it was asked. Its sketches are as sketchy as
 * they may be.
 */
class Reference implements UsageHistory {
  asked = 0;
  private readonly known = new Map<string, WindowFacts>();
  lookedAtTiers = 0;

  /** @param flagged the days of people that a rule with `fair_play` leaves out once they are over, as '<day> <user>'. */
  constructor(
    private readonly events: readonly UsageEvent[],
    private readonly flagged: ReadonlySet<string> = new Set(),
  ) {}

  /** Of an instant they are asked for again and again. */
  private facts(rule: TitleRule, window: Window, atMs: number): WindowFacts {
    const key = `${atMs} ${window.firstDay} ${window.lastDay} ${rule.fair_play !== undefined}`;
    const known = this.known.get(key) ?? this.readFacts(rule, window, atMs);
    this.known.set(key, known);
    return known;
  }

  private readFacts({ fair_play: fairPlay }: TitleRule, window: Window, atMs: number): WindowFacts {
    const before = this.events.filter(({ occurred_at }) => occurred_at < atMs);
    const isFlagged: IsLeftOut = (userId, day) => day < dayOf(atMs) && this.flagged.has(`${day} ${userId}`);
    return factsOf(before, window, undefined, fairPlay === undefined ? undefined : isFlagged);
  }

  readonly standings: UsageHistory['standings'] = (rule, window, _, atMs) => {
    this.asked += 1;
    return Promise.resolve(standingsByScope(rule, this.facts(rule, window, atMs)));
  };

  readonly value: UsageHistory['value'] = (rule, userId, window, _, atMs) => {
    const own = measure(rule.metric, this.facts(rule, window, atMs)).find((one) => one.userId === userId);
    return Promise.resolve(own?.value ?? 0);
  };

  readonly tierFigures: UsageHistory['tierFigures'] = (rule, window, tiers, atMs) => {
    this.lookedAtTiers += 1;
    const facts = this.facts(rule, window, atMs);
    const measured = measure(rule.metric, facts);
    const byScope = standingsByScope(rule, facts);
    const scopes = new Set<Scope>([...byScope.keys(), ...[...tiers.of(rule.id)].map(({ scope }) => scope as Scope)]);
    const figures = [...scopes].map((scope) => {
      const standings = byScope.get(scope) ?? [];
      const gone = [...tiers.of(rule.id)].filter(
        (held) => held.scope === scope && !standings.some(({ userId }) => userId === held.userId),
      );
      const absent = gone.map(({ userId }): Standing => {
        const own = measured.find((one) => one.userId === userId);
        return { userId, value: own?.value ?? 0, rank: 0, evidence: own?.evidence ?? {}, eligible: false };
      });
      return { scope, peers: peersOf(rule.tiers, standings), standings: [...standings, ...absent] };
    });
    return Promise.resolve(figures);
  };

  readonly mayTiersChange: UsageHistory['mayTiersChange'] = async (rule, window, tiers, atMs) =>
    (await this.tierFigures(rule, window, tiers, atMs)).some(({ scope, peers, standings }) => {
      const levels = tierLevels(rule.tiers, peers);
      return standings.some((one) => {
        const held = tiers.held(rule.id, scope, one.userId)?.tier ?? null;
        return tierAfter(levels, zoneOf(levels, one), held) !== held;
      });
    });

  readonly sketch: UsageHistory['sketch'] = (rule, window, _, atMs) => {
    const exact = standingsByScope(rule, this.facts(rule, window, atMs));
    const off = (userId: string): number => 1 + ((userId.length + atMs / HOUR_MS) % 3) * 1e-13 - 1e-13;
    return Promise.resolve(
      new Map(
        [...exact].map(([scope, standings]) => [
          scope,
          standings
            .filter(({ eligible }) => eligible)
            .map((one) => ({ ...one, value: one.value * off(one.userId), evidence: {} })),
        ]),
      ),
    );
  };
}

/** Every title at every instant, without leaving any out. */
async function naively(rules: readonly TitleRule[], history: UsageHistory): Promise<readonly AwardEvent[]> {
  const folded = new AwardFold();
  const awards: AwardEvent[] = [];
  const take = (made: readonly AwardEvent[]): void => {
    for (const award of made) folded.take(award);
    awards.push(...made);
  };
  for (const atMs of instants) {
    for (const rule of rules) {
      const own = statesUnder(rule, folded.states.values());
      if (!isInForce(rule, atMs)) {
        for (const { state, reason } of retiring([rule], own, atMs)) take(retire(state, atMs, reason));
        for (const [scope, held] of groupBy([...folded.tiers.of(rule.id)], (one) => one.scope)) {
          take(retireTiers(held, folded.state(rule.id, scope).ordinal, atMs, 'expired'));
        }
        continue;
      }
      const window = windowOf(rule.window, atMs);
      const byScope = await history.standings(rule, window, [], atMs);
      for (const board of boardsOf(rule, own, byScope)) {
        const { state, standings } = board;
        // Of days that were left out since; usage itself is never taken back here.
        const corrected = await correctedHolders(rule, board, (userId, ofAward) =>
          history.value(rule, userId, ofAward, state.scope as Scope, atMs),
        );
        take(decide({ rule, standings, window, evaluatedAtMs: atMs, corrected }, state));
      }
      if (!hasTiers(rule)) continue;
      for (const figures of await history.tierFigures(rule, window, folded.tiers, atMs)) {
        const evaluation = { rule, ...figures, window, evaluatedAtMs: atMs };
        take(decideTiers(evaluation, folded.tierState(rule.id, figures.scope)));
      }
    }
  }
  return awards;
}

async function simulated(
  rules: readonly TitleRule[],
  history: UsageHistory,
): Promise<{ readonly awards: readonly AwardEvent[]; readonly days: readonly number[] }> {
  const awards: AwardEvent[] = [];
  const days: number[] = [];
  for await (const day of simulate(rules, history, instants)) {
    awards.push(...day.awards);
    days.push(day.next);
  }
  return { awards, days };
}

const events: fc.Arbitrary<readonly UsageEvent[]> = fc
  .array(
    fc.record({
      user_id: fc.constantFrom('ada', 'bo', 'cy', 'di', 'eve', 'fay'),
      team: fc.constantFrom('red', 'blue', null),
      minute: fc.integer({ min: -DAYS * 1440, max: DAYS * 1440 - 1 }),
      model: fc.constantFrom('gpt-5', 'claude-sonnet-4-5', 'gemini-2.5-pro', 'deepseek-chat'),
      session_id: fc.constantFrom('s-1', 's-2'),
      tokens: fc.record({ input: fc.integer({ min: 1, max: 200 }), cache_read: fc.integer({ min: 0, max: 200 }) }),
    }),
    { maxLength: 80, size: 'max' },
  )
  .map((calls) =>
    calls.map(({ minute, ...fields }, index) =>
      usageEvent({ ...fields, event_id: `e-${index}`, occurred_at: FIRST_MS + minute * 60_000 }),
    ),
  );

const rules: fc.Arbitrary<readonly TitleRule[]> = fc
  .array(
    fc
      .record({
        metric: fc.constantFrom<object>(
          { kind: 'capped_tokens' },
          { kind: 'capped_tokens', daily_cap: 300 },
          { kind: 'active_days' },
          { kind: 'longest_streak', weekends: 'count' },
          { kind: 'longest_session', max_gap_minutes: 60 },
          { kind: 'effective_models' },
          { kind: 'cache_share', prior_tokens: 100 },
        ),
        window: fc.constantFrom('1d', '2d', '30d', 'week', 'all'),
        scope: fc.constantFrom('company', 'company', 'each_team'),
        holders: fc.integer({ min: 1, max: 3 }),
        margin: fc.constantFrom({ kind: 'relative', by: 0 }, { kind: 'relative', by: 0.1 }),
        dwell_hours: fc.constantFrom(0, 0, 5, 30),
        eligibility: fc.constantFrom({}, { min_tokens: 150 }, { min_active_days: 2 }, { min_sessions: 2 }),
        tiers: fc.constantFrom<object | undefined>(
          undefined,
          { by: 'value', levels: { bronze: 1, silver: 3, gold: 200, platinum: 600, emerald: 1500 } },
          { by: 'value', levels: { gold: 0.3, diamond: 0.6 }, margin: { kind: 'relative', by: 0.5 } },
          { by: 'top_per_mille', levels: { bronze: 700, gold: 300 } },
        ),
        fair_play: fc.constantFrom(undefined, { exclude: ['spike'] }),
        valid_from: fc.constantFrom(undefined, undefined, '2026-05-02'),
        valid_until: fc.constantFrom(undefined, undefined, '2026-05-02'),
      })
      .map((drawn) =>
        titleRuleSchema.parse({ id: 'drawn', name: 'Drawn', description: 'Drawn.', version: 1, ...drawn }),
      ),
    { minLength: 1, maxLength: 3 },
  )
  .map((drawn) => drawn.map((rule, index) => ({ ...rule, id: `drawn_${index}` })));

const flagged: fc.Arbitrary<ReadonlySet<string>> = fc
  .array(
    fc
      .tuple(fc.integer({ min: -DAYS, max: DAYS - 1 }), fc.constantFrom('ada', 'bo', 'cy', 'di', 'eve', 'fay'))
      .map(([day, user]) => `${dayOf(FIRST_MS) + day} ${user}`),
    { maxLength: 15, size: 'max' },
  )
  .map((days) => new Set(days));

describe('a simulation', () => {
  it('makes the awards that judging every title at every instant makes, also where days are left out', async () => {
    await fc.assert(
      fc.asyncProperty(events, rules, flagged, async (usage, drawn, days) => {
        const { awards } = await simulated(drawn, new Reference(usage, days));
        expect(awards).toEqual(await naively(drawn, new Reference(usage, days)));
        fold(awards);
      }),
      { numRuns: 100 },
    );
  });

  it('takes a title at once from whoever held it by a day that is left out, by whatever lead and however long they would dwell', async () => {
    const usage = [
      usageEvent({ user_id: 'ada', event_id: 'a', occurred_at: FIRST_MS, tokens: { input: 100 } }),
      usageEvent({ user_id: 'ada', event_id: 'b', occurred_at: FIRST_MS - 86_400_000, tokens: { input: 50 } }),
      usageEvent({ user_id: 'bo', event_id: 'c', occurred_at: FIRST_MS, tokens: { input: 51 } }),
    ];
    const [tokenLegend] = builtInRules;
    const rule: TitleRule = { ...tokenLegend, dwell_hours: 300, margin: { kind: 'relative', by: 0.1 } };
    const { awards } = await simulated([rule], new Reference(usage, new Set([`${dayOf(FIRST_MS)} ada`])));
    expect(awards.map(({ type, user_id, reason, evaluated_at }) => [type, user_id, reason, evaluated_at])).toEqual([
      ['title_awarded', 'ada', 'vacant', FIRST_MS + HOUR_MS],
      ['title_revoked', 'ada', 'corrected', FIRST_MS + 24 * HOUR_MS],
      ['title_awarded', 'bo', 'overtook', FIRST_MS + 24 * HOUR_MS],
    ]);
  });

  it('judges only where a sketch says that a title may change', async () => {
    const steadily = Array.from({ length: DAYS * 24 }, (_, hour) =>
      ['ada', 'bo'].map((user_id, index) =>
        usageEvent({
          user_id,
          event_id: `e-${hour}-${index}`,
          occurred_at: FIRST_MS + hour * HOUR_MS,
          tokens: { input: index === 0 ? 1000 : 10 },
        }),
      ),
    ).flat();
    const history = new Reference(steadily);
    const [tokenLegend] = builtInRules;
    const { awards } = await simulated([tokenLegend], history);
    expect(awards.map(({ user_id }) => user_id)).toEqual(['ada']);
    expect(history.asked).toBe(1);
  });

  it('leaves out the hours of a day in which nobody’s tier by value can change', async () => {
    const daily = Array.from({ length: DAYS * 24 }, (_, hour) =>
      usageEvent({
        user_id: 'ada',
        event_id: `e-${hour}`,
        occurred_at: FIRST_MS + hour * HOUR_MS,
        tokens: { input: 100 },
      }),
    );
    const rule = titleRuleSchema.parse({
      ...builtInRules[0],
      tiers: { by: 'value', levels: { bronze: 100, gold: 3000 } },
    });
    const history = new Reference(daily);
    const { awards } = await simulated([rule], history);
    const tiers = awards.filter(isAboutTier).map(({ tier, evaluated_at }) => [tier, evaluated_at]);
    expect(tiers).toEqual([
      ['bronze', FIRST_MS + HOUR_MS],
      ['gold', FIRST_MS + 30 * HOUR_MS],
    ]);
    // Each day's first and last instant, and on the second day every one.
    expect(history.lookedAtTiers).toBe(2 + (1 + 24) + 2 + 1);
  });

  it('tells of each day’s end, in the order of the days', async () => {
    const { days } = await simulated([builtInRules[0]], new Reference([]));
    expect(days).toEqual([23, 47, 71, 72]);
  });
});
