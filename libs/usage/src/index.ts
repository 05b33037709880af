export * from './buckets.js';
export * from './reference.js';
export { modelFamily } from './model-family.js';
