import type { IncomingRecord } from '@laurel/events';

/** A record with its place in its partition. Offsets are below 2^53, as Kafka would take centuries to reach it. */
export interface StreamRecord extends IncomingRecord {
  readonly offset: number;
  readonly key: Uint8Array | null;
}

/** Consecutive records of one partition, as one fetch returned them. Never empty. */
export interface RecordBatch {
  /** Without the topic prefix. */
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly StreamRecord[];
  /** The end of the partition when the batch was fetched: the offset that the next record was going to get. */
  readonly highWatermark: number;
}

/** What a handler may ask while it works on a batch. */
export interface BatchContext {
  /** Aborts when the partition is about to be lost or the process ends: stop waiting, leave the batch uncommitted. */
  readonly signal: AbortSignal;
}

export const firstOffset = (batch: RecordBatch): number => batch.records[0]?.offset ?? 0;
export const lastOffset = (batch: RecordBatch): number => batch.records.at(-1)?.offset ?? 0;
