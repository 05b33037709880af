export { createPublisher } from './create-publisher.js';
export { PublisherError, type PublisherErrorCode, type UndeliveredRecord, type UndeliveredUsage } from './errors.js';
export type { Compression } from './kafka-sink.js';
export type { PublisherKafka, PublisherOptions, TlsOptions } from './options.js';
export type { CloseReport, Publisher, PublisherStats, RecordResult } from './publisher-api.js';
export type { CountedUsage, Moment, Retraction, UsageDetails, UsageIdentity, UsageInput } from './usage-input.js';
export type { MappedUsage } from './providers/mapped.js';
