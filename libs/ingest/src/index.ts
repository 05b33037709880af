export * from './announcements.js';
export * from './ingest-ports.js';
