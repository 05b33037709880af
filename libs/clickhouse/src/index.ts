export * from './client.js';
export * from './failure.js';
export * from './migrations.js';
export * from './projections.js';
export * from './usage-rows.js';
export type { ClickHouseClient } from '@clickhouse/client';
