import type { Kafka, Producer, Transaction } from 'kafkajs';
import { toMessage, type OutgoingRecord } from './producer.js';

/** Longest that an unfinished transaction may keep readers waiting after its writer has died, in ms. */
const TRANSACTION_TIMEOUT_MS = 30_000;

/**
 * The only one that may write under a transactional id: claiming it fences whoever wrote before, so what is folded after
 * the claim cannot change but by this writer. After any error it is unusable: close it, claim anew and fold again.
 */
export class FencedWriter {
  private constructor(
    private readonly producer: Producer,
    private readonly topicPrefix: string,
    private transaction: Transaction,
  ) {}

  /** Resolves when the broker has fenced the former writer and ended its transaction, if it had one. */
  static async claim(kafka: Kafka, transactionalId: string, topicPrefix: string): Promise<FencedWriter> {
    const producer = kafka.producer({
      transactionalId,
      maxInFlightRequests: 1,
      transactionTimeout: TRANSACTION_TIMEOUT_MS,
      allowAutoTopicCreation: false,
      // A transaction that failed is folded again rather than tried again: kafkajs can't tell how it ended, and its own
      // retries may leave out a partition (see RecordProducer). Within a transaction kafkajs numbers the records all the same.
      retry: { retries: 0 },
    });
    try {
      await producer.connect();
      // kafkajs asks for its producer id, which is what fences, only when the first transaction begins. The broker knows
      // nothing of a transaction that has no partitions yet, so it may stay open for as long as there is nothing to write.
      return new FencedWriter(producer, topicPrefix, await producer.transaction());
    } catch (error) {
      await producer.disconnect();
      throw error;
    }
  }

  /** Writes all records in one transaction: readers of committed records see all of them or none. */
  async write(records: Readonly<Record<string, readonly OutgoingRecord[]>>): Promise<void> {
    for (const [topic, list] of Object.entries(records)) {
      if (list.length === 0) continue;
      await this.transaction.send({ topic: this.topicPrefix + topic, acks: -1, messages: list.map(toMessage) });
    }
    await this.transaction.commit();
    this.transaction = await this.producer.transaction();
  }

  async close(): Promise<void> {
    await this.producer.disconnect();
  }
}
