import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs, { type Kafka, type Producer, type ProducerRecord, type Transaction } from 'kafkajs';
import { toMessage, type ForeignRecord } from './producer.js';

const TRANSACTION_TIMEOUT_MS = 30_000;

/** How long the broker may take to finish the former transaction, in ms. */
const COMMIT_DEADLINE_MS = 10_000;

export interface FencedWriterOptions {
  /** Longest that an unfinished transaction may keep readers waiting after its writer has died, in ms. Default 30 000. */
  readonly transactionTimeoutMs?: number;
  /** Of what is written. Default 'none', which every subscriber can read. */
  readonly compression?: 'none' | 'lz4';
}

/**
 * The only one that may write under a transactional id: claiming it fences whoever wrote before, so what is folded after
 * the claim cannot change but by this writer. After any error it is unusable: close it, claim anew and fold again.
 */
export class FencedWriter {
  private constructor(
    private readonly producer: Producer,
    private readonly topicPrefix: string,
    private readonly compression: kafkajs.CompressionTypes,
    private transaction: Transaction,
  ) {}

  /** Resolves when the broker has fenced the former writer and ended its transaction, if it had one. */
  static async claim(
    kafka: Kafka,
    transactionalId: string,
    topicPrefix: string,
    { transactionTimeoutMs = TRANSACTION_TIMEOUT_MS, compression = 'none' }: FencedWriterOptions = {},
  ): Promise<FencedWriter> {
    const producer = kafka.producer({
      transactionalId,
      maxInFlightRequests: 1,
      transactionTimeout: transactionTimeoutMs,
      allowAutoTopicCreation: false,
      // A transaction that failed is folded again rather than tried again: kafkajs can't tell how it ended, and its own
      // retries may leave out a partition (see RecordProducer). Within a transaction kafkajs numbers the records all the same.
      retry: { retries: 0 },
    });
    try {
      await producer.connect();
      // kafkajs asks for its producer id, which is what fences, only when the first transaction begins. The broker knows
      // nothing of a transaction that has no partitions yet, so it may stay open for as long as there is nothing to write.
      const codec = compression === 'lz4' ? kafkajs.CompressionTypes.LZ4 : kafkajs.CompressionTypes.None;
      return new FencedWriter(producer, topicPrefix, codec, await producer.transaction());
    } catch (error) {
      await producer.disconnect();
      throw error;
    }
  }

  /** Writes all records in one transaction: readers of committed records see all of them or none. */
  async write(records: Readonly<Record<string, readonly ForeignRecord[]>>): Promise<void> {
    for (const [topic, list] of Object.entries(records)) {
      if (list.length === 0) continue;
      const { compression } = this;
      await this.send({ topic: this.topicPrefix + topic, acks: -1, compression, messages: list.map(toMessage) });
    }
    await this.transaction.commit();
    this.transaction = await this.producer.transaction();
  }

  /**
   * The broker answers a commit before it has finished it, and takes in no partition until then; kafkajs calls that
   * final. Nothing was written by the attempt, so it may be repeated. The Java client waits for 20 ms too
   * (TransactionManager.ADD_PARTITIONS_RETRY_BACKOFF_MS).
   */
  private async send(record: ProducerRecord): Promise<void> {
    const deadline = Date.now() + COMMIT_DEADLINE_MS;
    for (;;) {
      try {
        await this.transaction.send(record);
        return;
      } catch (error) {
        if (!isCommitting(error) || Date.now() > deadline) throw error;
      }
      await sleep(20);
    }
  }

  async close(): Promise<void> {
    await this.producer.disconnect();
  }
}

/**
 * True when a write failed because a later writer has claimed the transactional id. Nothing of the failed transaction is
 * ever seen.
 */
export function isFenced(error: unknown): boolean {
  // The later claim ends the open transaction, so what comes first depends on the step that the former writer was at.
  return isProtocolError(error, ['INVALID_PRODUCER_EPOCH', 'INVALID_TXN_STATE']);
}

/** True when a write failed because the topic takes no record of that size (`max.message.bytes`). */
export function isTooLarge(error: unknown): boolean {
  return isProtocolError(error, ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);
}

const isCommitting = (error: unknown): boolean => isProtocolError(error, ['CONCURRENT_TRANSACTIONS']);

function isProtocolError(error: unknown, types: readonly string[]): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof kafkajs.KafkaJSProtocolError && types.includes(cause.type)) return true;
  }
  return false;
}
