import fc from 'fast-check';
import { tokenClasses, tokenFields, type JsonObject, type UsageEvent } from '@laurel/events';
import {
  activeMinutes,
  attendanceOf,
  costsBy,
  dayKey,
  dayOf,
  deduplicate,
  figuresBy,
  figuresByUser,
  hourOf,
  hourStartMs,
  isCounted,
  isWithin,
  picoUsdOf,
  priceOn,
  RATE_PER_USD_PER_MILLION,
  totalOf,
  windowOf,
  type CostFigures,
  type Day,
  type Figures,
  type Price,
  type Rates,
  type Schedule,
} from '@laurel/usage';
import { usageEvent } from '@laurel/usage/fixture';
import { dayFigures, suspectsOf } from './audit/index.js';
import { addPrices } from './prices/price-table.js';
import { readClosures } from './projections.js';
import { Roller, type Step } from './roller.fixture.js';
import { TestDatabase } from './test-database.fixture.js';
import { figuresOfRow } from './titles/facts.js';

const HOUR = 3600;
const DAY = 86_400;
const TODAY = Math.floor(Date.now() / 1000 / DAY) * DAY;
/** The three days before today, and one that lies outside the 30 days. */
const DAYS = [TODAY - 31 * DAY, TODAY - 3 * DAY, TODAY - 2 * DAY, TODAY - DAY];

/** Times on both sides of minutes, hours and midnights. */
const anIdentity = fc.record({
  event_id: fc.constantFrom('a', 'b'),
  source: fc.constantFrom('x', 'y'),
  user_id: fc.constantFrom('u-1', 'u-2', 'ü-3'),
  occurred_at: fc
    .tuple(
      fc.constantFrom(...DAYS),
      fc.constantFrom(0, 1, 3599, HOUR, HOUR + 59, HOUR + 60, 23 * HOUR, DAY - 1),
      fc.constantFrom(0, 999),
    )
    .map(([day, seconds, ms]) => (day + seconds) * 1000 + ms),
});

const contents = fc.record({
  revision: fc.nat(2),
  retracted: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  team: fc.constantFrom(null, 't-1', 't-2'),
  session_id: fc.constantFrom(null, 's-1', 's-2'),
  provider: fc.constantFrom('p', 'q'),
  model: fc.constantFrom('m', 'n'),
  status: fc.constantFrom('ok', 'ok', 'error', 'cancelled'),
  origin: fc.constantFrom('main', 'main', 'subagent', 'auxiliary', 'unknown'),
  cost_micro_usd: fc.constantFrom(null, 0, 2 ** 50),
  tokens: fc.record({
    input: fc.integer({ min: 0, max: 2 ** 40 }),
    cache_read: fc.nat(9),
    cache_write_5m: fc.nat(9),
    cache_write_1h: fc.nat(9),
    cache_write: fc.nat(9),
    output: fc.integer({ min: 9, max: 2 ** 40 }),
    reasoning: fc.nat(9),
  }),
});

/** Of few identities, so that revisions, retractions and copies meet, in one lot and across lots. */
const steps: fc.Arbitrary<readonly Step[]> = fc
  .array(anIdentity, { minLength: 1, maxLength: 16 })
  .chain((identities) => {
    const anEvent = fc
      .tuple(fc.constantFrom(...identities), contents)
      .map((parts): UsageEvent => usageEvent(Object.assign({}, ...parts) as JsonObject));
    return fc.array(
      fc.record({ events: fc.array(anEvent, { maxLength: 20 }), closeHours: fc.nat(40), closeDays: fc.boolean() }),
      { minLength: 1, maxLength: 3 },
    );
  });

const aRate = fc.oneof(
  fc.constantFrom(null, 0, 1, 3_750_000, 100 * RATE_PER_USD_PER_MILLION),
  fc.integer({ min: 0, max: 100 * RATE_PER_USD_PER_MILLION }),
);
const rates = fc.record(
  Object.fromEntries(
    tokenClasses.map((name) => [name, name === 'input' ? aRate.filter((rate) => rate !== null) : aRate]),
  ),
) as unknown as fc.Arbitrary<Rates>;
const aPrice: fc.Arbitrary<Price | null> = fc.option(
  fc.record({ rates, long: fc.option(fc.record({ above: fc.constantFrom(9, 2 ** 39), rates })) }),
  { freq: 4 },
);
/** From before all events, and from some of their days on. */
const aSchedule: fc.Arbitrary<Schedule> = fc
  .tuple(aPrice, fc.subarray(DAYS.slice(1)), fc.array(aPrice, { minLength: 3, maxLength: 3 }))
  .map(([first, days, later]) => [
    { from: 0 as Day, price: first },
    ...days.map((day, index) => ({ from: (day / DAY) as Day, price: later[index] ?? null })),
  ]);
