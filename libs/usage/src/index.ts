export * from './buckets.js';
export * from './reference.js';
export { modelFamily } from './model-family.js';
export * from './prices/price.js';
export * from './prices/schedule.js';
