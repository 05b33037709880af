import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';
import type { StreamRecord } from '@laurel/stream';
import { askAdmin } from './ask-admin.js';
import { batchConsumer, recordsOf } from './batch-consumer.js';

export interface Tail {
  /** Resolves when everything that was in the topic at the start has been handed over; rejects when the reading fails. */
  readonly caughtUp: Promise<void>;
  /** The end offset of each partition at the start. */
  readonly ends: ReadonlyMap<number, number>;
  /** Resolves within some seconds, also where the broker does not answer. */
  stop(): Promise<void>;
}

export interface TailOptions {
  /** With its prefix. */
  readonly topic: string;
  readonly groupPrefix: string;
  /** May take up to 10 s a record. What it throws ends the reading: no more records are handed over. */
  readonly onRecord: (record: StreamRecord, partition: number) => void | Promise<void>;
  /** Told when the reader has failed for good. */
  readonly onFailure?: (error: Error) => void;
}

/** Well below a session's length. Each one costs a turn of the event loop, so not after every record, in ms. */
const HEARTBEAT_EVERY_MS = 1000;
/** A group of one reader, without commits, need not be left in order: the broker forgets it all the same, in ms. */
const LEFT_WITHIN_MS = 4000;

/**
 * Reads a whole topic from its beginning, committed records only, each once, and goes on with what comes.
 * Nothing is committed: each reader has a group of its own, which vanishes with it.
 */
export async function tail(kafka: Kafka, options: TailOptions): Promise<Tail> {
  const { topic, onRecord, onFailure } = options;
  const offsets = await topicOffsets(kafka, topic);
  const ends = new Map([...offsets].map(([partition, { high }]) => [partition, high]));
  const missing = new Map([...ends].filter(([partition, high]) => high > (offsets.get(partition)?.low ?? 0)));
  let failed = false;
  let resolve = (): void => undefined;
  let reject: ((error: Error) => void) | undefined;
  const caughtUp = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  // A reader that nobody waits for may fail all the same; onFailure tells.
  caughtUp.catch(() => undefined);
  if (missing.size === 0) resolve();

  const fail = (error: Error): void => {
    if (failed) return;
    failed = true;
    reject?.(error);
    onFailure?.(error);
  };
  const consumer = batchConsumer(kafka, {
    groupId: `${options.groupPrefix}${randomUUID()}`,
    allowAutoTopicCreation: false,
    maxWaitTimeInMs: 250,
    onFailure: fail,
  });
  const { END_BATCH_PROCESS } = consumer.events;
  // This event also comes for batches that hold nothing but transaction markers, which no handler is given.
  consumer.on(END_BATCH_PROCESS, ({ payload }) => {
    if (Number(payload.lastOffset) + 1 >= (missing.get(payload.partition) ?? 0)) missing.delete(payload.partition);
    if (missing.size === 0 && !failed) resolve();
  });
  const next = new Map<number, number>();
  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: async (payload) => {
        const { partition } = payload.batch;
        let heartbeatAt = performance.now();
        for (const record of recordsOf(payload.batch)) {
          // After a failure kafkajs begins again at the beginning, as nothing was committed.
          if (failed || record.offset < (next.get(partition) ?? 0)) continue;
          try {
            await onRecord(record, partition);
          } catch (error) {
            // Not for kafkajs, which would hand it over again, for ever.
            fail(error instanceof Error ? error : new Error(String(error)));
          }
          next.set(partition, record.offset + 1);
          // Records may take long, and a member that is silent begins again.
          if (performance.now() - heartbeatAt > HEARTBEAT_EVERY_MS) {
            await payload.heartbeat();
            heartbeatAt = performance.now();
          }
        }
        if (failed) payload.pause();
      },
    });
  } catch (error) {
    await consumer.disconnect();
    throw error;
  }
  const stop = (): Promise<void> =>
    Promise.race([consumer.disconnect(), sleep(LEFT_WITHIN_MS, undefined, { ref: false })]);
  return { caughtUp, ends, stop };
}

/** Reads everything that a topic holds now. */
export async function readToEnd(kafka: Kafka, options: TailOptions): Promise<void> {
  const reader = await tail(kafka, options);
  try {
    await reader.caughtUp;
  } finally {
    await reader.stop();
  }
}

/** The offsets of one partition's log: from `low`, inclusive, to `high`, exclusive. */
export interface Extent {
  readonly low: number;
  readonly high: number;
}

/** What each partition of a topic holds. */
export async function topicOffsets(kafka: Kafka, topic: string): Promise<ReadonlyMap<number, Extent>> {
  const offsets = await askAdmin(kafka, (admin) => admin.fetchTopicOffsets(topic));
  return new Map(offsets.map(({ partition, high, low }) => [partition, { low: Number(low), high: Number(high) }]));
}
