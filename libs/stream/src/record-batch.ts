import type { IncomingRecord } from '@laurel/events';

/** A record with its place in its partition. Offsets are below 2^53, as Kafka would take centuries to reach it. */
export interface StreamRecord extends IncomingRecord {
  readonly offset: number;
  readonly key: Uint8Array | null;
  /** Where it can't be read: then it stands for a whole batch of the log, and its value is that batch's bytes. */
  readonly unreadable?: {
    readonly why: string;
    /** The batch's first offset that was asked for. The record's own is the last one. */
    readonly firstOffset: number;
  };
}

/** Records as they lie in one batch of the log, one after the other, for whoever reads them without an object each. */
export interface PackedRecords {
  /** The records alone, after decompression, in Kafka's format (Kafka protocol guide, "Record"). */
  readonly bytes: Uint8Array;
  /** How many there are, also before `firstOffset`. */
  readonly count: number;
  /** Their offsets and times are given as differences from these. */
  readonly baseOffset: number;
  readonly firstTimestampMs: number;
  /** The time of all of them where the topic takes it (LogAppendTime); undefined where each has its own. */
  readonly appendedAtMs: number | undefined;
  /** Records before this one are not asked for. */
  readonly firstOffset: number;
  /** Of the batch; it may have no record any more, in a compacted topic. */
  readonly lastOffset: number;
  /** Those from `firstOffset` on, read when they are first asked for. */
  readonly records: readonly StreamRecord[];
  /** One of them, which begins at this place of `bytes`. */
  recordAt(place: number): StreamRecord;
}

/** Consecutive records of one partition, as one fetch returned them. */
export interface RecordBatch {
  /** Without the topic prefix. */
  readonly topic: string;
  readonly partition: number;
  /** Read when it is first asked for, where there is `packed`. */
  readonly records: readonly StreamRecord[];
  /** The same records, unread. Never empty. */
  readonly packed?: readonly PackedRecords[];
  /** The end of the partition when the batch was fetched: the offset that the next record was going to get. */
  readonly highWatermark: number;
}

/** What a handler may ask while it works on a batch. */
export interface BatchContext {
  /** Aborts when the partition is about to be lost or the process ends: stop waiting, leave the batch uncommitted. */
  readonly signal: AbortSignal;
}

// Records are read only where they have to be: that costs more than all that is done with them packed.
export const firstOffset = (batch: RecordBatch): number =>
  (batch.packed === undefined ? firstOffsetOf(batch.records[0]) : batch.packed[0]?.firstOffset) ?? 0;

const firstOffsetOf = (record: StreamRecord | undefined): number | undefined =>
  record?.unreadable?.firstOffset ?? record?.offset;

/** What comes after it is the next to be read. */
export const lastOffset = (batch: RecordBatch): number =>
  (batch.packed === undefined ? batch.records.at(-1)?.offset : batch.packed.at(-1)?.lastOffset) ?? 0;

/** What its records take, in bytes; of those that are read already their values alone. */
export const bytesOf = (batch: RecordBatch): number =>
  batch.packed === undefined
    ? batch.records.reduce((sum, { value }) => sum + (value?.length ?? 0), 0)
    : batch.packed.reduce((sum, { bytes }) => sum + bytes.length, 0);
