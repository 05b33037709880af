export * from './announcements.js';
export { TRUNCATED_HEADER } from './dead-letters.js';
export * from './ingest-ports.js';
