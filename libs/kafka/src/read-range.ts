import { randomUUID } from 'node:crypto';
import type { Consumer, Kafka } from 'kafkajs';
import type { StreamRecord } from '@laurel/stream';
import { askAdmin } from './ask-admin.js';
import { batchConsumer, recordsOf } from './batch-consumer.js';
import { classifyKafkaFailure } from './failure.js';

export interface RangeReaderOptions {
  /** With its prefix. */
  readonly topic: string;
  readonly groupPrefix: string;
  /** Upper bound of what one partition has in memory, in bytes; a single larger record is read all the same. Default 1 MiB. */
  readonly maxBytesPerPartition?: number;
  /** How long nothing may come of a range before its reading fails, in ms. Default 30 000. */
  readonly stallTimeoutMs?: number;
}

/** The broker gave nothing of a range for too long. */
export class RangeStalled extends Error {
  readonly code = 'range_stalled';
  readonly retryable = true;

  constructor(place: string, offset: number) {
    super(`${place} gave nothing at offset ${offset}`);
    this.name = 'RangeStalled';
  }
}

/** A part of one partition that is being read. */
interface Reading {
  next: number;
  readonly end: number;
  readonly ready: StreamRecord[][];
  wake: () => void;
}

/** How long the broker gathers records, and how long a reader with nothing to read sleeps, in ms. */
const MAX_WAIT_MS = 50;
/** How often a reading that gets nothing asks whether its range is still there, in ms. */
const CHECK_EVERY_MS = 5000;

/**
 * Reads parts of a topic from an offset to an offset, committed records only, several partitions at once if wanted.
 * Nothing is committed: the reader has a group of its own, which vanishes with it.
 */
export class RangeReader {
  private readonly readings = new Map<number, Reading>();
  private assigned: readonly number[] = [];
  private failure: Error | undefined;
  private readonly consumer: Consumer;
  private rejectStart: (error: Error) => void = () => undefined;

  private constructor(
    private readonly kafka: Kafka,
    private readonly options: RangeReaderOptions,
  ) {
    this.consumer = batchConsumer(kafka, {
      groupId: `${options.groupPrefix}${randomUUID()}`,
      allowAutoTopicCreation: false,
      maxWaitTimeInMs: MAX_WAIT_MS,
      minBytes: 1,
      maxBytesPerPartition: options.maxBytesPerPartition ?? 1024 * 1024,
      onFailure: (error) => this.fail(error),
    });
  }

  static async open(kafka: Kafka, options: RangeReaderOptions): Promise<RangeReader> {
    const reader = new RangeReader(kafka, options);
    try {
      await reader.start();
      return reader;
    } catch (error) {
      await reader.close();
      throw error;
    }
  }

  /**
   * The committed records from `from` (inclusive) to `end` (exclusive), as the broker hands them out; lists are never empty.
   * Markers, aborted records and what retention has deleted are left out, so nothing at all may come. A partition is read
   * once at a time. `end` must not be beyond the end of what is committed.
   *
   * @throws RangeStalled
   */
  async *read(partition: number, from: number, end: number): AsyncGenerator<readonly StreamRecord[], void> {
    const place = `${this.options.topic}/${partition}`;
    if (this.readings.has(partition)) throw new Error(`${place} is being read already`);
    if (from >= end) return;
    const reading: Reading = { next: from, end, ready: [], wake: () => undefined };
    this.readings.set(partition, reading);
    try {
      let idleSince = performance.now();
      for (;;) {
        const records = reading.ready.shift();
        if (records !== undefined) {
          yield records;
          idleSince = performance.now();
          continue;
        }
        if (this.failure !== undefined) throw this.failure;
        if (reading.next >= end) return;
        const before = reading.next;
        this.resume(partition, before);
        await wokenWithin(reading, CHECK_EVERY_MS);
        if (reading.ready.length > 0 || reading.next > before) {
          idleSince = performance.now();
        } else if (performance.now() - idleSince > (this.options.stallTimeoutMs ?? 30_000)) {
          throw new RangeStalled(place, before);
        } else {
          // What retention deletes under a reader never comes.
          const start = await this.logStart(partition).catch((error: unknown) => {
            // Who can't be asked is asked again, until the reading has stalled for too long.
            if (classifyKafkaFailure(error) === 'retriable') return 0;
            throw error;
          });
          reading.next = Math.max(reading.next, start);
        }
      }
    } finally {
      this.readings.delete(partition);
      this.pause([partition]);
    }
  }

  close(): Promise<void> {
    return this.consumer.disconnect();
  }

  private async start(): Promise<void> {
    const { consumer } = this;
    const { topic } = this.options;
    const joined = new Promise<void>((resolve, reject) => {
      this.rejectStart = reject;
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
        this.assigned = payload.memberAssignment[topic] ?? [];
        // A new member knows no place, and would begin everywhere at the beginning.
        this.pause(this.assigned);
        for (const [partition, { next }] of this.readings) this.resume(partition, next);
        resolve();
      });
    });
    joined.catch(() => undefined);
    // Batches that hold nothing but markers and aborted records are given to no handler; only this event tells of them.
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
      if (payload.batchSize === 0) this.take(payload.partition, [], Number(payload.lastOffset));
    });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: ({ batch }) => {
        // One fetch at a time: it goes on when its reader asks for more.
        this.pause([batch.partition]);
        this.take(batch.partition, recordsOf(batch), Number(batch.lastOffset()));
        return Promise.resolve();
      },
    });
    await joined;
  }

  private fail(error: Error): void {
    this.failure = error;
    for (const reading of this.readings.values()) reading.wake();
    this.rejectStart(error);
  }

  private take(partition: number, records: readonly StreamRecord[], last: number): void {
    const reading = this.readings.get(partition);
    if (reading === undefined) return;
    const wanted = records.filter(({ offset }) => offset >= reading.next && offset < reading.end);
    if (wanted.length > 0) reading.ready.push(wanted);
    // After a rejoin kafkajs may begin elsewhere; what lies before is not progress.
    reading.next = Math.max(reading.next, last + 1);
    reading.wake();
  }

  private resume(partition: number, offset: number): void {
    const { topic } = this.options;
    this.whileRunning(() => {
      this.consumer.seek({ topic, partition, offset: String(offset) });
      this.consumer.resume([{ topic, partitions: [partition] }]);
    });
  }

  private pause(partitions: readonly number[]): void {
    if (partitions.length === 0) return;
    this.whileRunning(() => this.consumer.pause([{ topic: this.options.topic, partitions: [...partitions] }]));
  }

  /** Between two runs, in an outage, kafkajs takes no such wish; when it joins again, all of them are made anew. */
  private whileRunning(wish: () => void): void {
    try {
      wish();
    } catch (error) {
      if (!(error instanceof Error && error.message.includes('not initialized'))) throw error;
    }
  }

  private async logStart(partition: number): Promise<number> {
    const offsets = await askAdmin(this.kafka, (admin) => admin.fetchTopicOffsets(this.options.topic));
    return Number(offsets.find((one) => one.partition === partition)?.low ?? 0);
  }
}

async function wokenWithin(reading: Reading, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await new Promise<void>((resolve) => {
    reading.wake = resolve;
    timer = setTimeout(resolve, ms);
  });
  clearTimeout(timer);
  reading.wake = () => undefined;
}
