export * from './announcements.js';
export { BATCH_FROM_HEADER, TRUNCATED_HEADER } from './dead-letters.js';
export * from './ingest-ports.js';
export * from './price-settings.js';
export { OutcomeStore } from './stores/outcome-store.js';
export type { RecordStore } from './stores/record-store.js';
export { UsageStore } from './stores/usage-store.js';
