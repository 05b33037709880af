import fc from 'fast-check';
import { acceptBatch, type Rejected } from './accept-batch.js';
import { firstOffset, lastOffset, type RecordBatch } from './record-batch.js';
import {
  batchOf,
  Crash,
  expectComplete,
  fates,
  never,
  Outage,
  policy,
  recordAt,
  saidOf,
  World,
  type Step,
} from './world.fixture.js';

describe('acceptBatch', () => {
  it('keeps dead letters by the thousand, and no more at once', async () => {
    const world = new World(['succeeds', 'succeeds', 'outage after']);
    const records = Array.from({ length: 2500 }, (_, index) => recordAt(index, { identity: 'a', nature: 'invalid' }));
    await acceptBatch(batchOf(records), world, policy, never);
    const sizes = world.calls.filter(({ step }) => step === 'dead-letter').map(({ size }) => size);
    expect(sizes).toEqual([1000, 1000, 1000, 500]);
    expect(world.deadLetters.size).toBe(2500);
  });

  it('keeps large dead letters by the half megabyte, and a larger one alone', async () => {
    const world = new World();
    const sized = (offset: number, bytes: number) => {
      const record = recordAt(offset, { identity: 'x'.repeat(bytes), nature: 'invalid' });
      return record;
    };
    const records = [sized(0, 300_000), sized(1, 300_000), sized(2, 100), sized(3, 900_000), sized(4, 100)];
    await acceptBatch(batchOf(records), world, policy, never);
    const sizes = world.calls.filter(({ step }) => step === 'dead-letter').map(({ size }) => size);
    expect(sizes).toEqual([1, 2, 1, 1]);
  });

  it('leaves exactly what was accepted, whatever crashes, fails and is delivered again', async () => {
    await fc.assert(
      fc.asyncProperty(
        // Gaps between offsets are normal: the broker leaves out aborted and control records.
        fc.array(fc.record({ said: saidOf, gap: fc.nat(3) }), { minLength: 1, maxLength: 12 }),
        fates,
        fc.array(fc.nat(5), { maxLength: 6 }),
        async (log, script, choices) => {
          let offset = 0;
          const records = log.map(({ said: one, gap }) => {
            offset += gap + 1;
            return recordAt(offset, one);
          });
          const world = new World(script);
          let committed = 0;
          for (;;) {
            const left = records.filter((record) => record.offset >= committed);
            if (left.length === 0) {
              const again = choices.pop();
              if (again === undefined) break;
              // A crash before the commit reached the broker, or an older owner's commit: delivered again.
              committed = records.at(-1 - again)?.offset ?? 0;
              continue;
            }
            const batch = batchOf(left.slice(0, 1 + (choices.pop() ?? 5)));
            try {
              const entry = await acceptBatch(batch, world, policy, never);
              expect(entry).toBe(world.ledger.at(-1));
              committed = entry.to + 1;
            } catch (error) {
              expect(error).toBeInstanceOf(Crash);
              expect((error as Error).message).not.toContain('visible');
            }
          }
          expectComplete(world, records);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('takes its steps in the order that the guarantee rests on', async () => {
    const world = new World();
    const batch = batchOf([
      recordAt(7, { identity: 'a', nature: 'good' }),
      recordAt(8, { identity: 'b', nature: 'invalid' }),
      recordAt(9, { identity: 'c', nature: 'refused' }),
    ]);
    await acceptBatch(batch, world, policy, never);
    const steps = world.calls.map(({ step }) => step).filter((step, index, all) => step !== all[index - 1]);
    expect(steps).toEqual(['store', 'dead-letter', 'announce', 'ledger']);
  });

  it('announces nothing where nothing was accepted, and accounts for it all the same', async () => {
    const world = new World();
    const batch = batchOf([recordAt(4, { identity: 'a', nature: 'invalid' })]);
    const entry = await acceptBatch(batch, world, policy, never);
    expect(entry).toMatchObject({ from: firstOffset(batch), to: lastOffset(batch), rows: 0, dead: 1 });
    expect(world.calls.map(({ step }) => step)).toEqual(['store', 'dead-letter', 'ledger']);
  });

  it('isolates exactly the refused rows, each in twice the logarithm of the batch', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 600 }),
        fc.uniqueArray(fc.nat(599), { maxLength: 6 }),
        async (size, positions) => {
          const refused = positions.filter((position) => position < size).sort((a, b) => a - b);
          const world = new World();
          const records = Array.from({ length: size }, (_, index) =>
            recordAt(index, { identity: `e${index}`, nature: refused.includes(index) ? 'refused' : 'good' }),
          );
          const entry = await acceptBatch(batchOf(records), world, policy, never);
          expect([...world.deadLetters.keys()]).toEqual(refused);
          expect(world.rows.size).toBe(size - refused.length);
          expect(entry.dead).toBe(refused.length);
          const stores = world.calls.filter(({ step }) => step === 'store').length;
          expect(stores).toBeLessThanOrEqual(1 + 2 * refused.length * Math.ceil(Math.log2(size)));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('names the reason of the store in the dead letter', async () => {
    const letters: Rejected[] = [];
    class Keeping extends World {
      override keepDeadLetters(batch: RecordBatch, rejected: readonly Rejected[]): Promise<void> {
        letters.push(...rejected);
        return super.keepDeadLetters(batch, rejected);
      }
    }
    await acceptBatch(batchOf([recordAt(5, { identity: 'a', nature: 'refused' })]), new Keeping(), policy, never);
    expect(letters.map(({ fault }) => fault)).toEqual([{ code: 'storage_rejected', message: 'row 5', field: null }]);
  });

  it.each<Step>(['store', 'dead-letter', 'announce', 'ledger'])(
    'stops without an entry when %s fails in a way that no repeat can mend',
    async (failing) => {
      const bug = new RangeError('a bug');
      const world = new World();
      const fail = (): Promise<never> => Promise.reject(bug);
      if (failing === 'dead-letter') world.keepDeadLetters = fail;
      if (failing === 'store') world.store = fail;
      if (failing === 'announce') world.announce = fail;
      if (failing === 'ledger') world.record = fail;
      const batch = batchOf([
        recordAt(1, { identity: 'a', nature: 'good' }),
        recordAt(2, { identity: 'b', nature: 'invalid' }),
      ]);
      await expect(acceptBatch(batch, world, policy, never)).rejects.toBe(bug);
      expect(world.ledger).toEqual([]);
    },
  );

  it.each<Step>(['dead-letter', 'store', 'announce', 'ledger'])(
    'gives the batch up, without an entry, when the signal aborts in an outage of %s',
    async (away) => {
      const stop = new AbortController();
      const world = new World();
      const outage = (): Promise<never> => {
        setImmediate(() => stop.abort());
        return Promise.reject(new Outage());
      };
      if (away === 'dead-letter') world.keepDeadLetters = outage;
      if (away === 'store') world.store = outage;
      if (away === 'announce') world.announce = outage;
      if (away === 'ledger') world.record = outage;
      const batch = batchOf([
        recordAt(1, { identity: 'a', nature: 'good' }),
        recordAt(2, { identity: 'b', nature: 'invalid' }),
      ]);
      await expect(acceptBatch(batch, world, policy, { signal: stop.signal })).rejects.toThrow('aborted');
      expect(world.ledger).toEqual([]);
    },
  );

  it('hands the signal to a store that waits', async () => {
    const stop = new AbortController();
    const world = new World();
    const store = world.store.bind(world);
    let given: AbortSignal | undefined;
    world.store = (...args: readonly unknown[]) => {
      given = args[1] as AbortSignal;
      return store(args[0] as RecordBatch);
    };
    await acceptBatch(batchOf([recordAt(1, { identity: 'a', nature: 'good' })]), world, policy, {
      signal: stop.signal,
    });
    expect(given).toBe(stop.signal);
  });
});
