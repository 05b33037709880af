import fc from 'fast-check';
import type { AwardEvent, UsageEvent } from '@laurel/events';
import { dayOf, windowOf } from '@laurel/usage';
import { usageEvent } from '@laurel/usage/fixture';
import { boardsOf, retiring, statesUnder } from './board.js';
import { builtInRules } from './built-in-rules.js';
import { decide, retire } from './decide.js';
import { evolve, fold } from './evolve.js';
import { factsOf } from './metrics/facts.js';
import { isInForce, titleRuleSchema, type TitleRule } from './rule.js';
import { standingsByScope } from './scope.js';
import { simulate, type UsageHistory } from './simulate.js';
import { titleKey, type TitleState } from './state.js';

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
  sketched = 0;

  constructor(private readonly events: readonly UsageEvent[]) {}

  readonly standings: UsageHistory['standings'] = (rule, window, _, atMs) => {
    this.asked += 1;
    const before = this.events.filter(({ occurred_at }) => occurred_at < atMs);
    return Promise.resolve(standingsByScope(rule, factsOf(before, window)));
  };

  readonly sketch: UsageHistory['sketch'] = async (rule, window, holders, atMs) => {
    this.sketched += 1;
    this.asked -= 1;
    const exact = await this.standings(rule, window, holders, atMs);
    const off = (userId: string): number => 1 + ((userId.length + atMs / HOUR_MS) % 3) * 1e-13 - 1e-13;
    return new Map(
      [...exact].map(([scope, standings]) => [
        scope,
        standings
          .filter(({ eligible }) => eligible)
          .map((one) => ({ ...one, value: one.value * off(one.userId), evidence: {} })),
      ]),
    );
  };
}

/** Every title at every instant, without leaving any out. */
async function naively(rules: readonly TitleRule[], history: UsageHistory): Promise<readonly AwardEvent[]> {
  let states: ReadonlyMap<string, TitleState> = new Map();
  const awards: AwardEvent[] = [];
  const take = (state: TitleState, made: readonly AwardEvent[]): void => {
    if (made.length > 0) states = new Map(states).set(titleKey(state), made.reduce(evolve, state));
    awards.push(...made);
  };
  for (const atMs of instants) {
    for (const rule of rules) {
      if (!isInForce(rule, atMs)) {
        const own = statesUnder(rule, states.values());
        for (const { state, reason } of retiring([rule], own, atMs)) take(state, retire(state, atMs, reason));
        continue;
      }
      const window = windowOf(rule.window, atMs);
      const byScope = await history.standings(rule, window, [], atMs);
      for (const { state, standings } of boardsOf(rule, statesUnder(rule, states.values()), byScope)) {
        take(state, decide({ rule, standings, window, evaluatedAtMs: atMs }, state));
      }
    }
  }
  return awards;
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
        valid_from: fc.constantFrom(undefined, undefined, '2026-05-02'),
        valid_until: fc.constantFrom(undefined, undefined, '2026-05-02'),
      })
      .map((drawn) =>
        titleRuleSchema.parse({ id: 'drawn', name: 'Drawn', description: 'Drawn.', version: 1, ...drawn }),
      ),
    { minLength: 1, maxLength: 3 },
  )
  .map((drawn) => drawn.map((rule, index) => ({ ...rule, id: `drawn_${index}` })));

describe('a simulation', () => {
  it('makes the awards that judging every title at every instant makes', async () => {
    await fc.assert(
      fc.asyncProperty(events, rules, async (usage, drawn) => {
        const made = await simulate(drawn, new Reference(usage), instants);
        expect(made).toEqual(await naively(drawn, new Reference(usage)));
        fold(made);
      }),
      { numRuns: 100 },
    );
  });

  it('leaves out the hours of a day in which a title that only rises can’t change', async () => {
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
    const made = await simulate([tokenLegend], history, instants);
    expect(made.map(({ user_id }) => user_id)).toEqual(['ada']);
    // The first and last instant of each UTC day, and the only one of the day after.
    expect([history.sketched, history.asked]).toEqual([2 * DAYS + 1, 1]);
    expect(new Set(instants.map(dayOf)).size).toBe(DAYS + 1);
  });

  it('asks for no instant twice while a lead is open', async () => {
    const neckAndNeck = Array.from({ length: DAYS * 24 }, (_, hour) =>
      ['ada', 'bo'].map((user_id, index) =>
        usageEvent({
          user_id,
          event_id: `e-${hour}-${index}`,
          occurred_at: FIRST_MS + hour * HOUR_MS,
          tokens: { input: 1000 - index },
        }),
      ),
    ).flat();
    const history = new Reference(neckAndNeck);
    await simulate([builtInRules[0]], history, instants);
    expect(history.sketched).toBeLessThanOrEqual(instants.length + 1);
  });

  it('tells of each day’s end, in the order of the days', async () => {
    const told: number[] = [];
    await simulate([builtInRules[0]], new Reference([]), instants, (next) => told.push(next));
    expect(told).toEqual([23, 47, 71, 72]);
  });
});
