export * from './consumer-clients.js';
export * from './consumer-health.js';
export type { Readiness } from './health.js';
export { createLog, kafkaLogger, type Log } from './logging.js';
export * from './outages.js';
export * from './run-service.js';
export * from './settings.js';
