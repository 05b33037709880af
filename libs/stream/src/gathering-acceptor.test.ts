import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { GatheringAcceptor } from './gathering-acceptor.js';
import type { StreamRecord } from './record-batch.js';
import {
  batchOf,
  Crash,
  expectComplete,
  fates,
  never,
  policy,
  recordAt,
  saidOf,
  World,
  type Said,
} from './world.fixture.js';

/** No offset is in two partitions. */
const PARTITION_OFFSETS = 1000;
const partitionOf = (offset: number): number => Math.floor(offset / PARTITION_OFFSETS);

const of = (partition: number, ...all: readonly Said['nature'][]): StreamRecord[] =>
  all.map((nature, index) =>
    recordAt(partition * PARTITION_OFFSETS + index, { identity: `${partition}-${index}`, nature }),
  );

describe('GatheringAcceptor', () => {
  it('stores what comes at once together, announces it once, and accounts for each partition', async () => {
    const world = new World();
    const acceptor = new GatheringAcceptor(world, policy);
    const parts = [of(0, 'good', 'invalid'), of(1, 'good'), of(2, 'good', 'good', 'good')];
    const entries = await Promise.all(parts.map((part, index) => acceptor.accept(batchOf(part, index), never)));
    expect(world.calls).toEqual([
      { step: 'store', size: 6 },
      { step: 'dead-letter', size: 1 },
      { step: 'announce', size: 1 },
      { step: 'ledger', size: 3 },
    ]);
    expect(entries).toMatchObject([
      { partition: 0, from: 0, to: 1, rows: 1, dead: 1 },
      { partition: 1, from: 1000, to: 1000, rows: 1 },
      { partition: 2, from: 2000, to: 2002, rows: 3 },
    ]);
    expectComplete(world, parts.flat(), partitionOf);
  });

  it('announces nothing where nothing of any partition was accepted', async () => {
    const world = new World();
    const acceptor = new GatheringAcceptor(world, policy);
    await Promise.all([0, 1].map((index) => acceptor.accept(batchOf(of(index, 'erased'), index), never)));
    expect(world.calls.map(({ step }) => step)).toEqual(['store', 'ledger']);
  });

  it('loses only the rows that are refused', async () => {
    const world = new World();
    const acceptor = new GatheringAcceptor(world, policy);
    const parts = [of(0, 'good', 'good'), of(1, 'good', 'refused', 'good')];
    await Promise.all(parts.map((part, index) => acceptor.accept(batchOf(part, index), never)));
    expect([...world.deadLetters]).toEqual([[1001, 'storage_rejected']]);
    expectComplete(world, parts.flat(), partitionOf);
  });

  it('lets no partition wait for what another one waits for', async () => {
    const world = new World();
    const store = world.store.bind(world);
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    world.store = async (batch) => {
      if (batch.partition === 1) await held;
      return store(batch);
    };
    const acceptor = new GatheringAcceptor(world, policy);
    const accept = (partition: number, nature: Said['nature']) =>
      acceptor.accept(batchOf(of(partition, nature), partition), never);
    const waiting = accept(1, 'waits');
    await Promise.all([accept(0, 'good'), accept(2, 'good')]);
    expect(world.ledger.map(({ partition }) => partition).sort()).toEqual([0, 2]);
    release();
    expect(await waiting).toMatchObject({ partition: 1, rows: 1 });
  });

  it('takes what comes later by itself', async () => {
    const world = new World();
    const acceptor = new GatheringAcceptor(world, policy);
    const first = acceptor.accept(batchOf(of(0, 'good'), 0), never);
    await setImmediate();
    const later = [1, 2].map((partition) => acceptor.accept(batchOf(of(partition, 'good'), partition), never));
    await Promise.all([first, ...later]);
    expect(world.calls.filter(({ step }) => step === 'store').map(({ size }) => size)).toEqual([1, 2]);
  });

  it('takes large batches by themselves', async () => {
    const world = new World();
    const acceptor = new GatheringAcceptor(world, policy);
    const large = (partition: number) =>
      batchOf([recordAt(partition, { identity: 'x'.repeat(3_000_000), nature: 'good' })], partition);
    await Promise.all([0, 1].map((partition) => acceptor.accept(large(partition), never)));
    expect(world.calls.filter(({ step }) => step === 'store').map(({ size }) => size)).toEqual([1, 1]);
  });

  it('keeps assignments apart: what ends with one leaves the other one’s alone', async () => {
    const world = new World();
    const store = world.store.bind(world);
    const [former, next] = [new AbortController(), new AbortController()];
    const acceptor = new GatheringAcceptor(world, policy);
    world.store = (batch) => {
      former.abort();
      return store(batch);
    };
    const given = acceptor.accept(batchOf(of(0, 'good'), 0), { signal: former.signal });
    const kept = acceptor.accept(batchOf(of(1, 'good'), 1), { signal: next.signal });
    await expect(given).rejects.toThrow('aborted');
    expect(await kept).toMatchObject({ partition: 1, rows: 1 });
    expect(world.ledger.map(({ partition }) => partition)).toEqual([1]);
  });

  it('leaves exactly what was accepted of every partition, whatever crashes, fails, waits and is delivered again', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(saidOf, { minLength: 1, maxLength: 8 }), { minLength: 2, maxLength: 4 }),
        fates,
        fc.array(fc.nat(4), { maxLength: 30 }),
        async (logs, script, choices) => {
          const partitions = logs.map((log, partition) => ({
            partition,
            records: log.map((one, index) => recordAt(partition * PARTITION_OFFSETS + index, one)),
            committed: 0,
          }));
          const world = new World(script);
          const acceptor = new GatheringAcceptor(world, policy);
          for (;;) {
            const due = partitions.filter(({ records, committed }) => (records.at(-1)?.offset ?? 0) >= committed);
            if (due.length === 0) {
              const again = choices.pop();
              if (again === undefined) break;
              // A crash before the commit reached the broker: delivered again.
              const one = partitions[again % partitions.length];
              if (one !== undefined) one.committed = 0;
              continue;
            }
            await Promise.all(
              due.map(async (one) => {
                const left = one.records.filter(({ offset }) => offset >= one.committed);
                const batch = batchOf(left.slice(0, 1 + (choices.pop() ?? 8)), one.partition);
                try {
                  const entry = await acceptor.accept(batch, never);
                  expect(world.ledger).toContain(entry);
                  expect(entry).toMatchObject({ partition: one.partition, from: batch.records[0]?.offset });
                  one.committed = entry.to + 1;
                } catch (error) {
                  expect(error).toBeInstanceOf(Crash);
                  expect((error as Error).message).not.toContain('visible');
                }
              }),
            );
          }
          expectComplete(
            world,
            partitions.flatMap(({ records }) => records),
            partitionOf,
          );
        },
      ),
      { numRuns: 300 },
    );
  });
});
