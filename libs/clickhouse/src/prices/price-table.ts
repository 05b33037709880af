import type { ClickHouseClient } from '@clickhouse/client';
import { tokenClasses, type TokenClass } from '@laurel/events';
import { dayKey, pairKey, parseDayKey, type Day, type Price, type PriceStep, type Rates } from '@laurel/usage';

/** A provider and a model, as events name them. */
export interface Pair {
  readonly provider: string;
  readonly model: string;
}

/** A step of a pair's prices, as it holds. */
export interface StoredStep extends PriceStep {
  /** When it was written, in ms since the epoch. */
  readonly version: number;
  /** Which list it was taken from. */
  readonly source: string;
}

/** All that is known of a pair's prices: steps, ascending by day. */
export interface StoredPrices extends Pair {
  readonly steps: readonly StoredStep[];
}

type RateColumn = TokenClass | `long_${TokenClass}`;
type PriceRow = Readonly<Record<RateColumn | 'long_above', string | null>> &
  Pair & { readonly from_day: string; readonly version: string; readonly source: string };

const RATE_COLUMNS: readonly RateColumn[] = [
  ...tokenClasses,
  ...tokenClasses.map((name): RateColumn => `long_${name}`),
];

/** The prices as they hold, by `pairKey`. */
export async function readPrices(client: ClickHouseClient): Promise<ReadonlyMap<string, StoredPrices>> {
  const result = await client.query({
    query: `SELECT provider, model, toString(from_day) AS from_day, version, source, long_above, ${RATE_COLUMNS.join(', ')}
            FROM model_prices ORDER BY provider, model, from_day, version DESC, source DESC LIMIT 1 BY provider, model, from_day`,
    format: 'JSONEachRow',
    clickhouse_settings: { output_format_json_quote_64bit_integers: 1 },
  });
  const prices = new Map<string, StoredPrices & { steps: StoredStep[] }>();
  for (const row of await result.json<PriceRow>()) {
    const { provider, model, version, source } = row;
    const key = pairKey(provider, model);
    const own = prices.get(key) ?? { provider, model, steps: [] };
    prices.set(key, own);
    own.steps.push({ from: dayOfKey(row.from_day), price: priceOf(row), version: Number(version), source });
  }
  return prices;
}

/** By `pairKey`, all that the table has, known prices or not. */
export async function pairsWithPrices(client: ClickHouseClient): Promise<Set<string>> {
  const result = await client.query({
    query: 'SELECT provider, model FROM model_prices GROUP BY provider, model',
    format: 'JSONEachRow',
  });
  return new Set((await result.json<Pair>()).map(({ provider, model }) => pairKey(provider, model)));
}

/**
 * Adds steps, which take the place of older ones of the same days; resolves when they are visible. All in one block.
 *
 * @param version ms since the epoch; greater than that of any step that they take the place of.
 */
export async function addPrices(
  client: ClickHouseClient,
  added: readonly (Pair & { readonly steps: readonly PriceStep[] })[],
  source: string,
  version: number,
): Promise<void> {
  const values = added.flatMap(({ provider, model, steps }) =>
    steps.map(({ from, price }) => ({ provider, model, from_day: dayKey(from), version, source, ...columnsOf(price) })),
  );
  if (values.length === 0) return;
  await client.insert({ table: 'model_prices', format: 'JSONEachRow', values });
}

function columnsOf(price: Price | null): Readonly<Record<string, number | null>> {
  const rates = (of: Rates | undefined, prefix: string) =>
    Object.fromEntries(tokenClasses.map((name) => [prefix + name, of?.[name] ?? null]));
  return {
    ...rates(price?.rates, ''),
    long_above: price?.long?.above ?? null,
    ...rates(price?.long?.rates, 'long_'),
  };
}

function priceOf(row: PriceRow): Price | null {
  const rates = (prefix: '' | 'long_'): Rates =>
    Object.fromEntries(
      tokenClasses.map((name) => {
        const rate = row[`${prefix}${name}`];
        return [name, rate === null ? null : Number(rate)];
      }),
    ) as unknown as Rates;
  if (row.input === null) return null;
  return {
    rates: rates(''),
    long: row.long_above === null ? null : { above: Number(row.long_above), rates: rates('long_') },
  };
}

function dayOfKey(key: string): Day {
  const day = parseDayKey(key);
  if (day === undefined) throw new Error(`${key} is no day`);
  return day;
}
