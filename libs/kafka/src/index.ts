export * from './client/index.js';
export * from './failure.js';
export * from './fenced-writer.js';
export * from './halt.js';
export type { PartitionLag } from './lag.js';
export * from './partition-of.js';
export * from './producer.js';
export * from './read-range.js';
export * from './schema-registry.js';
// Its class is in @laurel/kafka/strategy, as whoever loads it loads NestJS.
export type { BatchStrategyOptions, Delivery, KafkaBatchStrategy, PartitionProgress } from './strategy.js';
export * from './tail.js';
export * from './topic-follower.js';
export * from './topics.js';
export type { Kafka } from 'kafkajs';
