import fc from 'fast-check';
import type { LedgerEntry, Rejected, Stored, StoredTogether, TogetherPorts } from './accept-batch.js';
import type { FailureKind, RetryPolicy } from './keep-trying.js';
import type { BatchContext, RecordBatch, StreamRecord } from './record-batch.js';

/**
 * What a record of these tests says: its identity, and whether it decodes and the store takes it or leaves it out. One that
 * `waits` is as good, but not to be stored together with others.
 */
export interface Said {
  readonly identity: string;
  readonly nature: 'good' | 'waits' | 'invalid' | 'refused' | 'erased';
}

export class Outage extends Error {}
export class RowsRefused extends Error {}
export class Crash extends Error {}

export const policy: RetryPolicy = {
  classify: (error): FailureKind =>
    error instanceof Outage ? 'retriable' : error instanceof RowsRefused ? 'rows' : 'fatal',
  maxDelayMs: 1,
};

export const recordAt = (offset: number, said: Said): StreamRecord => ({
  offset,
  key: null,
  headers: {},
  timestampMs: 0,
  value: Buffer.from(JSON.stringify(said)),
});

export const said = (record: StreamRecord): Said => JSON.parse(Buffer.from(record.value ?? []).toString()) as Said;

const isGood = (record: StreamRecord): boolean => ['good', 'waits'].includes(said(record).nature);

export function batchOf(records: readonly StreamRecord[], partition = 3): RecordBatch {
  return { topic: 'usage', partition, records, highWatermark: (records.at(-1)?.offset ?? 0) + 1 };
}

export type Step = 'store' | 'dead-letter' | 'announce' | 'ledger';

/** What befalls a step: it may have had its effect when it fails. */
export type Fate = 'succeeds' | 'outage before' | 'outage after' | 'crash before' | 'crash after';

/** Records whose rows are there. */
export type Touched = readonly StreamRecord[];

/** Everything outside of the process, which crashes leave as it is. */
export class World implements TogetherPorts<Touched> {
  readonly rows = new Map<string, Set<number>>();
  readonly deadLetters = new Map<number, string>();
  readonly announced = new Set<string>();
  readonly ledger: LedgerEntry[] = [];
  readonly calls: { readonly step: Step; readonly size: number }[] = [];

  constructor(private readonly fates: Fate[] = []) {}

  keepDeadLetters(_: RecordBatch, rejected: readonly Rejected[]): Promise<void> {
    return this.step('dead-letter', rejected.length, () => {
      for (const { record, fault } of rejected) this.deadLetters.set(record.offset, fault.code);
    });
  }

  async store({ records }: RecordBatch): Promise<Stored<Touched>> {
    const of = (nature: Said['nature']): StreamRecord[] => records.filter((record) => said(record).nature === nature);
    const rows = records.filter(isGood);
    await this.step('store', records.length, () => this.insert(records));
    return {
      rows: rows.length,
      duplicates: rows.length - new Set(rows.map((record) => said(record).identity)).size,
      erased: of('erased').length,
      rejected: of('invalid').map((record) => ({
        record,
        fault: { code: 'wrong_type', message: 'as the test wants it', field: null },
      })),
      touched: rows,
    };
  }

  async storeTogether(batches: readonly RecordBatch[]): Promise<StoredTogether<Touched> | undefined> {
    const records = batches.flatMap((batch) => batch.records);
    if (records.some((record) => said(record).nature === 'waits')) return undefined;
    await this.step('store', records.length, () => this.insert(records));
    const still = new World();
    const stored = await Promise.all(batches.map((batch) => still.store(batch)));
    return { batches: stored, touched: stored.flatMap(({ touched }) => touched) };
  }

  private insert(records: readonly StreamRecord[]): void {
    for (const record of records) {
      const { identity, nature } = said(record);
      // Rows before the refused one are there already, as blocks of other days are.
      if (nature === 'refused') throw new RowsRefused(`row ${record.offset}`);
      if (!isGood(record)) continue;
      this.rows.set(identity, (this.rows.get(identity) ?? new Set()).add(record.offset));
    }
  }

  announce(touched: readonly Touched[]): Promise<void> {
    return this.step('announce', touched.length, () => {
      for (const record of touched.flat()) {
        const { identity } = said(record);
        if (this.rows.get(identity)?.has(record.offset) !== true) throw new Crash('announced what is not visible');
        this.announced.add(identity);
      }
    });
  }

  record(entries: readonly LedgerEntry[]): Promise<void> {
    return this.step('ledger', entries.length, () => void this.ledger.push(...entries));
  }

  private async step(step: Step, size: number, effect: () => void): Promise<void> {
    this.calls.push({ step, size });
    const fate = this.fates.shift() ?? 'succeeds';
    await Promise.resolve();
    if (fate === 'outage before') throw new Outage(step);
    if (fate === 'crash before') throw new Crash(step);
    effect();
    if (fate === 'outage after') throw new Outage(step);
    if (fate === 'crash after') throw new Crash(step);
  }
}

export const never: BatchContext = { signal: new AbortController().signal };

export const saidOf: fc.Arbitrary<Said> = fc.record({
  identity: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
  nature: fc.constantFrom('good', 'good', 'good', 'waits', 'invalid', 'refused', 'erased'),
});

export const fates: fc.Arbitrary<Fate[]> = fc.array(
  fc.constantFrom<Fate>('succeeds', 'succeeds', 'outage before', 'outage after', 'crash before', 'crash after'),
  { maxLength: 40 },
);

/**
 * Every record has its outcome, and nothing has two.
 *
 * @param partitionOf an offset, as these tests have no offset in two partitions.
 */
export function expectComplete(
  world: World,
  records: readonly StreamRecord[],
  partitionOf: (offset: number) => number = () => 3,
): void {
  const good = records.filter(isGood);
  const bad = records.filter((record) => ['invalid', 'refused'].includes(said(record).nature));
  const erased = records.filter((record) => said(record).nature === 'erased');
  const identities = (list: readonly StreamRecord[]): string[] => [...new Set(list.map((one) => said(one).identity))];
  expect([...world.rows.keys()].sort()).toEqual(identities(good).sort());
  expect([...world.rows.values()].flatMap((offsets) => [...offsets]).sort()).toEqual(
    good.map((record) => record.offset).sort(),
  );
  expect([...world.announced].sort()).toEqual(identities(good).sort());
  expect([...world.deadLetters].sort()).toEqual(
    bad
      .map(({ offset, ...rest }) => [
        offset,
        said({ offset, ...rest }).nature === 'refused' ? 'storage_rejected' : 'wrong_type',
      ])
      .sort(),
  );
  for (const { offset } of records) {
    expect(world.ledger.some(({ from, to }) => from <= offset && offset <= to)).toBe(true);
  }
  for (const { from, to, rows, duplicates, dead, erased: leftOut, topic, partition } of world.ledger) {
    const within = (record: StreamRecord): boolean => record.offset >= from && record.offset <= to;
    const stored = good.filter(within);
    expect({ topic, partition, rows, dead, leftOut }).toEqual({
      topic: 'usage',
      partition: partitionOf(from),
      rows: stored.length,
      dead: bad.filter(within).length,
      leftOut: erased.filter(within).length,
    });
    // Where rows were refused, what was halved is counted by halves.
    const twice = stored.length - identities(stored).length;
    if (bad.some((record) => within(record) && said(record).nature === 'refused')) {
      expect(duplicates).toBeLessThanOrEqual(twice);
    } else expect(duplicates).toBe(twice);
  }
}
