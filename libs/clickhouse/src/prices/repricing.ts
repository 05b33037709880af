import type { ClickHouseClient } from '@clickhouse/client';
import { tokenClasses } from '@laurel/events';
import { pairKey, priceOn, samePrice, type Day, type Price } from '@laurel/usage';
import { IS_ERASED, type TouchedDay } from '../erasures.js';
import { COST_SUMS, NEVER_LONG, PRICED, rateColumns } from './roll-costs.js';
import type { PriceChange } from './price-keeper.js';
import type { Pair } from './price-table.js';

/** What the events of one model on one day cost; US dollars as decimal text. */
export interface DayCosts {
  readonly listCostUsd: string;
  readonly cacheSavingUsd: string;
  readonly unpricedEvents: number;
}

/** What a change of prices would do to one model's figures of one day. */
export interface RepricedDay extends Pair {
  readonly day: Day;
  readonly events: number;
  readonly before: DayCosts;
  readonly after: DayCosts;
}

interface CostRow extends Pair {
  readonly events: string;
  readonly cost: string;
  readonly saving: string;
  readonly unpriced: string;
}

const costsOf = ({ cost, saving, unpriced }: CostRow): DayCosts => ({
  listCostUsd: cost,
  cacheSavingUsd: saving,
  unpricedEvents: Number(unpriced),
});

/**
 * The figures that would change, day by day, with what they are and what they would be. The former are those of the projections, the
 * latter are computed from the log as a roll would.
 */
export async function* repricedDays(
  client: ClickHouseClient,
  changes: readonly PriceChange[],
): AsyncGenerator<RepricedDay, void> {
  for (const [day, some] of await changedDays(client, changes)) {
    const wanted = some.map(({ steps, ...pair }) => ({ ...pair, price: priceOn(steps, day) }));
    const after = new Map((await costsAt(client, day, wanted)).map((row) => [pairKey(row.provider, row.model), row]));
    for (const before of await presentCosts(client, day, some)) {
      const later = after.get(pairKey(before.provider, before.model));
      if (later === undefined) continue;
      const { provider, model } = before;
      yield { provider, model, day, events: Number(later.events), before: costsOf(before), after: costsOf(later) };
    }
  }
}

/** The days on which a model that is used then gets another price, ascending. */
async function changedDays(
  client: ClickHouseClient,
  changes: readonly PriceChange[],
): Promise<ReadonlyMap<Day, readonly PriceChange[]>> {
  if (changes.length === 0) return new Map();
  const byPair = new Map(changes.map((change) => [pairKey(change.provider, change.model), change]));
  const result = await client.query({
    query: `SELECT DISTINCT toRelativeDayNum(t.day) AS day_number, provider, model FROM model_usage_by_day AS t
            WHERE ${AMONG} ORDER BY day_number, provider, model`,
    query_params: { pairs: pairsText(changes) },
    format: 'JSONEachRow',
  });
  const days = new Map<Day, PriceChange[]>();
  for (const { day_number, provider, model } of await result.json<Pair & { readonly day_number: number }>()) {
    const day = day_number as Day;
    const change = byPair.get(pairKey(provider, model));
    if (change === undefined || !changesOn(change, day)) continue;
    days.set(day, [...(days.get(day) ?? []), change]);
  }
  return days;
}

/** What is stored of the events of pairs; one parameter, as ids are anybody's. */
const AMONG = "(provider, model) IN (SELECT arrayJoin(JSONExtract({pairs:String}, 'Array(Tuple(String, String))')))";
const pairsText = (pairs: readonly Pair[]): string =>
  JSON.stringify(pairs.map(({ provider, model }) => [provider, model]));

