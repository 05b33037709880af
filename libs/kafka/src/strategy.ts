import { Server, type CustomTransportStrategy } from '@nestjs/microservices';
import kafkajs, { type Consumer, type EachBatchPayload, type Kafka } from 'kafkajs';
import { lastValueFrom } from 'rxjs';
import type { BatchContext, RecordBatch } from '@laurel/stream';
import { haltReason, partitionOffsets } from './halt.js';
import { toRecord } from './records.js';

export interface BatchStrategyOptions {
  readonly kafka: Kafka;
  /** As it is: nothing is appended. */
  readonly groupId: string;
  readonly topicPrefix: string;
  /** How many partitions are worked on at once. Default 8. */
  readonly partitionsAtOnce?: number;
  /** Upper bound of one partition's part of a fetch, in bytes. Default 4 MiB. */
  readonly maxBytesPerPartition?: number;
  /** Upper bound of a whole fetch in bytes, and with it of what is in memory. Default 16 MiB. */
  readonly maxBytes?: number;
  /** The broker waits for this many bytes … Default 64 KiB. */
  readonly minBytes?: number;
  /** … or for this long, in ms, before it answers a fetch. Default 250. */
  readonly maxWaitMs?: number;
  /** A member that is silent for this long, in ms, loses its partitions. Default 30 000. */
  readonly sessionTimeoutMs?: number;
  /** How long a stop waits for batches that are being worked on, in ms. Default 5 000. */
  readonly drainMs?: number;
  /**
   * The next offset after the last that our own tables rest on, undefined when they know none. Where it is given, each
   * partition is checked before its first batch after every (re)assignment, and a `Halt` is fatal.
   */
  readonly recordedOffset?: (topic: string, partition: number) => Promise<number | undefined>;
  /** Called at every (re)assignment, before any batch of it: what was buffered for partitions is to be dropped. */
  readonly onAssigned?: (partitionsByTopic: Readonly<Record<string, readonly number[]>>) => void;
  /** Called with what no repeat can mend; the process is to end. */
  readonly onFatal: (error: unknown) => void;
}

/** What a handler (`@EventPattern(topic)`) is given. */
export interface Delivery extends BatchContext {
  readonly batch: RecordBatch;
  /**
   * Commits the next offset to be read of the batch's partition. May be called after the handler has returned, but does
   * nothing once the partition was assigned anew: then its owner decides.
   */
  commit(nextOffset: number): Promise<void>;
  /** Aborts when the partitions are assigned anew; what was buffered from this delivery is then to be dropped. */
  readonly assignment: AbortSignal;
}

/** One partition's place, for lag and readiness. */
export interface PartitionProgress {
  readonly topic: string;
  readonly partition: number;
  readonly nextOffset: number;
  readonly highWatermark: number;
  /** The Kafka timestamp of the last record handled, in ms. */
  readonly lastTimestampMs: number;
  /** When a batch began that has not ended; undefined when none is being worked on. */
  readonly busySinceMs: number | undefined;
}

/**
 * A Nest transport strategy over kafkajs' `eachBatch`: a handler (`@EventPattern(topic)`) gets whole batches, offsets are
 * committed by the handler alone, outages are waited out inside of it while heartbeats go on, and an unexpected error
 * ends the process instead of being logged and committed.
 */
export class KafkaBatchStrategy extends Server implements CustomTransportStrategy {
  private readonly consumer: Consumer;
  private generation = new AbortController();
  private checked = new Set<string>();
  private readonly partitions = new Map<string, PartitionProgress>();
  private joined = false;

  constructor(private readonly options: BatchStrategyOptions) {
    super();
    const { kafka, groupId } = options;
    this.consumer = kafka.consumer({
      groupId,
      allowAutoTopicCreation: false,
      sessionTimeout: options.sessionTimeoutMs ?? 30_000,
      heartbeatInterval: heartbeatEvery(options),
      maxBytesPerPartition: options.maxBytesPerPartition ?? 4 * 1024 * 1024,
      maxBytes: options.maxBytes ?? 16 * 1024 * 1024,
      minBytes: options.minBytes ?? 64 * 1024,
      maxWaitTimeInMs: options.maxWaitMs ?? 250,
      retry: { restartOnFailure: () => Promise.resolve(true) },
    });
    const { GROUP_JOIN, CRASH } = this.consumer.events;
    this.consumer.on(GROUP_JOIN, ({ payload }) => this.onJoin(payload.memberAssignment));
    this.consumer.on(CRASH, ({ payload }) => {
      this.joined = false;
      if (!payload.restart) options.onFatal(payload.error);
    });
  }

