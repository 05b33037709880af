import type { Fault } from '@laurel/events';
import { keepTrying, type RetryPolicy } from './keep-trying.js';
import { firstOffset, lastOffset, type BatchContext, type RecordBatch, type StreamRecord } from './record-batch.js';

/** A record that was not accepted, and why. */
export interface Rejected {
  readonly record: StreamRecord;
  readonly fault: Fault;
}

/** What became of the records of a batch when they were stored. */
export interface Stored<Touched> {
  readonly rows: number;
  /** Rows of an identity that an earlier one of them already had. */
  readonly duplicates: number;
  /** Records that were valid and left out, as their person was erased. */
  readonly erased: number;
  readonly rejected: readonly Rejected[];
  /** What has to be announced; nothing has where there are no rows. */
  readonly touched: Touched;
}

/** The outcome of every offset from `from` to `to`, both inclusive. */
export interface LedgerEntry {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
  readonly rows: number;
  /** Rows of an identity that an earlier row of the same insert already had. */
  readonly duplicates: number;
  readonly dead: number;
  /** Records that were valid and left out, as their person was erased. */
  readonly erased: number;
}

/** What the batch loop needs of the world. Each call may be repeated with the same arguments, and must bear it. */
export interface AcceptPorts<Touched> {
  /**
   * Decodes and validates the records, and stores what is valid. Resolves when the rows are visible to every reader. May wait
   * for a schema; never rejects a record because something is away.
   */
  store(batch: RecordBatch, signal: AbortSignal): Promise<Stored<Touched>>;
  /** Resolves when the dead letters are durable. */
  keepDeadLetters(batch: RecordBatch, rejected: readonly Rejected[]): Promise<void>;
  /** Resolves when the announcement is durable. */
  announce(batch: RecordBatch, touched: readonly Touched[]): Promise<void>;
  /** Resolves when the ledger entry is durable. */
  record(entry: LedgerEntry): Promise<void>;
}

/** Dead letters in one call, which an outage makes repeat. */
const MAX_LETTERS = 1000;
/** Their values, in bytes; a larger one goes alone. */
const MAX_LETTER_BYTES = 512 * 1024;

function* lotsOf(rejected: readonly Rejected[]): Generator<readonly Rejected[], void> {
  let lot: Rejected[] = [];
  let bytes = 0;
  for (const one of rejected) {
    const size = one.record.value?.length ?? 0;
    if (lot.length === MAX_LETTERS || (lot.length > 0 && bytes + size > MAX_LETTER_BYTES)) {
      yield lot;
      [lot, bytes] = [[], 0];
    }
    lot.push(one);
    bytes += size;
  }
  if (lot.length > 0) yield lot;
}

/**
 * Takes one batch from the log to the table. The steps, and what a crash or failure at each leaves behind:
 *
 * 1. decode, validate and store: the rows are there and nobody was told; the repeat stores them again and the key collapses them;
 * 2. keep dead letters: they are there again after the repeat, under the same key;
 * 3. announce: announced twice after the repeat, which recomputes a bucket once more than needed;
 * 4. record in the ledger: the same entry twice, which collapses.
 *
 * The caller commits the offset after that (step 5); a crash before it repeats the batch from step 1.
 * The order is the guarantee: nothing is announced that is not visible, nothing is committed that is not announced.
 */
export async function acceptBatch<Touched>(
  batch: RecordBatch,
  ports: AcceptPorts<Touched>,
  policy: RetryPolicy,
  context: BatchContext,
): Promise<LedgerEntry> {
  const { signal } = context;
  const parts = await storeIsolating(batch);
  const rejected = parts.flatMap((part) => part.rejected);
  for (const some of lotsOf(rejected)) {
    await keepTrying('dead-letter', () => ports.keepDeadLetters(batch, some), policy, signal);
  }
  const touched = parts.flatMap((part) => (part.rows > 0 ? [part.touched] : []));
  if (touched.length > 0) await keepTrying('announce', () => ports.announce(batch, touched), policy, signal);

  const sum = (of: 'rows' | 'duplicates' | 'erased'): number => parts.reduce((all, part) => all + part[of], 0);
  const entry: LedgerEntry = {
    topic: batch.topic,
    partition: batch.partition,
    from: firstOffset(batch),
    to: lastOffset(batch),
    rows: sum('rows'),
    duplicates: sum('duplicates'),
    dead: rejected.length,
    erased: sum('erased'),
  };
  await keepTrying('ledger', () => ports.record(entry), policy, signal);
  return entry;

  /** Stores all rows; where only some of them cause an error, halves until each of those stands alone. */
  async function storeIsolating(part: RecordBatch): Promise<readonly Stored<Touched>[]> {
    try {
      return [await keepTrying('store', () => ports.store(part, signal), policy, signal)];
    } catch (error) {
      if (policy.classify(error) !== 'rows') throw error;
      const { topic, partition, highWatermark, records } = part;
      const [only] = records;
      if (only === undefined) throw error;
      if (records.length === 1) return [refused(only, error)];
      const middle = records.length >> 1;
      const half = (from: number, to: number): RecordBatch => ({
        topic,
        partition,
        highWatermark,
        records: records.slice(from, to),
      });
      const left = await storeIsolating(half(0, middle));
      return [...left, ...(await storeIsolating(half(middle, records.length)))];
    }
  }

  function refused(record: StreamRecord, error: unknown): Stored<Touched> {
    const message = error instanceof Error ? error.message : String(error);
    const fault: Fault = { code: 'storage_rejected', message, field: null };
    // Nothing was touched, and where there are no rows nobody asks.
    return { rows: 0, duplicates: 0, erased: 0, rejected: [{ record, fault }], touched: undefined as Touched };
  }
}
