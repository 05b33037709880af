import fc from 'fast-check';
import { builtInRules } from './built-in-rules.js';
import { decide } from './decide.js';
import { evolve } from './evolve.js';
import { explain, type Explanation } from './explain.js';
import type { TitleRule } from './rule.js';
import { rank, type Measurement } from './standings.js';
import { neverAwarded, type TitleState } from './state.js';

const [legend, , wizard] = builtInRules;
const HOUR = 3_600_000;
const window = { startMs: 0, endMs: 1 };

const measured = (values: Readonly<Record<string, number>>, days = 9): Measurement[] =>
  Object.entries(values).map(([userId, value]) => ({
    userId,
    value,
    volume: { tokens: BigInt(Math.ceil(value)), activeDays: days, sessions: 20, tenureDays: 30, listCost: 0n },
    evidence: {},
  }));

const tick = (rule: TitleRule, values: Readonly<Record<string, number>>, state: TitleState, nowMs = HOUR): TitleState =>
  decide({ rule, standings: rank(rule.eligibility, measured(values)), window, evaluatedAtMs: nowMs }, state).reduce(
    evolve,
    state,
  );

const explained = (
  rule: TitleRule,
  userId: string,
  values: Readonly<Record<string, number>>,
  state: TitleState,
  nowMs = HOUR,
): Explanation => {
  const all = measured(values);
  const own = all.find((one) => one.userId === userId);
  return explain(rule, userId, own, rank(rule.eligibility, all), state, nowMs);
};

describe('explaining a title', () => {
  const start = neverAwarded(legend.id, 'company');
  const values = { ada: 1000, bo: 900 };
  const adaHolds = tick(legend, values, start);

  it('says by which award somebody holds it', () => {
    expect(explained(legend, 'ada', values, adaHolds)).toMatchObject({
      status: 'holds',
      value: 1000,
      rank: 1,
      award: { ordinal: 0, value: 1000 },
      toBeat: null,
    });
  });

  it('says how far somebody is behind, and what they have to exceed', () => {
    expect(explained(legend, 'bo', values, adaHolds)).toEqual({
      titleId: 'token_legend',
      unit: 'tokens',
      status: 'behind',
      value: 900,
      rank: 2,
      lacks: [],
      award: null,
      toBeat: 1000,
      beyond: 1020,
      dwellsUntilMs: null,
    });
  });

  it('says which minimum is not met, and by how much', () => {
    const strict: TitleRule = {
      ...legend,
      eligibility: { min_tokens: 5000, min_active_days: 12, min_sessions: 0, min_list_cost_usd: 0, min_tenure_days: 0 },
    };
    expect(explained(strict, 'bo', values, start)).toMatchObject({
      status: 'not_eligible',
      lacks: [
        { minimum: 'min_tokens', has: 900, needs: 5000 },
        { minimum: 'min_active_days', has: 9, needs: 12 },
      ],
    });
    expect(explained(strict, 'nobody', values, start)).toMatchObject({ status: 'not_eligible', value: 0, rank: 0 });
  });

  it('says until when the holder can not be overtaken', () => {
    const dwelling: TitleRule = { ...legend, dwell_hours: 24 };
    const ahead = { ada: 1000, bo: 5000 };
    expect(explained(dwelling, 'bo', ahead, adaHolds, 10 * HOUR)).toMatchObject({
      status: 'leads',
      dwellsUntilMs: 25 * HOUR,
    });
    expect(explained(dwelling, 'bo', ahead, adaHolds, 25 * HOUR).dwellsUntilMs).toBeNull();
  });

  it('agrees with what the next evaluation does', () => {
    const people = ['ada', 'bo', 'cy', 'di'];
    const history = fc.array(
      fc.array(fc.integer({ min: 0, max: 100 }), { minLength: people.length, maxLength: people.length }),
      { minLength: 2, maxLength: 6 },
    );
    const rules = fc
      .tuple(fc.constantFrom<TitleRule>(legend, wizard), fc.integer({ min: 1, max: 3 }), fc.constantFrom(0, 3))
      .map(([rule, holders, dwell_hours]): TitleRule => ({
        ...rule,
        holders,
        dwell_hours,
        eligibility: { min_tokens: 0, min_active_days: 0, min_sessions: 0, min_list_cost_usd: 0, min_tenure_days: 0 },
      }));
    fc.assert(
      fc.property(rules, history, (rule, ticks) => {
        const scale = rule.metric.kind === 'cache_share' ? 1 / 101 : 1;
        let state = neverAwarded(rule.id, 'company');
        ticks.forEach((drawn, at) => {
          const now = Object.fromEntries(people.map((person, index) => [person, (drawn[index] ?? 0) * scale]));
          const nowMs = (at + 1) * HOUR;
          const before = state;
          state = tick(rule, now, before, nowMs);
          const awarded = state.holders
            .filter((held) => !before.holders.some(({ award_id }) => award_id === held.award_id))
            .map((held) => held.user_id);
          // What was just decided leaves nobody who leads and may, and no seat that somebody deserves.
          for (const person of people) {
            const after = explained(rule, person, now, state, nowMs);
            expect(after.status).not.toBe('vacant');
            if (after.status === 'leads') expect(after.dwellsUntilMs).not.toBeNull();
            if (awarded.includes(person)) expect(after.status).toBe('holds');
          }
        });
      }),
    );
  });

  it('gives a bound that is exact: at it nothing happens, beyond it the title moves', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 0.98, noNaN: true }),
        fc.constantFrom({ kind: 'relative', by: 0.02 } as const, { kind: 'remainder', by: 0.02 } as const),
        (value, margin) => {
          const rule: TitleRule = {
            ...wizard,
            margin,
            eligibility: {
              min_tokens: 0,
              min_active_days: 0,
              min_sessions: 0,
              min_list_cost_usd: 0,
              min_tenure_days: 0,
            },
          };
          const state = tick(rule, { ada: value }, neverAwarded(rule.id, 'company'));
          const { beyond } = explained(rule, 'bo', { ada: value, bo: 0.001 }, state);
          if (beyond === null) throw new Error('nobody to beat');
          const holder = (bo: number) => tick(rule, { ada: value, bo }, state, 2 * HOUR).holders[0]?.user_id;
          // Within the last bits, as the two sides are computed by other operations.
          expect(holder(beyond - 1e-12)).toBe('ada');
          expect(holder(beyond + 1e-12)).toBe('bo');
        },
      ),
    );
  });
});
