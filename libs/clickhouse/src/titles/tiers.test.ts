import fc from 'fast-check';
import {
  AwardFold,
  decideTiers,
  factsOf,
  hasTiers,
  peersOf,
  standingsByScope,
  tierAfter,
  tierLevels,
  titleRuleSchema,
  zoneOf,
  type Tier,
  type TieredRule,
  type TitleRule,
} from '@laurel/titles';
import { deduplicate, windowOf } from '@laurel/usage';
import { usageEvent } from '@laurel/usage/fixture';
import { writeChoices } from '../people.js';
import { TestDatabase } from '../test-database.fixture.js';
import { drawnFlags, drawnRule, drawnUsage, leftOutBy, NOW, priceOf, record, TODAY } from './drawn-usage.fixture.js';
import { titlePeers, tierFigures, TierReader } from './tiers.js';
import { tierZones, type BucketRow } from './tier-statements.js';

const tieredBy = (rule: TitleRule, tiers: object): TieredRule => {
  const tiered = titleRuleSchema.parse({ ...rule, tiers });
  if (!hasTiers(tiered)) throw new Error('no tiers');
  return tiered;
};

/** Thresholds where values of all metrics lie: shares, numbers of models and days, minutes, tokens, costs. */
const byValue = fc
  .uniqueArray(fc.constantFrom(0.2, 0.5, 1, 1.5, 2, 3, 100, 777, 5000, 5400, 20_000, 1_000_000), {
    minLength: 6,
    maxLength: 6,
  })
  .map((drawn) => {
    const [bronze, silver, gold, platinum, diamond, emerald] = drawn.sort((a, b) => a - b);
    return { by: 'value', levels: { bronze, silver, gold, platinum, diamond, emerald } };
  });
const byPart = fc.constantFrom(
  { by: 'top_per_mille', levels: { bronze: 900, silver: 500, gold: 100 } },
  { by: 'top_per_mille', levels: { silver: 300, emerald: 1 } },
);
const drawnTiers = fc
  .tuple(fc.oneof(byValue, byPart), fc.constantFrom(0.001, 0.1, 0.5))
  .map(([tiers, by]) => ({ ...tiers, margin: { kind: 'relative', by } }));
const drawnTiered = fc.tuple(drawnRule, drawnTiers).map(([rule, tiers]) => tieredBy(rule, tiers));

