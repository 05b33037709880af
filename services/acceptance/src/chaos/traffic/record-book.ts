import { crc32 } from 'node:zlib';
import type { DeadLetterCode } from '@laurel/events';

/** What became of a record, as its publisher knows it. */
export const states = { unsent: 0, acknowledged: 1, aborted: 2, unknown: 3 } as const;
type State = (typeof states)[keyof typeof states];

/** The header by which a record is known again, its number in 4 bytes. */
export const SERIAL_HEADER = 'chaos-serial';

/** Valid events that the storage refuses: a proxy answers so to every insert with one, and only to those. */
export const REFUSED_MARK = 'refused-row-';

/** Events of hours that nothing else touches. */
export const LONELY_MARK = 'lonely-hour-';

/** What was published, and acknowledged: a few bytes a record, by its serial number. */
export class RecordBook {
  private state = new Uint8Array(1 << 16);
  private sums = new Uint32Array(1 << 16);
  private readonly codes = new Map<number, DeadLetterCode>();
  private next = 0;

  /** A new record's number. `code`: the fault that it is made with. */
  add(value: Buffer | null, code: DeadLetterCode | undefined): number {
    const serial = this.next;
    this.next += 1;
    if (serial >= this.state.length) this.grow();
    this.sums[serial] = value === null ? 0 : crc32(value);
    if (code !== undefined) this.codes.set(serial, code);
    return serial;
  }

  mark(serials: Iterable<number>, state: State): void {
    for (const serial of serials) this.state[serial] = state;
  }

  stateOf(serial: number): number {
    return this.state[serial] ?? states.unsent;
  }

  isIntact(serial: number, value: Uint8Array | null): boolean {
    return this.sums[serial] === (value === null ? 0 : crc32(value));
  }

  /** The code that a record was made to get; undefined for a sound one. */
  codeOf(serial: number): DeadLetterCode | undefined {
    return this.codes.get(serial);
  }

  get size(): number {
    return this.next;
  }

  count(state: State): number {
    let count = 0;
    for (let serial = 0; serial < this.next; serial += 1) if (this.state[serial] === state) count += 1;
    return count;
  }

  private grow(): void {
    const { state, sums } = this;
    this.state = new Uint8Array(state.length * 2);
    this.state.set(state);
    this.sums = new Uint32Array(sums.length * 2);
    this.sums.set(sums);
  }
}
