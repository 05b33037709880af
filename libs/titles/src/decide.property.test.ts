import fc from 'fast-check';
import { awardEvent, type AwardEvent } from '@laurel/events';
import { builtInRules } from './built-in-rules.js';
import { decide, type Evaluation } from './decide.js';
import { fold } from './award-fold.js';
import { evolve } from './evolve.js';
import { isAheadBy } from './margin.js';
import type { TitleRule } from './rule.js';
import { rank, standingsNeeded, type Standing } from './standings.js';
import { holdersOf, neverAwarded, titleKey, type TitleState } from './state.js';

const people = ['ada', 'bo', 'cy', 'di', 'eve', 'fay', 'gus', 'hal', 'ida'];

/** Values lie close together, so that ties and leads within the margin are common. */
const standings: fc.Arbitrary<Standing[]> = fc
  .uniqueArray(
    fc.record({
      userId: fc.constantFrom(...people),
      value: fc.oneof(fc.integer({ min: 95, max: 105 }), fc.integer({ min: 0, max: 300 })).map((value) => value / 301),
      isEligible: fc.integer({ min: 0, max: 4 }).map((draw) => draw > 0),
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
        evidence: { share: { double: value } },
      })),
    ),
  );

interface Tick {
  readonly standings: Standing[];
  readonly shuffled: Standing[];
  readonly corrected: ReadonlySet<string>;
  readonly version: number;
  readonly holders: number;
}

const ticks = (sameRule: boolean): fc.Arbitrary<Tick[]> =>
  fc
    .tuple(
      fc.integer({ min: 1, max: 3 }),
      fc.array(
        fc.record({
          standings,
          corrected: fc.oneof(
            { weight: 3, arbitrary: fc.constant([]) },
            { weight: 1, arbitrary: fc.subarray(people, { maxLength: 2 }) },
          ),
          changes: fc.integer({ min: 0, max: 5 }).map((draw) => draw === 0 && !sameRule),
          seats: fc.integer({ min: 1, max: 3 }),
        }),
        { minLength: 1, maxLength: 12 },
      ),
    )
    .chain(([seats, drawn]) =>
      fc
        .tuple(...drawn.map((one) => fc.shuffledSubarray(one.standings, { minLength: one.standings.length })))
        .map((shuffles): Tick[] => {
          let [version, holders] = [1, seats];
          return drawn.map((one, index) => {
            if (one.changes) [version, holders] = [version + 1, one.seats];
            const shuffled = shuffles[index] ?? [];
            return { ...one, shuffled, corrected: new Set(one.corrected), version, holders };
          });
        }),
    );

const margins = fc.constantFrom<TitleRule['margin']>(
  { kind: 'relative', by: 0.02 },
  { kind: 'remainder', by: 0.02 },
  { kind: 'relative', by: 0 },
);

const evaluationOf = (tick: Tick, margin: TitleRule['margin'], at: number): Evaluation => ({
  rule: { ...builtInRules[2], margin, version: tick.version, holders: tick.holders },
  standings: tick.standings,
  window: { startMs: at, endMs: at + 1 },
  evaluatedAtMs: at,
  corrected: tick.corrected,
});

const start = neverAwarded(builtInRules[2].id, 'company');

/** Runs a history and looks at every step of it. */
function live(
  history: readonly Tick[],
  margin: TitleRule['margin'],
  look: (evaluation: Evaluation, before: TitleState, events: AwardEvent[], after: TitleState, tick: Tick) => void,
): { log: AwardEvent[]; state: TitleState } {
  let state = start;
  const log: AwardEvent[] = [];
  history.forEach((tick, at) => {
    const evaluation = evaluationOf(tick, margin, at);
    const events = decide(evaluation, state);
    const next = events.reduce(evolve, state);
    look(evaluation, state, events, next, tick);
    log.push(...events);
    state = next;
  });
  return { log, state };
}

const always = (look: Parameters<typeof live>[2], sameRule = false): void =>
  fc.assert(
    fc.property(ticks(sameRule), margins, (history, margin) => {
      live(history, margin, look);
    }),
    { numRuns: 100 },
  );

const usersOf = (state: TitleState): string[] => state.holders.map((one) => one.user_id);