describe('tiers', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  afterAll(() => database.drop());

  /** One tick: finds, reads, decides, and tells how many were looked at. */
  async function tick(reader: TierReader, rule: TieredRule, fold: AwardFold): Promise<number> {
    const { client } = database;
    const window = windowOf(rule.window, NOW);
    const candidates = await reader.candidates(client, rule, window, fold.tiers);
    if (candidates.length === 0) return 0;
    for (const figures of await tierFigures(client, rule, window, candidates)) {
      const evaluation = { rule, ...figures, window, evaluatedAtMs: NOW };
      for (const event of decideTiers(evaluation, fold.tierState(rule.id, figures.scope))) fold.take(event);
    }
    return candidates.length;
  }
  const tiersIn = (fold: AwardFold, rule: TieredRule): Map<string, Tier> =>
    new Map([...fold.tiers.of(rule.id)].map(({ scope, userId, tier }) => [`${scope}|${userId}`, tier]));

  it('that are found by SQL and decided from figures are those of the definition, whoever had which before', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(fc.tuple(drawnUsage, drawnFlags), fc.tuple(drawnUsage, drawnFlags)),
        fc.array(drawnTiered, { minLength: 4, maxLength: 4 }),
        async (usages, rules) => {
          const folds = rules.map(() => new AwardFold());
          const readers = rules.map(() => new TierReader());
          for (const [events, flags] of usages) {
            await record(database, events, { flags });
            const log = deduplicate(events);
            for (const [index, rule] of rules.entries()) {
              const fold = folds[index] ?? new AwardFold();
              const reader = readers[index] ?? new TierReader();
              const window = windowOf(rule.window, NOW);
              const held = tiersIn(fold, rule);
              const expected = new Map<string, Tier>();
              const peers = await titlePeers(database.client, rule, window);
              const facts = factsOf(log, window, priceOf, leftOutBy(rule, flags));
              for (const [scope, standings] of standingsByScope(rule, facts)) {
                const own = peersOf(rule.tiers, standings);
                if (own.people > 0 && rule.tiers.by === 'top_per_mille') {
                  expect({ rule, scope, peers: peers.get(scope) }).toEqual({ rule, scope, peers: own });
                }
                const levels = tierLevels(rule.tiers, own);
                for (const one of standings) {
                  const key = `${scope}|${one.userId}`;
                  const tier = tierAfter(levels, zoneOf(levels, one), held.get(key) ?? null);
                  if (tier !== null) expected.set(key, tier);
                }
              }
              const changed = [...new Set([...held.keys(), ...expected.keys()])].filter(
                (key) => held.get(key) !== expected.get(key),
              );
              const looked = await tick(reader, rule, fold);
              expect({ rule, tiers: tiersIn(fold, rule) }).toEqual({ rule, tiers: expected });
              expect(looked).toBeGreaterThanOrEqual(changed.length);
              // Nobody more than those who change, and who is at a threshold by less than a float's last bits.
              expect(looked).toBeLessThanOrEqual(changed.length + 4);
              const again = await tick(reader, rule, fold);
              expect(again).toBeLessThanOrEqual(looked - changed.length);
              expect(await tick(reader, rule, fold)).toBe(again);
            }
          }
        },
      ),
      { numRuns: 2, endOnFailure: true },
    );
  });

  const legend = (fields: object = {}): TieredRule =>
    tieredBy(
      titleRuleSchema.parse({
        id: 'a_title',
        name: 'A title',
        description: 'x',
        version: 1,
        metric: { kind: 'capped_tokens' },
        ...fields,
      }),
      { by: 'value', levels: { bronze: 100, gold: 1000 } },
    );
  const used = (user: string, tokens: number, fields: object = {}) =>
    usageEvent({
      user_id: user,
      event_id: `e-${user}`,
      occurred_at: TODAY * 1000,
      tokens: { input: tokens },
      ...fields,
    });

  it('of people who are as they were send nobody', async () => {
    const rule = legend();
    const window = windowOf(rule.window, NOW);
    const people = Array.from({ length: 300 }, (_, index) => `p-${index}`);
    await record(
      database,
      people.map((user, index) => used(user, 50 + 10 * index)),
    );
    const [fold, reader] = [new AwardFold(), new TierReader()];
    expect(await tick(reader, rule, fold)).toBe(295);
    expect(await tick(reader, rule, fold)).toBe(0);
    const read = async (known: readonly number[]) => {
      const { query, query_params } = tierZones(rule, window, [], known);
      return database.rows<BucketRow>(query, { ...query_params });
    };
    const nothing = await read(Array.from({ length: 1024 }, () => 0));
    expect(nothing.flatMap((row) => row.people)).toHaveLength(296);
    const known = Array.from({ length: 1024 }, (_, bucket) => nothing.find((row) => row.bucket === bucket)?.hash ?? 0);
    expect((await read(known)).flatMap((row) => row.people)).toEqual([]);
    // More usage that crosses nothing sends nobody either; what crosses sends the few in the same bucket.
    await record(
      database,
      people.map((user, index) => used(user, 51 + 10 * index + (user === 'p-7' ? 1000 : 0))),
    );
    const sent = (await read(known)).flatMap((row) => row.people);
    expect(sent.map(([user]) => user)).toContain('p-7');
    expect(sent.length).toBeLessThan(10);
    expect(await tick(reader, rule, fold)).toBe(1);
    expect(fold.tiers.held('a_title', 'company', 'p-7')?.tier).toBe('gold');
  });

  it('that were not decided are found again, be they of people who are gone', async () => {
    const rule = legend();
    const window = windowOf(rule.window, NOW);
    await record(database, [used('ada', 500), used('bo', 500)]);
    const [fold, reader] = [new AwardFold(), new TierReader()];
    await tick(reader, rule, fold);
    await record(database, [used('ada', 5000)]);
    const find = async (from: TierReader) =>
      (await from.candidates(database.client, rule, window, fold.tiers))
        .map(({ userId, rank }) => [userId, rank])
        .sort();
    const both = [
      ['ada', 1],
      ['bo', 0],
    ];
    const fresh = new TierReader();
    expect([await find(reader), await find(reader), await find(fresh), await find(fresh)]).toEqual([
      both,
      both,
      both,
      both,
    ]);
    await tick(fresh, rule, fold);
    expect([await find(reader), await find(fresh)]).toEqual([[], []]);
    await record(database, []);
    expect([await find(reader), await find(fresh), await find(fresh)]).toEqual([
      [['ada', 0]],
      [['ada', 0]],
      [['ada', 0]],
    ]);
    await tick(fresh, rule, fold);
    expect([...fold.tiers.of('a_title')]).toEqual([]);
    await record(database, [used('bo', 500)]);
    expect([await find(reader), await find(fresh)]).toEqual([[['bo', 1]], [['bo', 1]]]);
  });

  it('are lost by whoever hides, and in a team by whoever leaves it', async () => {
    const rule = legend({ scope: 'each_team' });
    const window = windowOf(rule.window, NOW);
    const team = (name: string, ...users: readonly string[]) => users.map((user) => used(user, 500, { team: name }));
    const others = [
      ...team('red', 'r-1', 'r-2', 'r-3', 'r-4', 'r-5'),
      ...team('blue', 'b-1', 'b-2', 'b-3', 'b-4', 'b-5'),
    ];
    await record(database, [...others, ...team('red', 'ada')]);
    const [fold, reader] = [new AwardFold(), new TierReader()];
    await tick(reader, rule, fold);
    const scopesOf = (user: string) => fold.tiers.heldBy('a_title', user).map(({ scope }) => scope);
    expect([fold.tiers.counts('a_title', 'team:red').get('bronze'), scopesOf('ada')]).toEqual([6, ['team:red']]);
    await record(database, [...others, ...team('blue', 'ada')]);
    expect(await tick(reader, rule, fold)).toBe(2);
    expect(scopesOf('ada')).toEqual(['team:blue']);
    try {
      const choice = { visibility: 'hidden' as const, figures: 'exact' as const, changed_at: 1 };
      await writeChoices(database.client, [{ userId: 'ada', choice, version: 1 }]);
      expect(await reader.candidates(database.client, rule, window, fold.tiers)).toEqual([
        { userId: 'ada', scope: 'team:blue', rank: 0 },
      ]);
    } finally {
      await database.truncate(['people_choices']);
    }
  });
});
