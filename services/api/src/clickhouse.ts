/** Under which controllers are given the client of ClickHouse. */
export const CLICKHOUSE = Symbol('clickhouse');