/** Of the pairs that events have; some are not in the table. */
const aPriceList = fc.dictionary(fc.constantFrom('p m', 'p n', 'q m', 'q n'), aSchedule, { noNullPrototype: true });

const ONE_EACH = Object.fromEntries(tokenClasses.map((name) => [name, 1])) as unknown as Rates;

const MEASURES = [...tokenFields.map((field) => `${field}_tokens`), 'events', 'cost_micro_usd'];
const SUMS = MEASURES.map((name) => `sum(t.${name}) AS ${name}`).join(', ');
const key = (parts: readonly unknown[]): string => JSON.stringify(parts.map(String));
const sorted = <V>(map: ReadonlyMap<string, V>): readonly (readonly [string, V])[] =>
  [...map].sort(([a], [b]) => (a < b ? -1 : 1));

describe('the views', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  afterAll(() => database.drop());

  const figures = async (view: string, keys: readonly string[]): Promise<ReadonlyMap<string, Figures>> => {
    const columns = keys.map((name, index) => `toString(${name}) AS key_${index}`).join(', ');
    const rows = await database.rows<Parameters<typeof figuresOfRow>[0] & Record<`key_${number}`, string>>(
      `SELECT ${columns}, ${SUMS} FROM ${view} AS t GROUP BY ${keys.map((_, index) => `key_${index}`).join(', ')}`,
    );
    return new Map(rows.map((row) => [key(keys.map((_, index) => row[`key_${index}`])), figuresOfRow(row)]));
  };

  const costs = async (view: string, keys: readonly string[]): Promise<ReadonlyMap<string, CostFigures>> => {
    const columns = keys.map((name, index) => `toString(${name}) AS key_${index}`).join(', ');
    const rows = await database.rows<Record<'cost' | 'saving' | 'unpriced' | `key_${number}`, string>>(
      `SELECT ${columns}, toString(sum(t.list_cost_usd)) AS cost, toString(sum(t.cache_saving_usd)) AS saving, sum(t.unpriced_events) AS unpriced
       FROM ${view} AS t GROUP BY ${keys.map((_, index) => `key_${index}`).join(', ')}`,
    );
    return new Map(
      rows.map((row) => [
        key(keys.map((_, index) => row[`key_${index}`])),
        { listCost: picoUsdOf(row.cost), cacheSaving: picoUsdOf(row.saving), unpricedEvents: Number(row.unpriced) },
      ]),
    );
  };

  it('equal the reference model of the log, wherever the boundaries of closed hours and days lie', async () => {
    await fc.assert(
      fc.asyncProperty(
        steps,
        fc.constantFrom(...DAYS.slice(0, 3)),
        fc.constantFrom(0, 1, 23),
        aPriceList,
        async (all, firstDay, firstHour, prices) => {
          await database.truncate();
          for (const [pair, steps] of Object.entries(prices)) {
            const [provider = '', model = ''] = pair.split(' ');
            // An older version of the same days, which nobody is to see.
            const older = steps.map((step) => ({ ...step, price: { rates: ONE_EACH, long: null } }));
            await addPrices(database.client, [{ provider, model, steps: older }], 'older', 1);
            await addPrices(database.client, [{ provider, model, steps }], 'test', 2);
          }
          const priceOf = (provider: string, model: string, day: Day): Price | null =>
            priceOn(prices[`${provider} ${model}`] ?? [], day);
          const roller = new Roller(database, firstDay + firstHour * HOUR, TODAY);
          await roller.begin();
          for (const step of all) await roller.take(step);
          const log = deduplicate(all.flatMap(({ events }) => events));
          const hourKey = ({ occurred_at }: UsageEvent): number => hourStartMs(hourOf(occurred_at)) / 1000;
          const dayName = ({ occurred_at }: UsageEvent): string => dayKey(dayOf(occurred_at));

          expect(
            sorted(
              await figures('usage', [
                'toUnixTimestamp(hour)',
                'user_id',
                'team',
                'provider',
                'model',
                'origin',
                'status',
              ]),
            ),
          ).toEqual(
            sorted(
              figuresBy(log, (e) =>
                key([hourKey(e), e.user_id, e.team ?? '', e.provider, e.model, e.origin, e.status]),
              ),
            ),
          );
          expect(sorted(await figures('usage_by_day', ['day', 'user_id', 'team', 'counted']))).toEqual(
            sorted(figuresBy(log, (e) => key([dayName(e), e.user_id, e.team ?? '', isCounted(e)]))),
          );
          expect(
            sorted(await figures('model_usage_by_day', ['day', 'user_id', 'provider', 'model', 'counted'])),
          ).toEqual(sorted(figuresBy(log, (e) => key([dayName(e), e.user_id, e.provider, e.model, isCounted(e)]))));

          expect(
            sorted(await costs('usage', ['toUnixTimestamp(hour)', 'user_id', 'provider', 'model', 'status'])),
          ).toEqual(sorted(costsBy(log, (e) => key([hourKey(e), e.user_id, e.provider, e.model, e.status]), priceOf)));
          expect(sorted(await costs('usage_by_day', ['day', 'user_id', 'team', 'counted']))).toEqual(
            sorted(costsBy(log, (e) => key([dayName(e), e.user_id, e.team ?? '', isCounted(e)]), priceOf)),
          );
          expect(sorted(await costs('model_usage_by_day', ['day', 'provider', 'model', 'counted']))).toEqual(
            sorted(costsBy(log, (e) => key([dayName(e), e.provider, e.model, isCounted(e)]), priceOf)),
          );
          const versions = await database.rows<{ pair: string; version: string }>(
            "SELECT DISTINCT concat(provider, ' ', model) AS pair, toString(price_version) AS version FROM usage",
          );
          expect(
            versions.filter(({ pair, version }) => version !== '0' && (prices[pair] === undefined || version !== '2')),
          ).toEqual([]);
          const closed = await readClosures(database.client);
          for (const day of DAYS.filter((one) => one >= firstDay)) {
            const found = await dayFigures(database.client, day, closed);
            expect(
              suspectsOf(found, day, closed).filter(({ bucket }) => bucket >= firstDay + firstHour * HOUR),
            ).toEqual([]);
          }

          const activity = await database.rows<{ user_id: string; session_id: string; minute: string }>(
            `SELECT user_id, session_id, toString(intDiv(toUnixTimestamp(hour), 60) + arrayJoin(bitPositionsToArray(groupBitOr(active_minutes)))) AS minute
           FROM session_activity GROUP BY user_id, session_id, hour`,
          );
          expect(activity.map((row) => key([row.user_id, row.session_id, row.minute])).sort()).toEqual(
            activeMinutes(log)
              .flatMap(({ userId, sessionId, minutes }) => minutes.map((minute) => key([userId, sessionId, minute])))
              .sort(),
          );
          const sessions = await database.rows<{ user_id: string; session_id: string }>(
            'SELECT DISTINCT user_id, session_id FROM session_activity',
          );
          expect(sessions.map((row) => key([row.user_id, row.session_id])).sort()).toEqual(
            [
              ...new Set(
                log.filter((e) => isCounted(e) && e.session_id !== null).map((e) => key([e.user_id, e.session_id])),
              ),
            ].sort(),
          );

          const attendance = await database.rows<Record<'user_id' | 'hour' | 'used' | 'minutes', string>>(
            `SELECT user_id, toString(toRelativeDayNum(day) * 24 + one.1) AS hour, toString(one.2) AS used, toString(one.3) AS minutes
             FROM attendance ARRAY JOIN arrayZip(hours, tokens, own_minutes) AS one`,
          );
          expect(attendance.map((row) => key([row.user_id, row.hour, row.used, row.minutes])).sort()).toEqual(
            attendanceOf(log)
              .map(({ userId, hour, tokens, ownMinutes }) => key([userId, hour, tokens, ownMinutes]))
              .sort(),
          );

          const window = windowOf('30d', TODAY * 1000);
          const board = await database.rows<
            Parameters<typeof figuresOfRow>[0] & { user_id: string; total_tokens: string }
          >('SELECT * FROM leaderboard_30d');
          const expected = [...figuresByUser(log.filter((e) => isWithin(window, e.occurred_at)))]
            .map(([user, own]) => ({ user, total: totalOf(own), figures: own }))
            .sort((a, b) =>
              a.total === b.total
                ? Buffer.compare(Buffer.from(a.user), Buffer.from(b.user))
                : a.total > b.total
                  ? -1
                  : 1,
            );
          expect(
            board.map((row) => ({ user: row.user_id, total: BigInt(row.total_tokens), figures: figuresOfRow(row) })),
          ).toEqual(expected);
        },
      ),
      { numRuns: 10 },
    );
  }, 300_000);
});
