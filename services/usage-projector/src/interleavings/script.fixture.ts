import fc from 'fast-check';
import { versionArbitrary, type Version } from './published.fixture.js';
import type { Fate } from './process.fixture.js';

/**
 * How far a process goes: to its end, or so many steps, and then what befalls it at the next one. Else it stands still
 * there, and when it is deposed, its partition is handed over meanwhile.
 */
export interface Course {
  readonly steps: number;
  readonly fate: Fate | 'stalled' | 'deposed';
}

export const THROUGH: Course = { steps: Infinity, fate: 'stalled' };
export const ONE_STEP: Course = { steps: 1, fate: 'stalled' };

/** What happens next. Numbers that choose among what there is are taken modulo how many there are. */
export type Command =
  /** @param gap how many offsets the broker leaves out before it. */
  | { readonly kind: 'publish'; readonly partition: number; readonly version: Version; readonly gap: number }
  | { readonly kind: 'duplicate'; readonly which: number; readonly partition: number }
  | { readonly kind: 'invalid'; readonly which: number; readonly partition: number }
  /** The next records of a partition, at most so many. */
  | { readonly kind: 'deliver'; readonly partition: number; readonly most: number; readonly course: Course }
  /** A member of the projectors' group takes in at most so many announcements, and rolls what is due after a while. */
  | {
      readonly kind: 'roll';
      readonly member: number;
      readonly most: number;
      readonly endsHours: boolean;
      readonly afterMs: number;
      readonly course: Course;
    }
  | { readonly kind: 'resume'; readonly which: number; readonly course: Course }
  | { readonly kind: 'rebalance'; readonly group: 'ingest' | 'projector'; readonly partition: number }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'sweep'; readonly sweeper: number; readonly course: Course }
  | { readonly kind: 'read'; readonly view: number; readonly course: Course }
  | { readonly kind: 'forget'; readonly person: number; readonly course: Course };

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const course: fc.Arbitrary<Course> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(THROUGH) },
  {
    weight: 3,
    arbitrary: fc.record({
      steps: fc.nat(14),
      fate: fc.constantFrom(
        'stalled',
        'stalled',
        'deposed',
        'deposed',
        'deposed',
        'answer lost',
        'killed before',
        'killed after',
      ),
    }),
  },
);
const partition = fc.nat(1);
const most = fc.constantFrom(1, 2, 99, 99);

/** The numbers are weights. */
const commands: readonly (readonly [number, fc.Arbitrary<Command>])[] = [
  [
    10,
    fc.record({ kind: fc.constant('publish'), partition, version: versionArbitrary, gap: fc.constantFrom(0, 0, 2) }),
  ],
  [2, fc.record({ kind: fc.constant('duplicate'), which: fc.nat(99), partition })],
  [1, fc.record({ kind: fc.constant('invalid'), which: fc.nat(4), partition })],
  [10, fc.record({ kind: fc.constant('deliver'), partition, most, course })],
  [
    12,
    fc.record({
      kind: fc.constant('roll'),
      member: fc.nat(99),
      most,
      endsHours: fc.boolean(),
      afterMs: fc.constantFrom(0, 3000, 20_000),
      course,
    }),
  ],
  [8, fc.record({ kind: fc.constant('resume'), which: fc.nat(99), course })],
  [2, fc.record({ kind: fc.constant('rebalance'), group: fc.constantFrom('ingest', 'projector'), partition })],
  [
    3,
    fc.record({ kind: fc.constant('pass'), ms: fc.constantFrom(9 * MINUTE_MS, 16 * MINUTE_MS, HOUR_MS, 24 * HOUR_MS) }),
  ],
  [4, fc.record({ kind: fc.constant('sweep'), sweeper: fc.nat(1), course })],
  [2, fc.record({ kind: fc.constant('read'), view: fc.nat(5), course })],
  [1, fc.record({ kind: fc.constant('forget'), person: fc.nat(9), course })],
];

export interface Script {
  readonly commands: readonly Command[];
  /** Before the end, in ms: some processes may stand still for longer than any attempt may take. */
  readonly pauseMs: number;
}

export const script: fc.Arbitrary<Script> = fc.record({
  commands: fc.array(fc.oneof(...commands.map(([weight, arbitrary]) => ({ weight, arbitrary }))), {
    minLength: 1,
    maxLength: 80,
    // Else they would all be short.
    size: 'max',
  }),
  pauseMs: fc.constantFrom(0, 16 * MINUTE_MS),
});
