import { jest } from '@jest/globals';
import fc from 'fast-check';
import { standingsNeeded, titleRuleSchema, type TitleRule } from '@laurel/titles';
import { windowOf } from '@laurel/usage';
import { noTokens, type UsageEvent } from '@laurel/events';
import { usageEvent } from '@laurel/usage/fixture';
import { takeOutcomes } from '../outcomes.fixture.js';
import { writeChoices } from '../people.js';
import type { Roller } from '../roller.fixture.js';
import { TestDatabase } from '../test-database.fixture.js';
import {
  DAY,
  drawnFlags,
  drawnOutcomes,
  drawnRules,
  drawnUsage,
  NOW,
  PEOPLE,
  record,
  TODAY,
} from './drawn-usage.fixture.js';
import { KeptStandings, type Told } from './kept-standings.js';
import { titleStandings } from './standings.js';

const KEPT = 4;
const hide = { visibility: 'hidden' as const, figures: 'exact' as const, changed_at: 1 };

/** What happens between two looks, to some of the people. */
type Step =
  | { readonly what: 'usage'; readonly events: readonly UsageEvent[]; readonly closeHours: number }
  | { readonly what: 'outcomes'; readonly outcomes: Parameters<typeof takeOutcomes>[1] }
  | { readonly what: 'hides'; readonly userId: string }
  | { readonly what: 'nothing' };

/** Calls of a few people, new ones, revised and taken back, in closed days and open minutes. */
const usageStep = fc
  .tuple(drawnUsage, fc.subarray(PEOPLE, { minLength: 1, maxLength: 4 }), fc.nat(2), fc.constantFrom(0, 0, 0, 1, 30))
  .map(([events, people, revision, closeHours]): Step => {
    const own = events.filter(({ user_id: user }) => people.includes(user));
    return {
      what: 'usage',
      closeHours,
      events: own.map((event, index) => ({
        ...event,
        event_id: revision === 0 ? `${event.event_id}-later` : event.event_id,
        revision: revision * 2 + 1,
        retracted: revision === 2 && index % 3 > 0,
      })),
    };
  });
const outcomesStep = fc.tuple(drawnOutcomes, fc.constantFrom(...PEOPLE)).map(([all, userId]): Step => ({
  what: 'outcomes',
  outcomes: all
    .filter(({ user_id: user }) => user === userId)
    .map((one) => ({ ...one, event_id: `${one.event_id}-later` })),
}));
const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: usageStep },
    { weight: 2, arbitrary: outcomesStep },
    { weight: 1, arbitrary: fc.constantFrom(...PEOPLE).map((userId): Step => ({ what: 'hides', userId })) },
    { weight: 1, arbitrary: fc.constant<Step>({ what: 'nothing' }) },
  ),
  { minLength: 3, maxLength: 5 },
);

