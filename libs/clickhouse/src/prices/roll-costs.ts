import { tokenClasses, type TokenClass } from '@laurel/events';

/*
 * What events cost, in SQL: `costOf` of libs/usage, event by event, as the length of a call decides its price. Beside the rows
 * there is one row for each model of the day, so that the join is a look-up. Rates come in as one more than they are, and 0 where
 * they are not known, which is also what a model has that is not in the table.
 */

/** Longer than any input, in tokens: of a model whose price does not depend on its length. */
export const NEVER_LONG = Number.MAX_SAFE_INTEGER;
export const rateColumns = [...tokenClasses, ...tokenClasses.map((name) => `long_${name}` as const)];

/** The price of each model on a day (since the epoch, UTC), to be joined to events. */
export const pricesOn = (day: number): string => `LEFT ANY JOIN (
          SELECT provider, model,
            argMax((version, ifNull(long_above, ${NEVER_LONG}), ${rateColumns.map((name) => `ifNull(${name} + 1, 0)`).join(', ')}),
              (from_day, version, source)) AS priced,
            priced.1 AS used_version, priced.2 AS above, ${rateColumns.map((name, index) => `priced.${index + 3} AS rate_${name}`).join(', ')}
          FROM model_prices WHERE from_day <= toDate(${day}) GROUP BY provider, model HAVING rate_input > 0
        ) AS p USING (provider, model)`;

const CACHE_CLASSES = tokenClasses.filter((name) => name !== 'input' && name !== 'output');
const CACHED = CACHE_CLASSES.map((name) => `${name}_tokens`).join(' + ');
const rateOf = (name: TokenClass): string => `if(is_long, rate_long_${name}, rate_${name})`;
const cost = (tokens: string, name: TokenClass): string => `toInt128(${tokens}) * (toInt128(${rateOf(name)}) - 1)`;
const costs = (names: readonly TokenClass[]): string => names.map((name) => cost(`${name}_tokens`, name)).join(' + ');

/**
 * Goes before a SELECT that joins `pricesOn`: of an event, in pico-US-dollars, its cost and what its cache has saved, which is
 * what the cached tokens would have cost as input less what they cost.
 */
export const PRICED = `${CACHED} AS cached_tokens,
          input_tokens + cached_tokens > above AS is_long,
          ${tokenClasses.map((name) => `(${name}_tokens > 0 AND ${rateOf(name)} = 0)`).join(' OR ')} AS is_unpriced,
          ${costs(CACHE_CLASSES)} AS cached_cost,
          ${costs(['input', 'output'])} + cached_cost AS own_cost,
          ${cost('cached_tokens', 'input')} - cached_cost AS own_saving`;

/**
 * A sum of whole pico-US-dollars as US dollars: the same 128 bits, read with 12 decimals. ClickHouse casts an Int128 to a
 * Decimal by way of floating point, which loses digits.
 */
const inUsd = (pico: string): string => `reinterpret(${pico}, 'Decimal(38, 12)')`;

/** Of events: their costs and their savings in US dollars, and how many are in neither. */
export const COST_SUMS = [
  inUsd('sumIf(own_cost, NOT is_unpriced)'),
  inUsd('sumIf(own_saving, NOT is_unpriced)'),
  'countIf(is_unpriced)',
] as const;

export const COST_COLUMNS = 'list_cost_usd, cache_saving_usd, unpriced_events, price_version';
/** Of events; in the order of `COST_COLUMNS`. */
export const COST_MEASURES = `${COST_SUMS.join(', ')}, max(used_version)`;
/** The same of rows that have these columns. */
export const ROLLED_COSTS = 'sum(list_cost_usd), sum(cache_saving_usd), sum(unpriced_events), max(price_version)';