  /** Called by Nest once all handlers are known. */
  async listen(callback: (error?: unknown) => void): Promise<void> {
    try {
      await this.consumer.connect();
      for (const topic of this.messageHandlers.keys()) {
        // Without an offset a group begins at the beginning: to begin at the end would be to skip.
        await this.consumer.subscribe({ topic: this.options.topicPrefix + topic, fromBeginning: true });
      }
      await this.consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: this.options.partitionsAtOnce ?? 8,
        eachBatch: (payload) => this.onBatch(payload),
      });
      callback();
    } catch (error) {
      callback(error);
    }
  }

  /** Waits a while for the batches in hand, then gives them up uncommitted, and leaves the group. */
  async close(): Promise<void> {
    const giveUp = setTimeout(() => this.generation.abort(), this.options.drainMs ?? 5000);
    try {
      await this.consumer.disconnect();
    } finally {
      clearTimeout(giveUp);
    }
  }

  /** True while this instance is a member of its group. */
  get isMember(): boolean {
    return this.joined;
  }

  /** Every partition that a batch came from since the last assignment. */
  progress(): readonly PartitionProgress[] {
    return [...this.partitions.values()];
  }

  override on(): never {
    throw new Error('KafkaBatchStrategy has no events; see its options');
  }

  override unwrap(): never {
    throw new Error('KafkaBatchStrategy keeps its consumer to itself');
  }

  private onJoin(assignment: Readonly<Record<string, readonly number[]>>): void {
    // kafkajs tells of no revocation; so everything of the former generation ends here.
    this.generation.abort();
    this.generation = new AbortController();
    this.checked = new Set();
    this.partitions.clear();
    this.joined = true;
    const { topicPrefix, onAssigned } = this.options;
    onAssigned?.(
      Object.fromEntries(Object.entries(assignment).map(([topic, list]) => [topic.slice(topicPrefix.length), list])),
    );
  }

  private async onBatch(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    const { signal } = this.generation;
    const isGivenUp = (): boolean => signal.aborted;
    if (!payload.isRunning() || isGivenUp()) return;
    const topic = batch.topic.slice(this.options.topicPrefix.length);
    const records = batch.messages.map(toRecord);
    const last = records.at(-1);
    const handler = this.getHandlerByPattern(topic);
    if (last === undefined || handler === null) return;
    const recordBatch: RecordBatch = {
      topic,
      partition: batch.partition,
      records,
      highWatermark: Number(batch.highWatermark),
    };

    const place = `${topic}/${batch.partition}`;
    const before = this.partitions.get(place);
    const track = (nextOffset: number, lastTimestampMs: number, busySinceMs: number | undefined): void => {
      if (isGivenUp()) return;
      const { partition, highWatermark } = recordBatch;
      this.partitions.set(place, { topic, partition, nextOffset, highWatermark, lastTimestampMs, busySinceMs });
    };
    track(recordBatch.records[0]?.offset ?? 0, before?.lastTimestampMs ?? last.timestampMs, Date.now());

    // A rebalance shows itself as a failed heartbeat: the batch is given up, and kafkajs told why, so that it rejoins.
    // Any other failure of a heartbeat is an outage that the next one may find ended.
    const lost = new AbortController();
    const beat = setInterval(() => {
      payload.heartbeat().catch((error: unknown) => {
        if (isRebalance(error)) lost.abort(error);
      });
    }, heartbeatEvery(this.options));
    try {
      await this.checkOnce(topic, batch.partition, recordBatch.records[0]?.offset ?? 0);
      const delivery: Delivery = {
        batch: recordBatch,
        signal: AbortSignal.any([signal, lost.signal]),
        assignment: signal,
        commit: (next) => this.commit(signal, batch.topic, batch.partition, next),
      };
      const result = this.transformToObservable(await handler(delivery));
      await lastValueFrom(result, { defaultValue: undefined });
      track(last.offset + 1, last.timestampMs, undefined);
      if (!isGivenUp()) payload.resolveOffset(String(last.offset));
    } catch (error) {
      // kafkajs' own errors (a commit of an old generation, a broker that is away) are for kafkajs to handle.
      if (error instanceof kafkajs.KafkaJSError) throw error;
      if (!isGivenUp() && !lost.signal.aborted) this.options.onFatal(error);
    } finally {
      clearInterval(beat);
    }
    if (lost.signal.aborted) throw lost.signal.reason as Error;
  }

  /** Halts rather than skips, see `haltReason`. */
  private async checkOnce(topic: string, partition: number, first: number): Promise<void> {
    const { checked } = this;
    const { kafka, groupId, topicPrefix, recordedOffset } = this.options;
    const place = `${topic}/${partition}`;
    if (recordedOffset === undefined || checked.has(place)) return;
    const recorded = await recordedOffset(topic, partition);
    const offsets = (await partitionOffsets(kafka, groupId, topicPrefix + topic)).get(partition);
    if (offsets === undefined) throw new Error(`${place} has no offsets`);
    const halt = haltReason(place, offsets, recorded);
    if (halt !== undefined) throw halt;
    // A group that has begun says so before its tables do, so that no crash looks like a lost offset.
    if (offsets.committed === undefined) {
      await this.consumer.commitOffsets([{ topic: topicPrefix + topic, partition, offset: String(first) }]);
    }
    checked.add(place);
  }

  private async commit(signal: AbortSignal, topic: string, partition: number, nextOffset: number): Promise<void> {
    if (signal.aborted) return;
    await this.consumer.commitOffsets([{ topic, partition, offset: String(nextOffset) }]);
  }
}

/** Three chances within a session. */
const heartbeatEvery = ({ sessionTimeoutMs = 30_000 }: BatchStrategyOptions): number =>
  Math.min(3000, sessionTimeoutMs / 3);

/** kafkajs rejoins on these (src/errors.js `isRebalancing`, src/consumer/runner.js). */
const REBALANCE_TYPES = new Set([
  'REBALANCE_IN_PROGRESS',
  'NOT_COORDINATOR_FOR_GROUP',
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
]);

const isRebalance = (error: unknown): boolean =>
  error instanceof kafkajs.KafkaJSProtocolError && REBALANCE_TYPES.has(error.type);
