import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { Server, type CustomTransportStrategy } from '@nestjs/microservices';
import kafkajs, {
  type Batch,
  type Consumer,
  type EachBatchPayload,
  type Kafka,
  type TopicPartitionOffset,
} from 'kafkajs';
import { lastValueFrom } from 'rxjs';
import {
  firstOffset,
  keepTrying,
  lastOffset,
  type BatchContext,
  type PackedRecords,
  type RecordBatch,
  type RetryPolicy,
  type StreamRecord,
} from '@laurel/stream';
import { batchConsumer, packedRecordsOf, recordsOf } from './batch-consumer.js';
import { classifyKafkaFailure } from './failure.js';
import { haltReason, partitionOffsets } from './halt.js';
import { LagClock, type PartitionLag } from './lag.js';

export interface BatchStrategyOptions {
  readonly kafka: Kafka;
  /** As it is: nothing is appended. */
  readonly groupId: string;
  readonly topicPrefix: string;
  /** How many partitions are worked on at once, and how many may wait out an outage while others go on. Default 8. */
  readonly partitionsAtOnce?: number;
  /** Upper bound of one partition's part of a fetch, in bytes. Default 4 MiB. */
  readonly maxBytesPerPartition?: number;
  /** Upper bound of a whole fetch in bytes; in memory are one fetch and the batches that wait. Default 16 MiB. */
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
   * partition is checked before its first batch after every (re)assignment and at every gap, and a `Halt` is fatal.
   */
  readonly recordedOffset?: (topic: string, partition: number) => Promise<number | undefined>;
  /**
   * Set when our tables record every offset before it is committed. Tables that know less than the group has committed
   * were then set back (restored from a backup, or made anew), and the partition is read again from what they know.
   * Default false.
   */
  readonly recordsBeforeCommit?: boolean;
  /** Called at every (re)assignment, before any batch of it: what was buffered for partitions is to be dropped. */
  readonly onAssigned?: (partitionsByTopic: Readonly<Record<string, readonly number[]>>) => void;
  /** How a broker that is away at the start is waited for; kafkajs itself does so only once it consumes. Default for ever. */
  readonly policy?: RetryPolicy;
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

/** One partition's place, for readiness. */
export interface PartitionProgress {
  readonly topic: string;
  readonly partition: number;
  readonly nextOffset: number;
  readonly highWatermark: number;
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
  private closing = false;
  /** The next offset of each partition that this assignment has read. */
  private readonly expected = new Map<string, number>();
  /** The offset behind what lies at the end of a partition and is no record: the end of a transaction has an offset too. */
  private readonly passed = new Map<string, number>();
  private readonly works = new Map<string, Promise<WorkEnd>>();
  /** What makes each partition go on whose batch takes long. */
  private readonly handedOff = new Set<() => void>();
  private readonly partitions = new Map<string, PartitionProgress>();
  private joined = false;
  private assignment: Readonly<Record<string, readonly number[]>> = {};
  private readonly lagClocks = new Map<string, LagClock>();
  private readonly stopping = new AbortController();
  private commits: Commits | undefined;

  constructor(private readonly options: BatchStrategyOptions) {
    super();
    const { kafka, groupId } = options;
    this.consumer = batchConsumer(kafka, {
      groupId,
      allowAutoTopicCreation: false,
      sessionTimeout: options.sessionTimeoutMs ?? 30_000,
      heartbeatInterval: heartbeatEvery(options),
      maxBytesPerPartition: options.maxBytesPerPartition ?? 4 * 1024 * 1024,
      maxBytes: options.maxBytes ?? 16 * 1024 * 1024,
      minBytes: options.minBytes ?? 64 * 1024,
      maxWaitTimeInMs: options.maxWaitMs ?? 250,
      // Partitions that were added are taken up when the metadata is read anew; kafkajs does so every 5 minutes by default.
      metadataMaxAge: METADATA_MAX_AGE_MS,
      onFailure: (error) => options.onFatal(error),
    });
    const { GROUP_JOIN, STOP, CRASH, END_BATCH_PROCESS } = this.consumer.events;
    // This event also comes for batches that hold nothing but such ends, which no handler is given.
    this.consumer.on(END_BATCH_PROCESS, ({ payload: { topic, partition, batchSize, lastOffset } }) => {
      const place = `${topic.slice(options.topicPrefix.length)}/${partition}`;
      if (batchSize === 0) this.passed.set(place, Number(lastOffset) + 1);
    });
    // kafkajs ends its membership before it tells of a crash, and refuses commits from then on as if they were bugs.
    this.consumer.on(STOP, () => this.generation.abort());
    this.consumer.on(GROUP_JOIN, ({ payload }) => this.onJoin(payload.memberAssignment));
    this.consumer.on(CRASH, () => {
      this.joined = false;
    });
  }

