import fc from 'fast-check';
import { haltReason, type HaltCode, type PartitionOffsets } from './halt.js';

const codeOf = (offsets: PartitionOffsets, recorded: number | undefined): HaltCode | undefined =>
  haltReason('usage.events.v1/0', offsets, recorded)?.code;

describe('haltReason', () => {
  it.each<[string, PartitionOffsets, number | undefined, HaltCode | undefined]>([
    ['a first start', { low: 0, high: 9, committed: undefined }, undefined, undefined],
    ['a first start on a log whose beginning is gone', { low: 5, high: 9, committed: undefined }, undefined, undefined],
    ['a normal restart', { low: 0, high: 9, committed: 4 }, 4, undefined],
    ['a restart after a crash before the commit', { low: 0, high: 9, committed: 4 }, 7, undefined],
    ['a restart after which nothing is left to read', { low: 9, high: 9, committed: 9 }, 9, undefined],
    ['a group that has lost its offset', { low: 0, high: 9, committed: undefined }, 4, 'committed_offset_gone'],
    ['records that are gone unread', { low: 5, high: 9, committed: 4 }, 4, 'log_start_above_committed'],
    [
      'records that are gone unread, before any was',
      { low: 5, high: 9, committed: 4 },
      undefined,
      'log_start_above_committed',
    ],
    [
      'records that are gone unread, whose offset kafkajs has reset',
      { low: 5, high: 9, committed: undefined },
      4,
      'log_start_above_committed',
    ],
    ['a log that begins after what the tables have', { low: 5, high: 9, committed: 6 }, 4, 'log_start_above_committed'],
    [
      'a group that had begun where the log has nothing any more',
      { low: 5, high: 9, committed: undefined, isLost: true },
      undefined,
      'committed_offset_gone',
    ],
    ['a shorter log than was committed', { low: 0, high: 3, committed: 4 }, undefined, 'log_end_below_committed'],
    ['a shorter log than the tables rest on', { low: 0, high: 3, committed: 2 }, 4, 'log_end_below_recorded'],
  ])('of %s', (_, offsets, recorded, expected) => {
    expect(codeOf(offsets, recorded)).toBe(expected);
  });

  it('never lets a record go by that was neither read nor is there to be read', () => {
    const offset = fc.nat(20);
    fc.assert(
      fc.property(
        offset,
        offset,
        fc.option(offset, { nil: undefined }),
        fc.option(offset, { nil: undefined }),
        (a, b, committed, recorded) => {
          const [low, high] = a < b ? [a, b] : [b, a];
          if (codeOf({ low, high, committed }, recorded) !== undefined) return;
          const next = committed ?? low;
          // It reads on where it stopped, on a log that has all of it.
          expect(next >= low && next <= high).toBe(true);
          if (recorded !== undefined) expect(committed !== undefined && recorded <= high && recorded >= low).toBe(true);
        },
      ),
    );
  });

  it('says which partition, and what a person needs to decide', () => {
    const halt = haltReason('usage.events.v1/3', { low: 5, high: 9, committed: 4 }, 4);
    expect(halt?.message).toBe(
      'log_start_above_committed: usage.events.v1/3 begins at 5, after the committed offset 4: records are gone',
    );
  });
});
