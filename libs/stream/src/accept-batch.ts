import type { Fault } from '@laurel/events';
import { keepTrying, type RetryPolicy } from './keep-trying.js';
import { firstOffset, lastOffset, type BatchContext, type RecordBatch, type StreamRecord } from './record-batch.js';

/** A record that was not accepted, and why. */
export interface Rejected {
  readonly record: StreamRecord;
  readonly fault: Fault;
}

/** What became of the records of a batch when they were stored. */
export interface StoredBatch {
  readonly rows: number;
  /** Rows of an identity that an earlier one of them already had. */
  readonly duplicates: number;
  /** Records that were valid and left out, as their person was erased. */
  readonly erased: number;
  readonly rejected: readonly Rejected[];
}

export interface Stored<Touched> extends StoredBatch {
  /** What has to be announced; nothing has where there are no rows. */
  readonly touched: Touched;
}

/** The same of several batches. */
export interface StoredTogether<Touched> {
  /** In the order of the batches. */
  readonly batches: readonly StoredBatch[];
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
  announce(touched: readonly Touched[]): Promise<void>;
  /** Resolves when the ledger's entries are durable. */
  record(entries: readonly LedgerEntry[]): Promise<void>;
}

/** Can also take batches of several partitions of one topic at once. */
export interface TogetherPorts<Touched> extends AcceptPorts<Touched> {
  /**
   * As `store`, in one request. Undefined where one of the batches would have the others wait for something else than the store,
   * such as a schema: then nothing was stored.
   */
  storeTogether(batches: readonly RecordBatch[], signal: AbortSignal): Promise<StoredTogether<Touched> | undefined>;
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
  const sum = (of: 'rows' | 'duplicates' | 'erased'): number => parts.reduce((all, part) => all + part[of], 0);
  const stored: StoredBatch = {
    rows: sum('rows'),
    duplicates: sum('duplicates'),
    erased: sum('erased'),
    rejected: parts.flatMap(({ rejected }) => rejected),
  };
  const touched = parts.flatMap((part) => (part.rows > 0 ? [part.touched] : []));
  const entry = entryOf(batch, stored);
  await tell([{ batch, stored, entry }], touched, ports, policy, context);
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

/**
 * The same of batches of several partitions of one topic, by the same steps: one insert, one announcement, one entry of the ledger
 * for each, after which all of them may be committed.
 *
 * @returns undefined, with nobody told of anything, where they are to be taken one by one: one of them has to wait for something,
 *   or has rows that the store refuses.
 */
export async function acceptTogether<Touched>(
  batches: readonly RecordBatch[],
  ports: TogetherPorts<Touched>,
  policy: RetryPolicy,
  context: BatchContext,
): Promise<readonly LedgerEntry[] | undefined> {
  const together = await keepTrying('store', store, policy, context.signal);
  if (together === undefined) return undefined;
  const { batches: stored, touched } = together;
  const accepted = batches.map((batch, index) => acceptedAs(batch, stored[index]));
  await tell(accepted, accepted.some(({ entry }) => entry.rows > 0) ? [touched] : [], ports, policy, context);
  return accepted.map(({ entry }) => entry);

  async function store(): Promise<StoredTogether<Touched> | undefined> {
    try {
      return await ports.storeTogether(batches, context.signal);
    } catch (error) {
      if (policy.classify(error) === 'rows') return undefined;
      throw error;
    }
  }
}

/** A batch whose rows are visible, and nobody was told. */
interface Accepted {
  readonly batch: RecordBatch;
  readonly stored: StoredBatch;
  readonly entry: LedgerEntry;
}

function acceptedAs(batch: RecordBatch, stored: StoredBatch | undefined): Accepted {
  if (stored === undefined) throw new Error(`nobody says what became of ${batch.topic}/${batch.partition}`);
  return { batch, stored, entry: entryOf(batch, stored) };
}

const entryOf = (batch: RecordBatch, { rows, duplicates, erased, rejected }: StoredBatch): LedgerEntry => ({
  topic: batch.topic,
  partition: batch.partition,
  from: firstOffset(batch),
  to: lastOffset(batch),
  rows,
  duplicates,
  dead: rejected.length,
  erased,
});

/** Steps 2 to 4. */
async function tell<Touched>(
  accepted: readonly Accepted[],
  touched: readonly Touched[],
  ports: AcceptPorts<Touched>,
  policy: RetryPolicy,
  { signal }: BatchContext,
): Promise<void> {
  for (const { batch, stored } of accepted) {
    for (const some of lotsOf(stored.rejected)) {
      await keepTrying('dead-letter', () => ports.keepDeadLetters(batch, some), policy, signal);
    }
  }
  if (touched.length > 0) await keepTrying('announce', () => ports.announce(touched), policy, signal);
  const entries = accepted.map(({ entry }) => entry);
  await keepTrying('ledger', () => ports.record(entries), policy, signal);
}