  /** Called by Nest once all handlers are known. */
  async listen(callback: (error?: unknown) => void): Promise<void> {
    const { policy = { classify: classifyKafkaFailure } } = this.options;
    // kafkajs takes a topic that isn't there for one that is about to be.
    const classify: RetryPolicy['classify'] = (error) =>
      hasType(error, UNKNOWN_TOPIC) ? 'fatal' : policy.classify(error);
    try {
      await keepTrying('start', () => this.subscribe(), { ...policy, classify }, this.stopping.signal);
      await this.consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: this.options.partitionsAtOnce ?? 8,
        eachBatch: (payload) => this.onBatch(payload),
      });
      void this.watchLag();
      callback();
    } catch (error) {
      await this.consumer.disconnect();
      callback(error);
    }
  }

  private async subscribe(): Promise<void> {
    await this.consumer.connect();
    for (const topic of this.messageHandlers.keys()) {
      // Without an offset a group begins at the beginning: to begin at the end would be to skip.
      await this.consumer.subscribe({ topic: this.options.topicPrefix + topic, fromBeginning: true });
    }
  }

  /** Waits a while for the batches in hand, then gives them up uncommitted, and leaves the group. */
  async close(): Promise<void> {
    // kafkajs commits nothing any more once it is told to stop; so the waiting comes first.
    this.closing = true;
    this.stopping.abort();
    const giveUp = setTimeout(() => this.generation.abort(), this.options.drainMs ?? 5000);
    await Promise.race([Promise.all(this.works.values()), aborted(this.generation.signal)]);
    clearTimeout(giveUp);
    this.generation.abort();
    // A handler that was told to give up may need a moment; one that doesn't listen is left behind.
    await Promise.race([Promise.all(this.works.values()), sleep(PATIENCE_MS)]);
    this.joined = false;
    await this.consumer.disconnect();
  }

  /** True while this instance is a member of its group. */
  get isMember(): boolean {
    return this.joined;
  }

  /** Every partition that a batch came from since the last assignment. */
  progress(): readonly PartitionProgress[] {
    return [...this.partitions.values()];
  }

  /** The lag of each partition that is assigned to this member, as of the last look a few seconds ago. */
  lags(): readonly PartitionLag[] {
    const nowMs = performance.now();
    return Object.entries(this.assignment).flatMap(([topic, partitions]) =>
      partitions.flatMap((partition) => {
        const clock = this.lagClocks.get(`${topic}/${partition}`);
        return clock === undefined ? [] : [{ topic, partition, ...clock.lag(nowMs) }];
      }),
    );
  }

  /** Asks the broker, as a consumer that gets nothing any more does not know what it lacks. */
  private async watchLag(): Promise<void> {
    const { signal } = this.stopping;
    const { kafka, groupId, topicPrefix } = this.options;
    while (!signal.aborted) {
      for (const [topic, partitions] of Object.entries(this.assignment)) {
        // Who can't be asked leaves the lag to grow.
        const offsets = await partitionOffsets(kafka, groupId, topicPrefix + topic).catch(() => undefined);
        for (const partition of offsets === undefined ? [] : partitions) {
          const found = offsets?.get(partition);
          const place = `${topic}/${partition}`;
          const clock = this.lagClocks.get(place) ?? new LagClock();
          this.lagClocks.set(place, clock);
          if (found === undefined) continue;
          const committed = found.committed ?? found.low;
          // Where all that was read is committed, what is no record behind it is not waiting.
          const isAllCommitted = committed >= (this.expected.get(place) ?? 0);
          const done = isAllCommitted ? Math.max(committed, this.passed.get(place) ?? 0) : committed;
          clock.look(performance.now(), found.high, done);
        }
      }
      const waitMs = this.lagClocks.size === 0 ? LOOK_FIRST_MS : LOOK_EVERY_MS;
      await sleep(waitMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
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
    this.expected.clear();
    this.passed.clear();
    this.partitions.clear();
    // kafkajs keeps partitions paused across assignments.
    for (const resume of this.handedOff) resume();
    this.handedOff.clear();
    this.joined = true;
    const { topicPrefix, onAssigned } = this.options;
    this.lagClocks.clear();
    this.assignment = Object.fromEntries(
      Object.entries(assignment).map(([topic, list]) => [topic.slice(topicPrefix.length), list]),
    );
    onAssigned?.(this.assignment);
  }

  /**
   * kafkajs fetches nothing more from a broker until every batch of its last fetch is through. So a batch that takes long,
   * as in an outage, is handed off: its partition pauses and the others go on, until as many as may be at once are.
   */
  private async onBatch(payload: EachBatchPayload): Promise<void> {
    const { signal } = this.generation;
    const work = this.begin(payload, signal);
    if (work === undefined) return;
    for (;;) {
      const end = await Promise.race([work, sleep(PATIENCE_MS, undefined, { ref: false })]);
      if (end !== undefined) {
        // kafkajs' own errors (a commit of an old generation, a broker that is away) are for kafkajs to handle.
        if ('error' in end) throw end.error;
        return;
      }
      if (signal.aborted) return;
      if (this.handedOff.size < (this.options.partitionsAtOnce ?? 8)) break;
      await this.heartbeat(payload);
    }
    const resume = payload.pause();
    this.handedOff.add(resume);
    void work.then(async (end) => {
      // The same wait as before any other attempt: the batch will be fetched again.
      if ('error' in end) await sleep(PATIENCE_MS, undefined, { ref: false });
      if (this.handedOff.delete(resume)) resume();
    });
  }

  private begin(payload: EachBatchPayload, signal: AbortSignal): Promise<WorkEnd> | undefined {
    const { batch } = payload;
    if (!payload.isRunning() || signal.aborted) return undefined;
    if (this.closing) {
      payload.pause();
      return undefined;
    }
    const topic = batch.topic.slice(this.options.topicPrefix.length);
    const place = `${topic}/${batch.partition}`;
    // One at a time: of a former assignment there may be one that has not ended yet.
    const work = (this.works.get(place) ?? Promise.resolve()).then(() => this.work(payload, topic, place, signal));
    this.works.set(place, work);
    return work;
  }

  /** Never rejects. */
  private async work(payload: EachBatchPayload, topic: string, place: string, signal: AbortSignal): Promise<WorkEnd> {
    const { batch } = payload;
    const isGivenUp = (): boolean => signal.aborted;
    const handler = this.getHandlerByPattern(topic);
    if (isGivenUp() || handler === null) return DONE;
    const { partition } = batch;
    const highWatermark = Number(batch.highWatermark);
    const track = (nextOffset: number, busySinceMs: number | undefined): void => {
      if (isGivenUp()) return;
      this.partitions.set(place, { topic, partition, nextOffset, highWatermark, busySinceMs });
    };

    try {
      const records = new FetchedBatch(topic, batch);
      const first = firstOffset(records);
      track(first, Date.now());
      if (!(await this.check(signal, topic, partition, first))) return DONE;
      const delivery: Delivery = {
        batch: records,
        signal,
        assignment: signal,
        commit: (next) => this.commit(signal, batch.topic, partition, next),
      };
      await lastValueFrom(this.transformToObservable(await handler(delivery)), { defaultValue: undefined });
      // kafkajs has a new place for offsets some microtasks before it tells of the new assignment.
      await setImmediate();
      if (isGivenUp()) return DONE;
      const next = Number(batch.lastOffset()) + 1;
      track(next, undefined);
      this.passed.set(place, next);
      this.expected.set(place, lastOffset(records) + 1);
      payload.resolveOffset(batch.lastOffset());
    } catch (error) {
      if (isGivenUp()) return DONE;
      if (error instanceof Error && (classifyKafkaFailure(error) === 'retriable' || isRebalance(error)))
        return { error };
      this.options.onFatal(error);
    }
    return DONE;
  }

  /** Only a rebalance is told to kafkajs: any other failure is an outage that the next heartbeat may find ended. */
  private async heartbeat(payload: EachBatchPayload): Promise<void> {
    try {
      await payload.heartbeat();
    } catch (error) {
      if (isRebalance(error)) throw error;
    }
  }

  /**
   * Halts rather than skips, see `haltReason`: at the first batch of an assignment, and wherever offsets are left out.
   *
   * @returns false when the partition is to be read from an earlier offset instead.
   */
  private async check(signal: AbortSignal, topic: string, partition: number, first: number): Promise<boolean> {
    const { kafka, groupId, topicPrefix, recordedOffset, recordsBeforeCommit = false } = this.options;
    const place = `${topic}/${partition}`;
    const expected = this.expected.get(place);
    if (recordedOffset === undefined || first === expected) return true;
    const recorded = expected === undefined ? await recordedOffset(topic, partition) : undefined;
    const offsets = (await partitionOffsets(kafka, groupId, topicPrefix + topic)).get(partition);
    // An outage may have been waited out meanwhile, and the partition be another one's.
    if (isAborted(signal)) return false;
    if (offsets === undefined) throw new Error(`${place} has no offsets`);
    // While it reads, kafkajs answers a log that begins after the next offset by beginning there, without a word.
    const halt = haltReason(place, expected === undefined ? offsets : { ...offsets, committed: expected }, recorded);
    if (halt !== undefined) throw halt;
    if (expected !== undefined) return true;
    if (offsets.committed === undefined) {
      // A group that has begun says so before its tables do, so that no crash looks like a lost offset.
      await this.commit(signal, topicPrefix + topic, partition, first);
      return true;
    }
    const known = Math.max(recorded ?? offsets.low, offsets.low);
    const next = recordsBeforeCommit ? Math.min(known, offsets.committed) : offsets.committed;
    // Beyond what is committed begins what another broker was asked for in the former assignment: kafkajs hands out its answer
    // in this one, and goes on behind it. (Or there are markers only in between, and it begins there again.)
    if (next === offsets.committed && first <= next) return true;
    this.expected.set(place, next);
    this.consumer.seek({ topic: topicPrefix + topic, partition, offset: String(next) });
    return false;
  }

  /** Who is no member any more has nothing to commit; it is told of its new assignment in its turn. */
  private async commit(signal: AbortSignal, topic: string, partition: number, nextOffset: number): Promise<void> {
    if (signal.aborted) return;
    const commits = (this.commits ??= this.beginCommits());
    commits.offsets.push({ signal, place: { topic, partition, offset: String(nextOffset) } });
    try {
      await commits.committed;
    } catch (error) {
      if (!isAborted(signal) && !isRebalance(error)) throw error;
    }
  }

  /** What is to be committed within one turn of the event loop goes in one request. */
  private beginCommits(): Commits {
    const offsets: Commits['offsets'] = [];
    const committed = setImmediate().then(async () => {
      this.commits = undefined;
      const own = offsets.flatMap(({ signal, place }) => (signal.aborted ? [] : [place]));
      if (own.length > 0) await this.consumer.commitOffsets(own);
    });
    return { offsets, committed };
  }
}

/** What is about to be committed. */
interface Commits {
  readonly offsets: { readonly signal: AbortSignal; readonly place: TopicPartitionOffset }[];
  readonly committed: Promise<void>;
}

/** A batch of kafkajs as a handler gets it. */
class FetchedBatch implements RecordBatch {
  readonly partition: number;
  readonly highWatermark: number;
  readonly packed?: readonly PackedRecords[];

  constructor(
    readonly topic: string,
    private readonly batch: Batch,
  ) {
    this.partition = batch.partition;
    this.highWatermark = Number(batch.highWatermark);
    const packed = packedRecordsOf(batch);
    if (packed !== undefined) this.packed = packed;
  }

  get records(): readonly StreamRecord[] {
    return recordsOf(this.batch);
  }
}

/** Asked anew, as it may have become so since it was last asked. */
const isAborted = (signal: AbortSignal): boolean => signal.aborted;

/** How a batch ended: it is through or given up, or is to be fetched again after an error of Kafka's. */
type WorkEnd = { readonly error: Error } | Readonly<Record<string, never>>;
const DONE: WorkEnd = {};

/** How long a batch may take before the other partitions of its broker go on without it, in ms. */
const PATIENCE_MS = 500;

const METADATA_MAX_AGE_MS = 30_000;

/** How often the broker is asked for the ends of the partitions, in ms. */
const LOOK_EVERY_MS = 5000;
/** The same after an assignment, in ms. */
const LOOK_FIRST_MS = 500;

/** Three chances within a session. */
const heartbeatEvery = ({ sessionTimeoutMs = 30_000 }: BatchStrategyOptions): number =>
  Math.min(3000, sessionTimeoutMs / 3);

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** kafkajs rejoins on these (src/errors.js `isRebalancing`, src/consumer/runner.js), but hides them after its retries. */
const REBALANCE_TYPES = new Set(['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID']);

const isRebalance = (error: unknown): boolean => hasType(error, REBALANCE_TYPES);

const UNKNOWN_TOPIC = new Set(['UNKNOWN_TOPIC_OR_PARTITION']);

function hasType(error: unknown, types: ReadonlySet<string>): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof kafkajs.KafkaJSProtocolError && types.has(cause.type)) return true;
  }
  return false;
}
