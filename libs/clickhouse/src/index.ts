export * from './client.js';
export * from './failure.js';
export * from './migrations.js';
export * from './projections.js';
export * from './usage-rows.js';
export type { ClickHouseClient } from '@clickhouse/client';
export * from './titles/candidates.js';
export * from './titles/facts.js';
export * from './titles/standings.js';
