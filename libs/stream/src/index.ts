export * from './accept-batch.js';
export * from './gathering-acceptor.js';
export * from './keep-trying.js';
export * from './record-batch.js';