describe('standings that are kept from look to look', () => {
  let database: TestDatabase;
  let kept: KeptStandings;
  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  beforeEach(async () => {
    await database.truncate(['people_choices']);
    kept = new KeptStandings(database.client, database.connection, KEPT);
  });
  afterEach(async () => {
    await kept.close();
    const left = await database.rows('SELECT name FROM system.databases WHERE startsWith(name, {name:String})', {
      name: `${database.connection.database}_`,
    });
    expect(left).toEqual([]);
  });
  afterAll(() => database.drop());

  const look = async (rules: readonly TitleRule[], holders: readonly string[]): Promise<ReadonlyMap<string, Told>> => {
    const asked = rules.map((rule) => ({ rule, window: windowOf(rule.window, NOW), holders }));
    const found = new Map<string, Told>();
    for await (const [{ rule }, told] of kept.of(asked)) found.set(rule.id, told);
    return found;
  };

  it('are at each look those of a look at everybody, as far as a decision asks for them', async () => {
    await fc.assert(
      fc.asyncProperty(
        drawnUsage,
        drawnOutcomes,
        drawnRules,
        drawnFlags,
        steps,
        fc.subarray([...PEOPLE, 'nobody'], { maxLength: 3 }),
        fc.constantFrom([KEPT, 0], [5 * KEPT, 0], [KEPT, PEOPLE.length], [5 * KEPT, PEOPLE.length]),
        async (events, outcomes, drawn, flags, changes, holders, [most, few]) => {
          await kept.close();
          kept = new KeptStandings(database.client, database.connection, most, few);
          const rules = drawn.map((rule, index): TitleRule => ({ ...rule, id: `title_${index}` }));
          await database.truncate(['people_choices']);
          const roller = await record(database, events, { outcomes, flags });
          for (const [index, step] of [{ what: 'nothing' } as const, ...changes].entries()) {
            if (step.what === 'usage') await roller.take({ ...step, closeDays: true });
            if (step.what === 'outcomes' && step.outcomes.length > 0) await takeOutcomes(database, step.outcomes);
            if (step.what === 'hides') {
              await writeChoices(database.client, [{ userId: step.userId, choice: hide, version: index }]);
            }
            const found = await look(rules, holders);
            for (const rule of rules) {
              const window = windowOf(rule.window, NOW);
              const all = await titleStandings(database.client, rule, window, holders, PEOPLE.length);
              const { standings, areRanksTrue } = found.get(rule.id) as Told;
              expect({ rule, scopes: [...standings.keys()].sort() }).toEqual({ rule, scopes: [...all.keys()].sort() });
              for (const [scope, everybody] of all) {
                const own = standings.get(scope) ?? [];
                const named = new Set([
                  ...everybody
                    .filter((one) => one.eligible)
                    .slice(0, standingsNeeded(rule))
                    .map(({ userId }) => userId),
                  ...holders,
                  ...own.map(({ userId }) => userId),
                ]);
                const expected = everybody
                  .filter(({ userId }) => named.has(userId))
                  .map((one, index) => {
                    const rank = own[index]?.rank ?? 0;
                    const isBehind = !areRanksTrue && holders.includes(one.userId) && rank > 0 && rank < one.rank;
                    return isBehind ? { ...one, rank } : one;
                  });
                expect({ rule, step, scope, own }).toEqual({ rule, step, scope, own: expected });
              }
            }
          }
        },
      ),
      { numRuns: 1, endOnFailure: true },
    );
  }, 900_000);

  describe('of who has the most input', () => {
    const rule: TitleRule = titleRuleSchema.parse({
      id: 'most',
      name: 'Most',
      description: 'Most input',
      version: 1,
      metric: { kind: 'capped_tokens', daily_cap: 1e9, classes: ['input'] },
      window: '30d',
      scope: 'company',
    });
    const CLOSED = TODAY - 9 * DAY;
    const call = (userId: string, input: number, at: number): UsageEvent =>
      usageEvent({ user_id: userId, event_id: `${userId}-${at}-${input}`, occurred_at: at * 1000, tokens: { input } });
    const best = async (count = 3): Promise<readonly unknown[]> =>
      ((await look([rule], [])).get('most')?.standings.get('company') ?? [])
        .slice(0, count)
        .map(({ userId, value, rank }) => [userId, value, rank]);
    let roller: Roller;
    let queries: jest.SpiedFunction<TestDatabase['client']['query']>;
    beforeEach(async () => {
      const events = PEOPLE.map((userId, index) => call(userId, 100 + index, CLOSED));
      roller = await record(database, events);
      queries = jest.spyOn(database.client, 'query');
      expect(await best()).toEqual([
        ['😀', 129, 1],
        ['\uff5e', 128, 2],
        ['u-27', 127, 3],
      ]);
    });
    afterEach(() => {
      queries.mockRestore();
    });
    const looksAtEverybody = (): number =>
      queries.mock.calls.filter(([{ query }]) => query.includes('WITH measured AS')).length;
    const take = (...events: readonly UsageEvent[]): Promise<void> =>
      roller.take({ events, closeHours: 0, closeDays: true });

    it.each([true, false])(
      'do not look at everybody where a few have changed, be it that one of them is the best now (days lie by person: %p)',
      async (byPerson) => {
        if (!byPerson) {
          for (const table of ['usage_by_day_user', 'attendance_by_day']) {
            const query = `ALTER TABLE ${table} CLEAR PROJECTION by_user`;
            await database.client.command({ query, clickhouse_settings: { mutations_sync: '2' } });
          }
        }
        await take(call('u-00', 29, TODAY));
        expect(await best()).toEqual([
          ['u-00', 129, 1],
          ['😀', 129, 1],
          ['\uff5e', 128, 3],
        ]);
        await take(call('u-26', 100, TODAY - 8 * DAY));
        expect(await best()).toEqual([
          ['u-26', 226, 1],
          ['u-00', 129, 2],
          ['😀', 129, 2],
        ]);
        await take({ ...call('u-01', 101, CLOSED), revision: 1, tokens: { ...noTokens, input: 300 } });
        expect(await best()).toEqual([
          ['u-01', 300, 1],
          ['u-26', 226, 2],
          ['u-00', 129, 3],
        ]);
        await take({ ...call('u-01', 101, CLOSED), revision: 2, tokens: { ...noTokens, input: 2 } });
        await take({ ...call('u-00', 100, CLOSED), revision: 1, retracted: true });
        expect(await best(2)).toEqual([
          ['u-26', 226, 1],
          ['😀', 129, 2],
        ]);
        expect(looksAtEverybody()).toBe(1);
      },
    );

    it('find who is drawn ahead by the company’s share alone', async () => {
      const share = titleRuleSchema.parse({
        ...rule,
        metric: { kind: 'cache_share', prior_tokens: 3000, reads_per_output: 1_000_000 },
      });
      const reads = (userId: string, input: number, cacheRead: number, at: number): UsageEvent => ({
        ...call(userId, input, at),
        tokens: { ...noTokens, input, cache_read: cacheRead, output: 1 },
      });
      const shares = async (): Promise<readonly unknown[]> =>
        ((await look([share], [])).get('most')?.standings.get('company') ?? []).slice(0, 3).map(({ userId }) => userId);
      roller = await record(database, [
        ...PEOPLE.slice(0, 8).map((userId) => reads(userId, 1000, 900, CLOSED)),
        reads('u-20', 10, 0, CLOSED),
        reads('u-21', 8000, 0, CLOSED),
      ]);
      expect(await shares()).toEqual(['u-00', 'u-01', 'u-02']);
      // Little is drawn from their own calls, much from everybody’s.
      await take(reads('u-22', 0, 900_000, TODAY));
      expect(await shares()).toEqual(['u-22', 'u-20', 'u-00']);
    });

    it('find everybody whom the company’s first cached call gives a share', async () => {
      const share = titleRuleSchema.parse({
        ...rule,
        metric: { kind: 'cache_share', prior_tokens: 3000, reads_per_output: 1_000_000 },
      });
      expect((await look([share], [])).get('most')?.standings.get('company')).toBeUndefined();
      const first = { ...noTokens, cache_read: 900_000, output: 1 };
      await take({ ...call('u-22', 0, TODAY), tokens: first });
      const found = (await look([share], [])).get('most')?.standings.get('company') ?? [];
      expect(found.slice(0, 3).map(({ userId }) => userId)).toEqual(['u-22', 'u-00', 'u-01']);
    });

    it('are not read from a copy that the server has forgotten meanwhile, be it that all who are eligible were in it', async () => {
      await kept.close();
      kept = new KeptStandings(database.client, database.connection, 2 * PEOPLE.length, 0);
      const window = windowOf(rule.window, NOW);
      const asked = ['one', 'another'].map((id) => ({ rule: { ...rule, id }, window, holders: ['u-27'] }));
      for await (const [, { standings }] of kept.of(asked)) expect(standings.size).toBe(1);
      await take(call('u-00', 50, TODAY));
      const found: unknown[] = [];
      for await (const [, { standings }] of kept.of(asked)) {
        found.push(
          standings
            .get('company')
            ?.slice(0, 2)
            .map(({ userId, value }) => [userId, value]),
        );
        const [copy] = await database.rows<{ name: string }>(
          'SELECT name FROM system.databases WHERE startsWith(name, {name:String})',
          { name: `${database.connection.database}_some_` },
        );
        for (const table of ['people', 'model_usage_by_day']) {
          await database.client.command({ query: `TRUNCATE TABLE \`${copy?.name ?? ''}\`.${table}` });
        }
      }
      const best = [
        ['u-00', 150],
        ['😀', 129],
      ];
      expect(found).toEqual([best, best]);
    });

    it('tell of a holder who has fallen far behind without a look at everybody, and that their rank is not known', async () => {
      await take(...PEOPLE.slice(0, 8).map((userId) => call(userId, 200, TODAY)));
      const window = windowOf(rule.window, NOW);
      for await (const [, { standings, areRanksTrue }] of kept.of([{ rule, window, holders: ['u-27'] }])) {
        expect(areRanksTrue).toBe(false);
        expect(standings.get('company')?.map(({ userId, value, rank }) => [userId, value, rank])).toEqual([
          ['u-07', 307, 1],
          ['u-06', 306, 2],
          ['u-05', 305, 3],
          ['u-04', 304, 4],
          ['u-27', 127, 5],
        ]);
      }
      expect(looksAtEverybody()).toBe(1);
    });

    it('tell of a holder who has fallen among the best of whom the others’ figures are not read', async () => {
      await kept.close();
      kept = new KeptStandings(database.client, database.connection, 5 * KEPT, 0);
      const window = windowOf(rule.window, NOW);
      const holders = ['u-27'];
      const looks = [];
      for (const people of [[], PEOPLE.slice(0, 12)]) {
        await take(...people.map((userId) => call(userId, 200, TODAY)));
        for await (const [, told] of kept.of([{ rule, window, holders }])) looks.push(told);
      }
      const [, told] = looks;
      expect(told?.areRanksTrue).toBe(false);
      const standings = told?.standings.get('company') ?? [];
      expect(standings[0]).toMatchObject({ userId: 'u-11', value: 311, rank: 1 });
      expect(standings.at(-1)).toMatchObject({ userId: 'u-27', value: 127, rank: standings.length });
      expect(standings.length).toBeLessThan(12);
      expect(looksAtEverybody()).toBe(2);
    });

    it('look at everybody when too few are left of the best', async () => {
      await take(...PEOPLE.slice(-4).map((userId, index) => call(userId, 1, CLOSED + index)));
      await best();
      expect(looksAtEverybody()).toBe(1);
      const fallen = PEOPLE.slice(-3).map((userId, index) => call(userId, 127 + index, CLOSED));
      await take(...fallen.map((event) => ({ ...event, revision: 1, retracted: true })));
      expect(await best()).toEqual([
        ['u-26', 127, 1],
        ['u-25', 125, 2],
        ['u-24', 124, 3],
      ]);
      expect(looksAtEverybody()).toBe(2);
    });

    it('know of every change after a look that was not gone through to its end', async () => {
      await take(call('u-00', 50, TODAY));
      const left = kept.of([{ rule, window: windowOf(rule.window, NOW), holders: [] }]);
      await left.next();
      await left.return();
      expect(await best()).toEqual([
        ['u-00', 150, 1],
        ['😀', 129, 2],
        ['\uff5e', 128, 3],
      ]);
    });
  });
});
