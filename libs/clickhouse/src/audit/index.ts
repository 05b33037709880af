export * from './checks.js';
export * from './ledger.js';
export * from './identities.js';
export * from './day-figures.js';
export * from './conflicts.js';
export * from './erased-days.js';
export * from './suspects.js';
