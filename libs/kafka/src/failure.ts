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

/** The first line of a stack that tells of a place: in the package itself, not in what it calls or is called by. */
const THROWN_BY_KAFKAJS = /^\s+at .*[/\\]node_modules[/\\]kafkajs[/\\]/;

/**
 * See `FailureKind` in libs/stream; no Kafka failure is the fault of some rows.
 *
 * Where a connection is lost at an unlucky moment kafkajs 2.2.4 asks a broker that it has just given up ("Broker not connected"),
 * or reads an answer that it did not get ("Cannot read properties of null"), and throws no error of its own kind: another
 * attempt connects anew.
 */
export function classifyKafkaFailure(error: unknown): 'retriable' | 'fatal' {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof kafkajs.KafkaJSError) {
      if (cause.retriable || OUTAGES.has(cause.name)) return 'retriable';
    } else if (isThrownByKafkajs(cause)) return 'retriable';
  }
  return 'fatal';
}

function isThrownByKafkajs({ stack = '' }: Error): boolean {
  const place = stack.split('\n').find((line) => /^\s+at /.test(line));
  return place !== undefined && THROWN_BY_KAFKAJS.test(place);
}
