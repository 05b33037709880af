import fc from 'fast-check';
import { awardEvent, type AwardEvent } from '@laurel/events';
import { AwardFold } from '../award-fold.js';
import { builtInRules } from '../built-in-rules.js';
import { titleRuleSchema } from '../rule.js';
import { rank, type Standing } from '../standings.js';
import { decideTiers, hasTiers, type TieredRule, type TierEvaluation, type TierState } from './decide-tiers.js';
import { keptFrom, peersOf, tierAfter, tierLevels, zoneOf } from './levels.js';
import { tierNames, tierOrder, type Tier } from './tier.js';

const people = ['ada', 'bo', 'cy', 'di', 'eve', 'fay', 'gus', 'hal', 'ida', '\uff5e', '😀'];
const SCOPE = 'company' as const;

const ruleOf = (tiers: object, version = 1): TieredRule => {
  const rule = titleRuleSchema.parse({ ...builtInRules[0], version, tiers });
  if (!hasTiers(rule)) throw new Error('no tiers');
  return rule;
};

/** Values lie around the thresholds. */
const standings: fc.Arbitrary<Standing[]> = fc
  .uniqueArray(
    fc.record({
      userId: fc.constantFrom(...people),
      value: fc.oneof(fc.integer({ min: 85, max: 105 }), fc.integer({ min: 0, max: 300 })),
      isEligible: fc.integer({ min: 0, max: 5 }).map((draw) => draw > 0),
    }),
    { selector: (one) => one.userId, maxLength: people.length },
  )
  .map((all) =>
    rank(
      { min_tokens: 1, min_active_days: 0, min_sessions: 0, min_list_cost_usd: 0, min_tenure_days: 0 },
      all.map(({ userId, value, isEligible }) => ({
        userId,
        value,
        volume: { tokens: isEligible ? 1n : 0n, activeDays: 1, sessions: 1, tenureDays: 30, listCost: 0n },
        evidence: { tokens: { long: value } },
      })),
    ),
  );

const tiers = fc.constantFrom<object>(
  { by: 'value', levels: { bronze: 10, silver: 90, gold: 100, emerald: 200 } },
  { by: 'value', levels: { silver: 100 }, margin: { kind: 'relative', by: 0.001 } },
  { by: 'top_per_mille', levels: { bronze: 800, gold: 400, diamond: 100 } },
  { by: 'top_per_mille', levels: { platinum: 300, emerald: 50 }, margin: { kind: 'relative', by: 0.3 } },
);

interface Tick {
  readonly evaluation: TierEvaluation;
  readonly withheld: ReadonlySet<string>;
}

