import fc from 'fast-check';
import {
  builtInRules,
  compareUtf8,
  factsOf,
  scopeOfPart,
  standingsByScope,
  standingsOf,
  titleRuleSchema,
  type Scope,
  type TitleRule,
} from '@laurel/titles';
import { deduplicate, deduplicateOutcomes, windowOf } from '@laurel/usage';
import { usageEvent } from '@laurel/usage/fixture';
import { writeChoices } from '../people.js';
import { TestDatabase } from '../test-database.fixture.js';
import { titleCandidates, type Candidate } from './candidates.js';
import {
  DAY,
  drawnFlags,
  drawnOutcomes,
  drawnRule,
  drawnRules,
  drawnUsage,
  leftOutBy,
  NOW,
  PEOPLE,
  priceOf,
  record,
  TODAY,
} from './drawn-usage.fixture.js';
import { aliasesOf, titleMeasurement, titleStandings } from './standings.js';

describe('the standings of a title', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  afterAll(() => database.drop());

  it('equal the definition’s, and so does the selection in SQL', async () => {
    await fc.assert(
      fc.asyncProperty(
        drawnUsage,
        drawnOutcomes,
        drawnRules,
        drawnFlags,
        fc.subarray([...PEOPLE, 'nobody'], { maxLength: 4 }),
        async (events, outcomes, all, flags, holders) => {
          await record(database, events, { outcomes, flags });
          const log = deduplicate(events);
          const made = deduplicateOutcomes(outcomes);
          for (const one of all) {
            const window = windowOf(one.window, NOW);
            const definition = standingsByScope(one, factsOf(log, window, priceOf, leftOutBy(one, flags), made));
            const aliases = await aliasesOf(database.client, window);
            const take = 3;
            const scopes = [...definition.keys()].sort(compareUtf8);
            const eligible = (scope: Scope) => (definition.get(scope) ?? []).filter((standing) => standing.eligible);

            const { query, query_params } = titleCandidates(one, window, aliases, take, holders);
            const selected = await database.rows<Candidate>(query, query_params);
            expect({
              one,
              selected: selected.map((row) => [scopeOfPart(one, row.part), row.user_id, Number(row.rank)]),
            }).toEqual({
              one,
              selected: scopes.flatMap((scope) =>
                eligible(scope)
                  .filter(({ userId }, index) => index < take || holders.includes(userId))
                  .map(({ userId, rank }) => [scope, userId, rank]),
              ),
            });

            const standings = await titleStandings(database.client, one, window, holders, take);
            for (const scope of scopes) {
              // A few more than asked for are read, see SPARE_CANDIDATES.
              const best = eligible(scope).slice(0, take + 5);
              const known = new Set([...best.map(({ userId }) => userId), ...holders]);
              const expected = (definition.get(scope) ?? []).filter(({ userId }) => known.has(userId));
              expect({ one, scope, standings: standings.get(scope) ?? [] }).toEqual({
                one,
                scope,
                standings: expected,
              });
            }
            // A holder may stand in a team that is too small for a board; nobody is eligible there.
            const others = [...standings].filter(([scope]) => !scopes.includes(scope)).flatMap(([, own]) => own);
            expect(others.filter((standing) => standing.eligible || !holders.includes(standing.userId))).toEqual([]);
          }
        },
      ),
      // Not interrupted after some time: what goes on behind that would disturb the tests that follow.
      { numRuns: 2, endOnFailure: true },
    );
  });

  it('are without those who are hidden, be they ahead of all or the holder, while the company’s share counts them', async () => {
    const hide = { visibility: 'hidden' as const, figures: 'exact' as const, changed_at: 1 };
    const hidden = fc.subarray(PEOPLE, { minLength: 1 });
    try {
      await fc.assert(
        fc.asyncProperty(
          drawnUsage,
          drawnOutcomes,
          drawnRule.map((one): TitleRule => ({ ...one, scope: 'company' })),
          hidden,
          fc.subarray(PEOPLE, { maxLength: 4 }),
          async (events, outcomes, one, hiding, holders) => {
            await record(database, events, { outcomes });
            await database.truncate(['people_choices']);
            const rows = hiding.map((userId, version) => ({ userId, choice: hide, version }));
            await writeChoices(database.client, rows);
            const seen = standingsOf(
              one,
              deduplicate(events),
              NOW,
              priceOf,
              undefined,
              deduplicateOutcomes(outcomes),
            ).filter(({ userId }) => !hiding.includes(userId));
            const ranked = seen.map((standing) => ({
              ...standing,
              rank: standing.eligible
                ? 1 + seen.filter((other) => other.eligible && other.value > standing.value).length
                : 0,
            }));
            const window = windowOf(one.window, NOW);
            const eligible = ranked.filter((standing) => standing.eligible);
            const known = new Set([...eligible.slice(0, 8).map(({ userId }) => userId), ...holders]);
            const standings = (await titleStandings(database.client, one, window, holders, 3)).get('company') ?? [];
            expect({ one, standings }).toEqual({ one, standings: ranked.filter(({ userId }) => known.has(userId)) });
          },
        ),
        { numRuns: 3, endOnFailure: true },
      );
    } finally {
      await database.truncate(['people_choices']);
    }
  });

  it('keep a family at exactly the least share, and a session over exactly the longest gap', async () => {
    const call = (user: string, minute: number, fields: Parameters<typeof usageEvent>[0]) =>
      usageEvent({ user_id: user, event_id: `e-${minute}`, occurred_at: (TODAY + minute * 60) * 1000, ...fields });
    const mixed = (user: string, input: number) => [
      call(user, 0, { model: 'gpt-5', tokens: { input: 990 } }),
      call(user, 1, { model: 'tiny', tokens: { input } }),
    ];
    const session = (user: string, gap: number) =>
      [0, 1, 1 + gap].map((minute) => call(user, 100 + minute, { session_id: 's', tokens: { input: 1 } }));
    // Ten of a thousand is one in a hundred, nine of 999 is less.
    const events = [...mixed('at', 10), ...mixed('below', 9), ...session('together', 30), ...session('apart', 31)];
    await record(database, events);
    const select = async (fields: object): Promise<unknown> => {
      const one = titleRuleSchema.parse({ id: 'a_title', name: 'A title', description: 'x', version: 1, ...fields });
      const window = windowOf('30d', NOW);
      const aliases = await aliasesOf(database.client, window);
      const { query, query_params } = titleCandidates(one, window, aliases, 9, []);
      const selected = (await database.rows<Candidate>(query, query_params)).map(({ user_id, rank }) => [
        user_id,
        Number(rank),
      ]);
      const eligible = standingsOf(one, events, NOW).filter((standing) => standing.eligible);
      expect(selected).toEqual(eligible.map(({ userId, rank }) => [userId, rank]));
      return selected;
    };
    expect(await select({ metric: { kind: 'effective_models' } })).toEqual([
      ['at', 1],
      ['apart', 2],
      ['below', 2],
      ['together', 2],
    ]);
    expect(await select({ metric: { kind: 'longest_session' } })).toEqual([
      ['together', 1],
      ['apart', 2],
    ]);
  });

  it('measure sessions as the definition does, wherever their minutes lie in hours and days, and whatever gap ends them', async () => {
    // Close together or anywhere in three days, by calls of the person or of an agent, which is no activity.
    const minute = fc.oneof(fc.integer({ min: 0, max: 130 }), fc.integer({ min: 0, max: 3 * 1440 - 1 }));
    const session = fc.record({
      user: fc.constantFrom('u-00', 'u-01', 'u-02'),
      id: fc.constantFrom('s-0', 's-1'),
      minutes: fc.array(minute, { minLength: 1, maxLength: 40 }),
      origin: fc.constantFrom('main' as const, 'main' as const, 'subagent' as const),
    });
    const gap = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.constantFrom(1, 28, 29, 30, 58, 59, 60));
    const metric = fc.record({ gap, cap: fc.integer({ min: 1, max: 30 }) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(session, { minLength: 1, maxLength: 12 }),
        fc.array(metric, { minLength: 12, maxLength: 12 }),
        async (sessions, metrics) => {
          const events = sessions.flatMap(({ user, id, minutes, origin }, at) =>
            minutes.map((one, index) =>
              usageEvent({
                ...{ user_id: user, session_id: id, event_id: `e-${at}-${index}`, origin, tokens: { input: 1 } },
                occurred_at: (TODAY + (one - 2 * 1440) * 60) * 1000,
              }),
            ),
          );
          await record(database, events);
          for (const { gap: max_gap_minutes, cap: daily_cap_minutes } of metrics) {
            const one = titleRuleSchema.parse({
              ...{ id: 'a_title', name: 'A title', description: 'x', version: 1 },
              metric: { kind: 'longest_session', max_gap_minutes, daily_cap_minutes },
            });
            const { query, query_params } = titleCandidates(one, windowOf('30d', NOW), [], 9, []);
            const selected = await database.rows<Candidate>(query, query_params);
            const expected = standingsOf(one, events, NOW).filter((standing) => standing.eligible);
            expect({ one, values: selected.map(({ user_id, amount }) => [user_id, amount]) }).toEqual({
              one,
              values: expected.map(({ userId, value }) => [userId, value]),
            });
          }
        },
      ),
      { numRuns: 4, endOnFailure: true },
    );
  });

  it('are empty where nothing was used', async () => {
    await database.truncate();
    for (const one of builtInRules) {
      const window = windowOf('30d', NOW);
      expect(await titleStandings(database.client, one, window, ['u-00'])).toEqual(new Map());
      expect(await titleMeasurement(database.client, one, 'u-00', window, 'company')).toBeUndefined();
    }
  });

  it('don’t depend on how many names of models somebody makes up, nor on what they are made of', async () => {
    const call = (user: string, index: number, model: string) =>
      usageEvent({ user_id: user, event_id: `e-${index}`, model, occurred_at: TODAY * 1000, tokens: { input: 1000 } });
    const gateways = ['gpt-5', 'azure/gpt-5', 'openai/gpt-5', 'gpt-5-2025-08-07', 'claude-opus-4-6'];
    // Each is another name of its family, as long as a name may be.
    const madeUp = Array.from({ length: 2000 }, (_, index) => `${'x'.repeat(230)}-${index}-2025-08-07`);
    const odd = ["'; DROP TABLE usage_events; --/a", "back\\slash/'", 'n\0ul/b', '\n\t/c'];
    await record(database, [
      ...gateways.flatMap((model, index) => [call('fair', 2 * index, model), call('fair', 2 * index + 1, model)]),
      ...madeUp.map((model, index) => call('flood', index, model)),
      ...odd.flatMap((model, index) => [0, 1, 2].map((again) => call('odd', 3 * index + again, model))),
    ]);
    const one = titleRuleSchema.parse({
      id: 'a_title',
      name: 'A title',
      description: 'x',
      version: 1,
      metric: { kind: 'effective_models' },
    });
    const standings = await titleStandings(database.client, one, windowOf('30d', NOW), []);
    const value = new Map(standings.get('company')?.map((standing) => [standing.userId, standing.value]));
    expect(value.get('odd')).toBe(4);
    expect(value.get('fair')).toBeCloseTo(Math.exp(-(0.8 * Math.log(0.8) + 0.2 * Math.log(0.2))), 9);
  });

  it('give one person’s value over another window', async () => {
    const call = (daysAgo: number, tokens: number) =>
      usageEvent({ event_id: `e-${daysAgo}`, occurred_at: (TODAY - daysAgo * DAY) * 1000, tokens: { input: tokens } });
    await record(database, [call(0, 1), call(6, 20), call(7, 300), call(29, 4000), call(30, 50_000)]);
    const [legend] = builtInRules;
    const value = async (days: number) =>
      (await titleMeasurement(database.client, legend, 'u-1', windowOf(`${days}d`, NOW), 'company'))?.value;
    expect([await value(1), await value(7), await value(30), await value(31)]).toEqual([1, 21, 4321, 54_321]);
  });
});
