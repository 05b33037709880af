import kafkajs, { type Producer } from 'kafkajs';
import { kafkaClient, type KafkaConnection, type KafkaLog } from '@laurel/kafka/client';
import type { EncodedRecord, Stream } from './record-buffer.js';
import type { RecordSink, SendOutcome } from './record-sink.js';

export type Compression = 'lz4' | 'gzip' | 'snappy' | 'none';

export interface KafkaSinkOptions {
  readonly connection: KafkaConnection;
  readonly topics: Readonly<Record<Stream, string>>;
  readonly compression: Compression;
  readonly log?: KafkaLog | undefined;
}

const STREAMS: readonly Stream[] = ['usage', 'outcomes'];
const messageOf = ({ key, value }: EncodedRecord) => ({ key, value });

/** Kafka's own default for a producer's request. */
const ACKNOWLEDGE_TIMEOUT_MS = 30_000;
const DISCONNECT_TIMEOUT_MS = 3_000;

/** Faults of a record itself, which no retry mends (Kafka protocol, "Error Codes"). */
const REFUSALS: Readonly<Record<string, 'record_too_large' | 'record_refused'>> = {
  MESSAGE_TOO_LARGE: 'record_too_large',
  RECORD_LIST_TOO_LARGE: 'record_too_large',
  INVALID_TIMESTAMP: 'record_refused',
  INVALID_RECORD: 'record_refused',
};

/** kafkajs wraps an error once for each layer it passes. */
function protocolErrorOf(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('type' in at && typeof at.type === 'string') return at.type;
  }
  return undefined;
}

/**
 * Sends to the topics of usage and of outcomes with acks=all, in one request to each broker.
 *
 * - kafkajs' own retries are off: its retry takes a broker that has answered once as done, so when a partition moves to
 *   such a broker between two attempts, its records are dropped without an error (`producer/sendMessages.js`, 2.2.4).
 * - It isn't the idempotent producer: an event's identity makes a second copy harmless, and a producer id that the
 *   broker has forgotten would stop a publisher for good.
 * - After a failure the producer is thrown away, as kafkajs keeps stale connections and metadata for long.
 */
export function kafkaSink({ connection, topics, compression, log }: KafkaSinkOptions): RecordSink {
  const { CompressionTypes, Partitioners } = kafkajs;
  const codec = {
    lz4: CompressionTypes.LZ4,
    gzip: CompressionTypes.GZIP,
    snappy: CompressionTypes.Snappy,
    none: CompressionTypes.None,
  }[compression];
  const kafka = kafkaClient(connection, log);
  let producer: Producer | undefined;

  const connected = async (): Promise<Producer> => {
    if (producer !== undefined) return producer;
    const fresh = kafka.producer({
      allowAutoTopicCreation: false,
      // The Java client's partitioner: a person's events stay together whoever publishes them.
      createPartitioner: Partitioners.DefaultPartitioner,
      retry: { retries: 0 },
    });
    producer = fresh;
    await fresh.connect();
    return fresh;
  };

  const disconnect = async (): Promise<void> => {
    const old = producer;
    producer = undefined;
    if (old === undefined) return;
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, DISCONNECT_TIMEOUT_MS);
    });
    // A connection that is broken can't be closed better than by leaving it.
    await Promise.race([old.disconnect().catch(() => undefined), deadline]);
    clearTimeout(timer);
  };

  return {
    async send(batch): Promise<SendOutcome> {
      try {
        const open = await connected();
        await open.sendBatch({
          acks: -1,
          timeout: ACKNOWLEDGE_TIMEOUT_MS,
          compression: codec,
          topicMessages: STREAMS.flatMap((stream) => {
            const messages = batch.filter((record) => record.stream === stream).map(messageOf);
            return messages.length === 0 ? [] : [{ topic: topics[stream], messages }];
          }),
        });
        return { kind: 'delivered' };
      } catch (cause) {
        const refusal = REFUSALS[protocolErrorOf(cause) ?? ''];
        if (refusal !== undefined) return { kind: 'refused', code: refusal, cause };
        await disconnect();
        return { kind: 'unavailable', cause };
      }
    },
    rest: disconnect,
  };
}
