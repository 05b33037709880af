export * from './buckets.js';
export * from './reference.js';
export { compareUtf8 } from './utf8-order.js';
export { modelFamily } from './model-family.js';
export * from './prices/price.js';
export * from './prices/schedule.js';