const history: fc.Arbitrary<readonly Tick[]> = fc
  .array(
    fc.record({
      standings,
      tiers,
      changesRule: fc.integer({ min: 0, max: 5 }).map((draw) => draw === 0),
      slides: fc.boolean(),
      hides: fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, fc.subarray(people, { maxLength: 2 })),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((drawn) => {
    let rule = ruleOf(drawn[0]?.tiers ?? {});
    let day = 0;
    return drawn.map((one, at): Tick => {
      if (one.changesRule) rule = ruleOf(one.tiers, rule.version + 1);
      if (one.slides) day += 1;
      const withheld = new Set(one.hides);
      const shown = rank(
        rule.eligibility,
        one.standings
          .filter(({ userId }) => !withheld.has(userId))
          .map(({ userId, value, evidence, eligible }) => ({
            userId,
            value,
            evidence,
            volume: { tokens: eligible ? 1n : 0n, activeDays: 1, sessions: 1, tenureDays: 1, listCost: 0n },
          })),
      );
      // Everybody is looked at, whether they are there or not.
      const absent = people
        .filter((userId) => !shown.some((standing) => standing.userId === userId))
        .map((userId): Standing => ({ userId, value: 0, rank: 0, evidence: {}, eligible: false }));
      return {
        withheld,
        evaluation: {
          rule,
          scope: SCOPE,
          peers: peersOf(rule.tiers, shown),
          standings: [...shown, ...absent],
          window: { startMs: day, endMs: day + 30 },
          evaluatedAtMs: at,
          isWithheld: (userId) => withheld.has(userId),
        },
      };
    });
  });

const stateOf = (fold: AwardFold): TierState => fold.tierState(builtInRules[0].id, SCOPE);
const tiersIn = (fold: AwardFold): Map<string, Tier> =>
  new Map([...fold.tiers.of(builtInRules[0].id)].map(({ userId, tier }) => [userId, tier]));
const copy = (log: readonly AwardEvent[]): AwardFold => {
  const fold = new AwardFold();
  for (const event of log) fold.take(awardEvent.decode(awardEvent.encode(event)));
  return fold;
};

function live(
  ticks: readonly Tick[],
  look: (tick: Tick, before: ReadonlyMap<string, Tier>, events: readonly AwardEvent[], fold: AwardFold) => void,
): readonly AwardEvent[] {
  const fold = new AwardFold();
  const log: AwardEvent[] = [];
  for (const tick of ticks) {
    const before = tiersIn(fold);
    const events = decideTiers(tick.evaluation, stateOf(fold));
    for (const event of events) fold.take(event);
    look(tick, before, events, fold);
    log.push(...events);
  }
  return log;
}

const always = (look: Parameters<typeof live>[1]): void =>
  fc.assert(
    fc.property(history, (ticks) => {
      live(ticks, look);
    }),
    { numRuns: 200 },
  );

describe('over any history of standings', () => {
  it('everybody ends up in the tier that their figures give them, and nobody who is withheld in any', () =>
    always(({ evaluation, withheld }, before, _events, fold) => {
      const levels = tierLevels(evaluation.rule.tiers, evaluation.peers);
      const expected = new Map<string, Tier>();
      for (const one of evaluation.standings) {
        const tier = tierAfter(levels, zoneOf(levels, one), before.get(one.userId) ?? null);
        if (tier !== null && !withheld.has(one.userId)) expected.set(one.userId, tier);
      }
      expect(tiersIn(fold)).toEqual(expected);
    }));

  it('one change is one award, and deciding again on the same figures changes nothing', () =>
    always(({ evaluation }, before, events, fold) => {
      const about = events.map((event) =>
        event.user_id === '' ? before.size + [...events].indexOf(event) : event.user_id,
      );
      expect(new Set(about).size).toBe(events.length);
      expect(decideTiers(evaluation, stateOf(fold))).toEqual([]);
    }));

  it('a tier that is reached is higher than before, one that is lost is the one that was had, and more than what remains', () =>
    always((_tick, before, events) => {
      for (const { type, user_id: userId, tier, remaining_tier: remaining, reason } of events) {
        if (reason === 'withheld') continue;
        const had = before.get(userId);
        if (type === 'tier_reached') {
          expect(tierOrder(tier as Tier)).toBeGreaterThan(had === undefined ? -1 : tierOrder(had));
        } else {
          expect(tier).toBe(had);
          if (remaining !== null) expect(tierOrder(remaining as Tier)).toBeLessThan(tierOrder(tier as Tier));
        }
      }
    }));

  it('is the same however people are split up into decisions, but for the ordinals', () => {
    fc.assert(
      fc.property(history, fc.integer({ min: 1, max: 4 }), (ticks, size) => {
        const whole = new AwardFold();
        const split = new AwardFold();
        for (const { evaluation } of ticks) {
          for (const event of decideTiers(evaluation, stateOf(whole))) whole.take(event);
          for (let at = 0; at < evaluation.standings.length; at += size) {
            const some = { ...evaluation, standings: evaluation.standings.slice(at, at + size) };
            for (const event of decideTiers(some, stateOf(split))) split.take(event);
          }
          expect(tiersIn(split)).toEqual(tiersIn(whole));
          expect(stateOf(split).ordinal).toBe(stateOf(whole).ordinal);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('a restart before any tick, from the log as it was written, goes on with the same awards', () => {
    fc.assert(
      fc.property(history, fc.nat(11), (ticks, at) => {
        const log = live(ticks, () => undefined);
        const before = live(ticks.slice(0, at), () => undefined);
        const fold = copy(before);
        const after: AwardEvent[] = [];
        for (const { evaluation } of ticks.slice(at)) {
          const events = decideTiers(evaluation, stateOf(fold));
          for (const event of events) fold.take(event);
          after.push(...events);
        }
        expect([...before, ...after]).toEqual(log);
      }),
      { numRuns: 100 },
    );
  });

  it('a restart in the middle of a decision loses and repeats nothing', () => {
    fc.assert(
      fc.property(history, fc.nat(30), (ticks, cut) => {
        const log = live(ticks, () => undefined);
        const written = log.slice(0, cut);
        const fold = copy(written);
        const done = written.at(-1)?.evaluated_at ?? 0;
        const rest: AwardEvent[] = [];
        for (const { evaluation } of ticks.filter((one) => one.evaluation.evaluatedAtMs >= done)) {
          const events = decideTiers(evaluation, stateOf(fold));
          for (const event of events) fold.take(event);
          rest.push(...events);
        }
        expect([...written, ...rest]).toEqual(log);
      }),
      { numRuns: 100 },
    );
  });

  it('no event names or says anything of whoever is withheld, then or as long as they are', () => {
    fc.assert(
      fc.property(history, fc.constantFrom(...people), (ticks, hidden) => {
        const log = live(
          ticks.map(({ evaluation, withheld }, index) => {
            const isWithheld = (userId: string): boolean =>
              withheld.has(userId) || (userId === hidden && index >= ticks.length / 2);
            return { withheld, evaluation: { ...evaluation, isWithheld } };
          }),
          () => undefined,
        );
        const later = log.filter((event) => event.evaluated_at >= ticks.length / 2);
        expect(later.filter((event) => event.user_id === hidden)).toEqual([]);
        for (const event of log.filter(({ reason }) => reason === 'withheld')) {
          expect(event).toMatchObject({
            user_id: '',
            tier: null,
            remaining_tier: null,
            value: 0,
            rank: 0,
            evidence: {},
          });
        }
      }),
      { numRuns: 100 },
    );
  });

  it('a tier by value is lost only below its threshold by the margin: who goes to and fro about it has one event', () => {
    const rule = ruleOf({ by: 'value', levels: { gold: 1000 } });
    const least = keptFrom(rule.tiers.margin, 1000);
    const around = fc.array(fc.integer({ min: least, max: 2000 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(around, (values) => {
        const fold = new AwardFold();
        values.forEach((value, at) => {
          const events = decideTiers(
            {
              rule,
              scope: SCOPE,
              peers: { people: 1, thresholds: [] },
              standings: [{ userId: 'ada', value, rank: 1, evidence: {}, eligible: true }],
              window: { startMs: at, endMs: at + 1 },
              evaluatedAtMs: at,
            },
            stateOf(fold),
          );
          for (const event of events) fold.take(event);
        });
        expect(fold.state(rule.id, SCOPE).ordinal).toBe(values.some((value) => value >= 1000) ? 1 : 0);
      }),
    );
  });

  it('every tier by value is explained by its evidence: reached at or above the threshold, lost below it by the margin', () =>
    always(({ evaluation: { rule } }, _before, events) => {
      if (rule.tiers.by !== 'value') return;
      for (const { type, value, evidence, reason } of events) {
        const threshold = evidence['tier_threshold'];
        if (threshold === undefined || !['above_threshold', 'below_threshold'].includes(reason)) continue;
        const at = 'long' in threshold ? threshold.long : NaN;
        if (type === 'tier_reached') expect(value).toBeGreaterThanOrEqual(at);
        else expect(value).toBeLessThan(keptFrom(rule.tiers.margin, at));
      }
    }));
});

it('names the tiers in their order', () => {
  expect(tierNames.map(tierOrder)).toEqual([0, 1, 2, 3, 4, 5]);
});