describe('over any history of standings', () => {
  it('at no award are there more holders than the rule states', () =>
    always(({ rule }, before, events, after) => {
      let state = before;
      for (const event of events) {
        state = evolve(state, event);
        if (event.type === 'title_awarded') expect(state.holders.length).toBeLessThanOrEqual(rule.holders);
      }
      expect(after.holders.length).toBeLessThanOrEqual(rule.holders);
    }));

  it('deciding again on the same figures changes nothing', () =>
    always((evaluation, _before, _events, after) => expect(decide(evaluation, after)).toEqual([])));

  it('the order in which standings come does not matter', () =>
    always((evaluation, before, events, _after, tick) =>
      expect(decide({ ...evaluation, standings: tick.shuffled }, before)).toEqual(events),
    ));

  it('the best few and the holders’ own standings are enough', () =>
    always((evaluation, before, events) => {
      const held = new Set(usersOf(before));
      const some = evaluation.standings.filter(
        (one, index) => (one.eligible && index < standingsNeeded(evaluation.rule)) || held.has(one.userId),
      );
      expect(decide({ ...evaluation, standings: some }, before)).toEqual(events);
    }));

  it('a title is revoked before it is passed on, from the one whom the award names', () =>
    always((_evaluation, before, events) => {
      events.forEach((event, index) => {
        if (event.type !== 'title_awarded' || event.previous_holder === null) return;
        const revoked = events.findIndex(
          (one) => one.type === 'title_revoked' && one.user_id === event.previous_holder,
        );
        expect(revoked).toBeGreaterThanOrEqual(0);
        expect(revoked).toBeLessThan(index);
        expect(usersOf(before)).toContain(event.previous_holder);
      });
    }));

  it('one change is one award: nobody gains or loses twice, or both but for a new rule', () =>
    always((_evaluation, _before, events) => {
      for (const person of people) {
        const own = events.filter((event) => event.user_id === person);
        expect(own.length).toBeLessThanOrEqual(own.every((event) => event.reason === 'rule_changed') ? 2 : 1);
      }
      const displaced = events.flatMap((event) => event.previous_holder ?? []);
      expect(new Set(displaced).size).toBe(displaced.length);
    }));

  it('an overtaking is a lead beyond the margin, or any lead over a corrected holder', () =>
    always(({ rule }, _before, events) => {
      events.forEach((event, index) => {
        if (event.reason !== 'overtook') return;
        const loser = events[index - 1];
        if (loser === undefined) throw new Error('an award that overtook nobody');
        expect(loser.user_id).toBe(event.previous_holder);
        expect(event.value).toBeGreaterThan(loser.value);
        if (loser.reason === 'overtaken') expect(isAheadBy(rule.margin, event.value, loser.value)).toBe(true);
        else expect(loser.reason).toBe('corrected');
      });
    }));

  it('leaves no seat empty that somebody deserves, and nobody outside who is ahead beyond the margin', () =>
    always(({ rule, standings: all }, _before, _events, after) => {
      const holders = new Set(usersOf(after));
      const eligible = all.filter((one) => one.eligible);
      expect(holders.size).toBe(Math.min(rule.holders, eligible.length));
      expect(eligible.filter((one) => holders.has(one.userId))).toHaveLength(holders.size);
      for (const outside of eligible.filter((one) => !holders.has(one.userId))) {
        for (const inside of eligible.filter((one) => holders.has(one.userId))) {
          expect(isAheadBy(rule.margin, outside.value, inside.value)).toBe(false);
        }
      }
    }));

  it('a holder who stays eligible loses only to a greater value, as long as the rule stands', () =>
    always((evaluation, before, _events, after) => {
      const value = (user: string): Standing | undefined =>
        evaluation.standings.find((one) => one.userId === user && one.eligible);
      const arrived = usersOf(after).filter((user) => !usersOf(before).includes(user));
      for (const lost of usersOf(before).filter((user) => !usersOf(after).includes(user))) {
        const own = value(lost);
        if (own === undefined) continue;
        expect(arrived.some((user) => (value(user)?.value ?? 0) > own.value)).toBe(true);
      }
    }, true));

  it('the runner-up is the best of the others who are not above the winner', () =>
    always(({ standings: all }, _before, events) => {
      for (const event of events.filter((one) => one.type === 'title_awarded')) {
        const others = all.filter((one) => one.eligible && one.userId !== event.user_id && one.value <= event.value);
        const best = others.length === 0 ? null : Math.max(...others.map((one) => one.value));
        expect(event.runner_up).toBe(best);
      }
    }));

  it('the log alone leads to the state and the holders that were seen live, also over the wire', () =>
    fc.assert(
      fc.property(ticks(false), margins, (history, margin) => {
        const { log, state } = live(history, margin, () => undefined);
        expect(log.map((event) => event.ordinal)).toEqual(log.map((_, index) => index));
        expect(new Set(log.map((event) => event.award_id)).size).toBe(log.length);
        const wired = log.map((event) => ({ ...awardEvent.decode(awardEvent.encode(event)) }));
        const folded = fold(wired).get(titleKey(start)) ?? start;
        expect(holdersOf(folded)).toEqual(holdersOf(state));
        expect(holdersOf(state)?.holders.map((one) => one.user_id) ?? []).toEqual(usersOf(state));
      }),
      { numRuns: 100 },
    ));

  it('a restart at any tick makes the same awards', () =>
    fc.assert(
      fc.property(ticks(false), margins, fc.nat(12), (history, margin, restart) => {
        const whole = live(history, margin, () => undefined).log;
        const before = live(history.slice(0, restart), margin, () => undefined).log;
        let state = fold(before).get(titleKey(start)) ?? start;
        const log = [...before];
        history.slice(restart).forEach((tick, index) => {
          const events = decide(evaluationOf(tick, margin, restart + index), state);
          state = events.reduce(evolve, state);
          log.push(...events);
        });
        expect(log).toEqual(whole);
      }),
      { numRuns: 100 },
    ));

  it('a title does not flap while everybody wavers within the margin', () => {
    // Twice (1 + 0.4 %) / (1 − 0.4 %) is a lead of 1.6 % at most.
    const waver = 0.004;
    const bases = fc.array(fc.integer({ min: 1000, max: 5000 }), { minLength: 1, maxLength: people.length });
    const wavering = fc.array(
      fc.array(fc.double({ min: -waver, max: waver, noNaN: true }), {
        minLength: people.length,
        maxLength: people.length,
      }),
      { minLength: 2, maxLength: 20 },
    );
    fc.assert(
      fc.property(bases, wavering, fc.integer({ min: 1, max: 3 }), (values, factors, holders) => {
        const history = factors.map((factor): Tick => {
          const now = rank(
            { min_tokens: 0, min_active_days: 0, min_sessions: 0, min_list_cost_usd: 0, min_tenure_days: 0 },
            values.map((value, index) => ({
              userId: people[index] ?? '',
              value: value * (1 + (factor[index] ?? 0)),
              volume: { tokens: 1n, activeDays: 1, sessions: 1, tenureDays: 30, listCost: 0n },
              evidence: {},
            })),
          );
          return { standings: now, shuffled: now, corrected: new Set(), version: 1, holders };
        });
        const { log } = live(history, { kind: 'relative', by: 0.02 }, () => undefined);
        expect(log).toHaveLength(Math.min(holders, values.length));
      }),
    );
  });

  it('whoever is hidden or erased is in no later event, by name or by figure, whenever that was', () => {
    const withheld = fc.record({ who: fc.subarray(people, { minLength: 1, maxLength: 4 }), from: fc.nat(12) });
    fc.assert(
      fc.property(ticks(false), margins, withheld, (history, margin, { who, from }) => {
        let state = start;
        history.forEach((tick, at) => {
          const isWithheld = (userId: string): boolean => at >= from && who.includes(userId);
          const events = decide({ ...evaluationOf(tick, margin, at), isWithheld }, state);
          for (const event of events) {
            state = evolve(state, event);
            if (at < from) continue;
            expect(who).not.toContain(event.user_id);
            expect(who).not.toContain(event.previous_holder);
            if (event.reason === 'withheld')
              expect(event).toMatchObject({ user_id: '', value: 0, rank: 0, evidence: {} });
          }
          if (at >= from) {
            expect(usersOf(state).filter((user) => who.includes(user))).toEqual([]);
            // The runner-up is a value, and not one of theirs that nobody else has.
            const others = tick.standings.filter(({ userId }) => !who.includes(userId)).map(({ value }) => value);
            for (const { runner_up: value } of events) if (value !== null) expect(others).toContain(value);
          }
        });
      }),
      { numRuns: 300 },
    );
  });

  it('a rule that is older than the last award’s changes nothing', () =>
    fc.assert(
      fc.property(ticks(false), margins, (history, margin) => {
        const { state } = live(history, margin, () => undefined);
        history.forEach((tick, at) => {
          if (tick.version < state.ruleVersion) expect(decide(evaluationOf(tick, margin, at), state)).toEqual([]);
        });
      }),
    ));
});