async function presentCosts(client: ClickHouseClient, day: Day, pairs: readonly Pair[]): Promise<readonly CostRow[]> {
  const result = await client.query({
    query: `SELECT provider, model, sum(t.events) AS events, toString(sum(t.list_cost_usd)) AS cost,
              toString(sum(t.cache_saving_usd)) AS saving, sum(t.unpriced_events) AS unpriced
            FROM model_usage_by_day AS t WHERE t.day = toDate(${day}) AND ${AMONG}
            GROUP BY provider, model ORDER BY provider, model`,
    query_params: { pairs: pairsText(pairs) },
    format: 'JSONEachRow',
  });
  return result.json<CostRow>();
}

/** What a day's events would cost at these prices. */
async function costsAt(
  client: ClickHouseClient,
  day: Day,
  prices: readonly (Pair & { readonly price: Price | null })[],
): Promise<readonly CostRow[]> {
  const [cost, saving, unpriced] = COST_SUMS;
  const given = `SELECT row.1 AS provider, row.2 AS model, row.3[1] AS above, ${rateColumns.map((name, index) => `row.3[${index + 2}] AS rate_${name}`).join(', ')}
    FROM (SELECT arrayJoin(JSONExtract({prices:String}, 'Array(Tuple(String, String, Array(UInt64)))')) AS row)`;
  const result = await client.query({
    query: `WITH ${PRICED}
            SELECT provider, model, count() AS events, toString(${cost}) AS cost, toString(${saving}) AS saving, ${unpriced} AS unpriced
            FROM usage_events AS e FINAL LEFT ANY JOIN (${given}) AS p USING (provider, model)
            WHERE toDate(occurred_at) = toDate(${day}) AND NOT retracted AND ${AMONG} AND NOT ${IS_ERASED}
            GROUP BY provider, model
            SETTINGS do_not_merge_across_partitions_select_final = 1`,
    query_params: {
      pairs: pairsText(prices),
      prices: JSON.stringify(prices.map(({ provider, model, price }) => [provider, model, numbersOf(price)])),
    },
    format: 'JSONEachRow',
  });
  return result.json<CostRow>();
}

/** As `pricesOn` gives them: the threshold, then each rate and one more. */
const numbersOf = (price: Price | null): readonly number[] => [
  price?.long?.above ?? NEVER_LONG,
  ...[price?.rates, price?.long?.rates].flatMap((rates) =>
    tokenClasses.map((name) => {
      const rate = rates?.[name];
      return rate == null ? 0 : rate + 1;
    }),
  ),
];

/**
 * The minutes that have to be rolled again: asked once the new prices are there, as whatever is stored after that is rolled by
 * them anyway.
 */
export async function minutesToReprice(
  client: ClickHouseClient,
  changes: readonly PriceChange[],
): Promise<readonly TouchedDay[]> {
  const byPair = new Map(changes.map((change) => [pairKey(change.provider, change.model), change]));
  const result = await client.query({
    query: `SELECT toUInt32(toRelativeDayNum(occurred_at)) AS day, provider, model,
              groupUniqArray(toUInt32(toHour(occurred_at) * 60 + toMinute(occurred_at))) AS minutes
            FROM usage_events WHERE ${AMONG} GROUP BY day, provider, model`,
    query_params: { pairs: pairsText(changes) },
    format: 'JSONEachRow',
  });
  const days = new Map<Day, Set<number>>();
  for (const { day, provider, model, minutes } of await result.json<Pair & { day: Day; minutes: number[] }>()) {
    const change = byPair.get(pairKey(provider, model));
    if (change === undefined || !changesOn(change, day)) continue;
    const own = days.get(day) ?? new Set();
    days.set(day, own);
    for (const minute of minutes) own.add(minute);
  }
  return [...days]
    .map(([day, minutes]) => ({ day, minutes: [...minutes].sort((a, b) => a - b), outcomes: false }))
    .sort((a, b) => a.day - b.day);
}

function changesOn({ present, steps }: PriceChange, day: Day): boolean {
  const [first] = steps;
  return first !== undefined && day >= first.from && !samePrice(priceOn(present, day), priceOn(steps, day));
}
