import kafkajs from 'kafkajs';

/** Names of kafkajs errors that mean: the cluster or the way to it is away. kafkajs marks some of them as final. */
const OUTAGES = new Set([
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSBrokerNotFound',
  'KafkaJSNoBrokerAvailableError',
  'KafkaJSNumberOfRetriesExceeded',
  'KafkaJSMetadataNotLoaded',
  'KafkaJSTopicMetadataNotLoaded',
  'KafkaJSStaleTopicMetadataAssignment',
  'KafkaJSGroupCoordinatorNotFound',
  'KafkaJSLockTimeout',
]);

/** See `FailureKind` in libs/stream; no Kafka failure is the fault of some rows. */
export function classifyKafkaFailure(error: unknown): 'retriable' | 'fatal' {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof kafkajs.KafkaJSError && (cause.retriable || OUTAGES.has(cause.name))) return 'retriable';
  }
  return 'fatal';
}
