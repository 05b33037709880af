import type { Checked, Fault } from '@laurel/events';
import { keepTrying, type RetryPolicy } from './keep-trying.js';
import { firstOffset, lastOffset, type BatchContext, type RecordBatch, type StreamRecord } from './record-batch.js';

/** A record that was not accepted, and why. */
export interface Rejected {
  readonly record: StreamRecord;
  readonly fault: Fault;
}

export interface Accepted<Event> {
  readonly record: StreamRecord;
  readonly event: Event;
}

/** The outcome of every offset from `from` to `to`, both inclusive. */
export interface LedgerEntry {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
  readonly rows: number;
  /** Records of an identity that an earlier record of the same batch already had. */
  readonly duplicates: number;
  readonly dead: number;
  /** Records that were valid and left out, as their person was erased. */
  readonly erased: number;
}

/** What the batch loop needs of the world. Each call may be repeated with the same arguments, and must bear it. */
export interface AcceptPorts<Event> {
  /** May wait for a schema; never rejects a record because something is away. */
  decode(record: StreamRecord, signal: AbortSignal): Checked<Event> | Promise<Checked<Event>>;
  identityOf(event: Event): string;
  /** Resolves when the dead letters are durable. */
  keepDeadLetters(batch: RecordBatch, rejected: readonly Rejected[]): Promise<void>;
  /** Resolves when the rows are visible to every reader: to those that were left out, as their person was erased. */
  store(batch: RecordBatch, accepted: readonly Accepted<Event>[]): Promise<readonly Accepted<Event>[]>;
  /** Resolves when the announcement is durable. */
  announce(batch: RecordBatch, accepted: readonly Accepted<Event>[]): Promise<void>;
  /** Resolves when the ledger entry is durable. */
  record(entry: LedgerEntry): Promise<void>;
}

/**
 * Takes one batch from the log to the table. The steps, and what a crash or failure at each leaves behind:
 *
 * 1. decode and validate: nothing is left behind;
 * 2. keep dead letters: they are there again after the repeat, under the same key;
 * 3. store: the rows are there and nobody was told; the repeat stores them again and the key collapses them;
 * 4. announce: announced twice after the repeat, which recomputes a bucket once more than needed;
 * 5. record in the ledger: the same entry twice, which collapses.
 *
 * The caller commits the offset after that (step 6); a crash before it repeats the batch from step 1.
 * The order is the guarantee: nothing is announced that is not visible, nothing is committed that is not announced.
 */
export async function acceptBatch<Event>(
  batch: RecordBatch,
  ports: AcceptPorts<Event>,
  policy: RetryPolicy,
  context: BatchContext,
): Promise<LedgerEntry> {
  const { signal } = context;
  const accepted: Accepted<Event>[] = [];
  const rejected: Rejected[] = [];
  for (const record of batch.records) {
    const pending = ports.decode(record, signal);
    // Awaiting only what is pending spares a turn of the event loop for nearly every record.
    const checked = pending instanceof Promise ? await pending : pending;
    if (checked.ok) accepted.push({ record, event: checked.value });
    else rejected.push({ record, fault: checked.fault });
  }

  await keepDeadLetters(rejected);
  const erased: Accepted<Event>[] = [];
  const refused = await storeIsolating(batch, accepted);
  await keepDeadLetters(refused.map(({ record, fault }) => ({ record, fault })));

  const leftOut = new Set([...refused, ...erased].map(({ record }) => record));
  const stored = leftOut.size === 0 ? accepted : accepted.filter(({ record }) => !leftOut.has(record));
  if (stored.length > 0) await keepTrying('announce', () => ports.announce(batch, stored), policy, signal);

  const entry: LedgerEntry = {
    topic: batch.topic,
    partition: batch.partition,
    from: firstOffset(batch),
    to: lastOffset(batch),
    rows: stored.length,
    duplicates: stored.length - new Set(stored.map(({ event }) => ports.identityOf(event))).size,
    dead: rejected.length + refused.length,
    erased: erased.length,
  };
  await keepTrying('ledger', () => ports.record(entry), policy, signal);
  return entry;

  async function keepDeadLetters(letters: readonly Rejected[]): Promise<void> {
    if (letters.length === 0) return;
    await keepTrying('dead-letter', () => ports.keepDeadLetters(batch, letters), policy, signal);
  }

  /** Stores all rows; where only some of them cause an error, halves until each of those stands alone. */
  async function storeIsolating(of: RecordBatch, rows: readonly Accepted<Event>[]): Promise<readonly Rejected[]> {
    if (rows.length === 0) return [];
    try {
      erased.push(...(await keepTrying('store', () => ports.store(of, rows), policy, signal)));
      return [];
    } catch (error) {
      if (policy.classify(error) !== 'rows') throw error;
      const [only] = rows;
      if (rows.length === 1 && only !== undefined) {
        const message = error instanceof Error ? error.message : String(error);
        return [{ record: only.record, fault: { code: 'storage_rejected', message, field: null } }];
      }
      const middle = rows.length >> 1;
      const left = await storeIsolating(of, rows.slice(0, middle));
      return [...left, ...(await storeIsolating(of, rows.slice(middle)))];
    }
  }
}
