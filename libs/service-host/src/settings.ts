/** What is read from the environment, and what it is for: for programs that are no service, which begin in half the time without one. */
export * from './config.js';
export * from './connections.js';
export * from './outage-kinds.js';
