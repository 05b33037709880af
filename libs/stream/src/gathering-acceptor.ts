import { setImmediate } from 'node:timers/promises';
import { acceptBatch, acceptTogether, type LedgerEntry, type TogetherPorts } from './accept-batch.js';
import type { RetryPolicy } from './keep-trying.js';
import { bytesOf, type BatchContext, type RecordBatch } from './record-batch.js';

/** Of what is taken together, in bytes: beyond that an insert costs no less for being larger, and several at once go faster. */
const MAX_TOGETHER_BYTES = 4 * 1024 * 1024;

interface Gathered {
  readonly signal: AbortSignal;
  readonly batches: RecordBatch[];
  bytes: number;
  /** Of the batches, in their order; undefined where each is to be taken by itself. */
  readonly entries: Promise<readonly LedgerEntry[] | undefined>;
}

/**
 * Takes batches of one topic as `acceptBatch` does, and those that come at once together. A fetch brings a batch of each partition: at a
 * steady rate of small ones, an insert, an announcement, an entry of the ledger and a commit for each cost more than the events.
 *
 * What can't be taken together is taken one by one, at the same time, so that none waits for what another one waits for.
 */
export class GatheringAcceptor<Touched> {
  private open: Gathered | undefined;

  constructor(
    private readonly ports: TogetherPorts<Touched>,
    private readonly policy: RetryPolicy,
  ) {}

  /** Steps 1 to 4 of `acceptBatch`. */
  async accept(batch: RecordBatch, context: BatchContext): Promise<LedgerEntry> {
    const gathered = this.openFor(bytesOf(batch), context);
    const index = gathered.batches.push(batch) - 1;
    const entries = await gathered.entries;
    return entries?.[index] ?? acceptBatch(batch, this.ports, this.policy, context);
  }

  private openFor(bytes: number, context: BatchContext): Gathered {
    const { open } = this;
    // What one assignment has in hand ends with it, and not with another one.
    if (open?.signal === context.signal && open.bytes + bytes <= MAX_TOGETHER_BYTES) {
      open.bytes += bytes;
      return open;
    }
    const batches: RecordBatch[] = [];
    const entries = this.whenGathered(batches, context);
    return (this.open = { signal: context.signal, batches, bytes, entries });
  }

  /** The batches of a fetch come in one turn of the event loop. */
  private async whenGathered(
    batches: readonly RecordBatch[],
    context: BatchContext,
  ): Promise<readonly LedgerEntry[] | undefined> {
    await setImmediate();
    if (this.open?.batches === batches) this.open = undefined;

    return batches.length < 2 ? undefined : acceptTogether(batches, this.ports, this.policy, context);
  }
}
