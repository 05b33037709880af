import fc from 'fast-check';
import {
  builtInRules,
  compareUtf8,
  factsOf,
  isScopeOf,
  standingsByScope,
  standingsNeeded,
  type Scope,
  type TitleRule,
} from '@laurel/titles';
import { dayOf, deduplicate, deduplicateOutcomes, windowOf } from '@laurel/usage';
import { usageEvent } from '@laurel/usage/fixture';
import { TestDatabase } from '../test-database.fixture.js';
import {
  DAY,
  drawnFlags,
  drawnOutcomes,
  drawnRules,
  drawnUsage,
  leftOutBy,
  PEOPLE,
  priceOf,
  record,
  TODAY,
} from './drawn-usage.fixture.js';
import { firstDayNeeded, Past, type PastRange } from './past.js';

const DAY_MS = DAY * 1000;
const HOUR_MS = 3_600_000;
const FIRST_MS = (TODAY - 9 * DAY) * 1000;
const LAST_MS = (TODAY + DAY) * 1000;
/** Looks at all of history. */
const RANGE: PastRange = { rules: [{ ...builtInRules[0], window: 'all' }], instants: [FIRST_MS, LAST_MS] };

describe('the past', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  afterAll(() => database.drop());

  const copies = async (): Promise<readonly string[]> => {
    const rows = await database.rows<{ name: string }>(
      `SELECT name FROM system.databases WHERE startsWith(name, '${database.connection.database}_past_')`,
    );
    return rows.map(({ name }) => name);
  };
  const inPast = async (range: PastRange, work: (past: Past) => Promise<void>): Promise<void> => {
    const past = await Past.open(database.client, database.connection, range);
    try {
      await work(past);
    } finally {
      await past.close();
    }
  };

  it('has the standings of usage before its instant, whatever way it is gone through', async () => {
    const hours = fc.integer({ min: 0, max: (LAST_MS - FIRST_MS) / HOUR_MS });
    await fc.assert(
      fc.asyncProperty(
        drawnUsage,
        drawnOutcomes,
        drawnRules,
        drawnFlags,
        fc.array(hours, { minLength: 4, maxLength: 4 }),
        fc.subarray(PEOPLE, { maxLength: 3 }),
        async (events, outcomes, rules, flags, times, holders) => {
          await record(database, events, { outcomes, flags });
          const log = deduplicate(events);
          const made = deduplicateOutcomes(outcomes);
          const instants = times.map((hour) => FIRST_MS + hour * HOUR_MS);
          const range = { rules, instants: [...new Set(instants)].sort((a, b) => a - b) };
          await inPast(range, async (past) => {
            for (const atMs of instants) {
              const before = log.filter(({ occurred_at }) => occurred_at < atMs);
              for (const rule of rules) {
                const window = windowOf(rule.window, atMs);
                const definition = standingsByScope(
                  rule,
                  factsOf(
                    before,
                    window,
                    priceOf,
                    leftOutBy(rule, flags, atMs),
                    made.filter(({ occurred_at }) => occurred_at < atMs),
                  ),
                );
                const found = await past.standings(rule, window, holders, atMs);
                const sketch = await past.sketch(rule, window, holders, atMs);
                const eligible = (of: typeof found) =>
                  [...of]
                    .sort(([a], [b]) => compareUtf8(a, b))
                    .flatMap(([scope, own]) => own.filter((one) => one.eligible).map((one) => ({ scope, ...one })));
                expect(eligible(sketch)).toEqual(
                  eligible(found).map((one) => ({
                    ...one,
                    evidence: {},
                    value: expect.closeTo(one.value, 9) as number,
                  })),
                );
                const scopes = new Set<Scope>([...definition.keys(), ...found.keys()]);
                for (const scope of [...scopes].sort(compareUtf8)) {
                  const all = definition.get(scope) ?? [];
                  const best = all.filter(({ eligible }) => eligible).slice(0, standingsNeeded(rule));
                  const known = new Set([...best.map(({ userId }) => userId), ...holders]);
                  // A few more than are needed are read; and of holders whose team has no board.
                  const own = (found.get(scope) ?? []).filter(({ userId }) => known.has(userId));
                  const expected = all.filter(({ userId }) => known.has(userId));
                  if (definition.has(scope))
                    expect({ rule, atMs, scope, own }).toEqual({ rule, atMs, scope, own: expected });
                  else expect([isScopeOf(rule, scope), own.some(({ eligible }) => eligible)]).toEqual([true, false]);
                }
              }
            }
          });
        },
      ),
      { numRuns: 2, endOnFailure: true },
    );
    expect(await copies()).toEqual([]);
  });

  it('leaves days out of what the company has, too, in the sketch as in the standings', async () => {
    const [wizard] = builtInRules.filter(({ metric }) => metric.kind === 'cache_share');
    if (wizard === undefined) throw new Error('no title of cache shares');
    const none = { min_tokens: 0, min_active_days: 0, min_sessions: 0, min_list_cost_usd: 0, min_tenure_days: 0 };
    const rule: TitleRule = { ...wizard, eligibility: none, fair_play: { exclude: ['spike'] } };
    const call = (user_id: string, cache_read: number) =>
      usageEvent({
        user_id,
        occurred_at: TODAY * 1000 - DAY_MS,
        tokens: { input: 1000, cache_read, output: 1000 },
      });
    const flags = [{ userId: 'bo', day: dayOf(TODAY * 1000 - DAY_MS), signal: 'spike' }] as const;
    await record(database, [call('ada', 500), call('bo', 9000)], { flags });
    const instants = [FIRST_MS, TODAY * 1000];
    await inPast({ rules: [rule], instants }, async (past) => {
      const asked = [rule, windowOf(rule.window, TODAY * 1000), [], TODAY * 1000] as const;
      const [standings, sketch] = [await past.standings(...asked), await past.sketch(...asked)];
      for (const found of [standings, sketch]) {
        const [best] = (found.get('company') ?? []).filter(({ eligible }) => eligible);
        // Nobody else's usage counts, so that her share is the company's.
        expect(best).toMatchObject({ userId: 'ada', value: expect.closeTo(1 / 3, 9) as number });
      }
    });
  });

  it('tells what part of all tokens some people used in some days', async () => {
    const call = (user_id: string, daysAgo: number, input: number) =>
      usageEvent({ user_id, event_id: `${daysAgo}`, occurred_at: TODAY * 1000 - daysAgo * DAY_MS, tokens: { input } });
    await record(database, [call('ada', 0, 100), call('ada', 1, 50), call('bo', 1, 150), call('cy', 2, 1000)]);
    await inPast(RANGE, async (past) => {
      const days = [dayOf((TODAY - DAY) * 1000), dayOf(TODAY * 1000)] as const;
      await past.goTo((TODAY + DAY) * 1000 - HOUR_MS);
      expect(await past.shareOfTokens(['ada'], ...days)).toBe(0.5);
      await past.goTo(TODAY * 1000);
      expect(await past.shareOfTokens(['ada'], ...days)).toBe(0.25);
      expect(await past.shareOfTokens([], ...days)).toBe(0);
    });
  });

  it('drops copies that were forgotten for a day, and no other', async () => {
    const name = (ms: number): string => `${database.connection.database}_past_${ms}_0badcafe`;
    const [old, fresh] = [name(Date.now() - 25 * HOUR_MS), name(Date.now() - HOUR_MS)];
    for (const one of [old, fresh]) await database.client.command({ query: `CREATE DATABASE ${one}` });
    await inPast(RANGE, () => Promise.resolve());
    expect(await copies()).toEqual([fresh]);
    await database.client.command({ query: `DROP DATABASE ${fresh} SYNC` });
  });

  it('needs all of history for what looks at all of it', () => {
    const at = TODAY * 1000;
    const [legend] = builtInRules;
    expect(firstDayNeeded([legend], at)).toBe(dayOf(at) - 29);
    expect(firstDayNeeded([legend, { ...legend, window: 'all' }], at)).toBeUndefined();
    expect(
      firstDayNeeded([{ ...legend, eligibility: { ...legend.eligibility, min_tenure_days: 1 } }], at),
    ).toBeUndefined();
    const sage = builtInRules.find(({ id }) => id === 'frugal_sage');
    expect(sage === undefined ? 0 : firstDayNeeded([sage], at)).toBe(dayOf(at) - 27);
    expect(firstDayNeeded([], at)).toBe(dayOf(at));
  });
});
