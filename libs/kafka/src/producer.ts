import kafkajs, { type Kafka, type Message, type Producer } from 'kafkajs';

/** A record to be written; the broker sets its timestamp. */
export interface OutgoingRecord {
  readonly key: string;
  /** null is a tombstone. */
  readonly value: Uint8Array | null;
  readonly headers?: Readonly<Record<string, string | Uint8Array>>;
}

/** A record that somebody else may have made: its key may be missing, or no text. */
export interface ForeignRecord extends Omit<OutgoingRecord, 'key'> {
  readonly key: string | Uint8Array | null;
  /** Where it goes; by its key, or anywhere without one, when this is not given. The partition must exist. */
  readonly partition?: number | undefined;
}

/** kafkajs sends all records for a partition as one batch, which the topic's max.message.bytes bounds. */
const MAX_BATCH_BYTES = 512 * 1024;

/** Writes records that may be there twice after a failure: their readers bear that. */
export class RecordProducer {
  private readonly producer: Producer;

  constructor(
    kafka: Kafka,
    private readonly topicPrefix: string,
  ) {
    // No retries of kafkajs' own: between attempts it takes a broker that has answered once as done (sendMessages.js), and a
    // partition that moved there meanwhile would be left out without an error. Callers repeat the whole.
    this.producer = kafka.producer({ allowAutoTopicCreation: false, retry: { retries: 0 } });
  }

  connect(): Promise<void> {
    return this.producer.connect();
  }

  /** Resolves when every in-sync replica has all of them. */
  async send(topic: string, records: readonly OutgoingRecord[]): Promise<void> {
    for (const batch of batchesOf(records)) {
      await this.producer.send({
        topic: this.topicPrefix + topic,
        acks: -1,
        compression: kafkajs.CompressionTypes.LZ4,
        messages: batch.map(toMessage),
      });
    }
  }

  close(): Promise<void> {
    return this.producer.disconnect();
  }
}

export function toMessage({ key, value, headers, partition }: ForeignRecord): Message {
  return {
    key: key === null || typeof key === 'string' ? key : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    ...(partition === undefined ? {} : { partition }),
    ...(headers === undefined
      ? {}
      : { headers: Object.fromEntries(Object.entries(headers).map(([name, one]) => [name, Buffer.from(one)])) }),
  };
}

/** Runs of records of at most MAX_BATCH_BYTES; a larger record stands alone. */
export function* batchesOf(records: readonly OutgoingRecord[]): Generator<readonly OutgoingRecord[]> {
  let batch: OutgoingRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    const size = bytesOf(record);
    if (batch.length > 0 && bytes + size > MAX_BATCH_BYTES) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(record);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

function bytesOf({ key, value, headers = {} }: OutgoingRecord): number {
  let bytes = Buffer.byteLength(key) + (value?.length ?? 0);
  for (const [name, one] of Object.entries(headers)) bytes += Buffer.byteLength(name) + Buffer.byteLength(one);
  return bytes;
}
