import fc from 'fast-check';
import { ModelPipeline } from './interleavings/pipeline.fixture.js';
import { FIRST_MINUTE_OF_SECOND_DAY } from './interleavings/published.fixture.js';
import { script, THROUGH, type Command, type Course, type Script } from './interleavings/script.fixture.js';
import { mutations, type Mutation } from './interleavings/world.fixture.js';

async function play({ commands, pauseMs }: Script, mutation?: Mutation): Promise<void> {
  const pipeline = new ModelPipeline(mutation);
  for (const command of commands) await pipeline.run(command);
  await pipeline.finish(pauseMs);
}

const guarantee = (mutation?: Mutation) => fc.asyncProperty(script, (one) => play(one, mutation));

const MINUTE_MS = 60_000;
/** Members by place: the owner of the first day, that of the second, and who was deposed last. */
const [DAY, NEXT_DAY, TWIN] = [0, 1, 4];
const after = (steps: number): Course => ({ steps, fate: 'stalled' });
const roll = (member: number, course = THROUGH): Command => ({
  kind: 'roll',
  member,
  most: 99,
  endsHours: true,
  afterMs: 0,
  course,
});
const sweep = (course: Course): Command => ({ kind: 'sweep', sweeper: 0, course });
const pass = (minutes: number): Command => ({ kind: 'pass', ms: minutes * MINUTE_MS });
const resume = (which: number): Command => ({ kind: 'resume', which, course: THROUGH });
const stored = (identity: number): readonly Command[] => [
  { kind: 'publish', partition: 0, version: { identity, revision: 0, retracted: false, content: 0 }, gap: 0 },
  { kind: 'deliver', partition: 0, most: 1, course: THROUGH },
];

describe('publish, duplicate, late, revise, retract, crash and rebalance, in whatever order', () => {
  it('leave every projection equal to the fold of the deduplicated log, and show nothing wrong on the way', async () => {
    await fc.assert(guarantee(), { numRuns: 2000 });
  });

  it.each(mutations)('would not, if it %s', async (mutation) => {
    const { failed } = await fc.check(guarantee(mutation), { numRuns: 5000, seed: 1, endOnFailure: true });
    expect(failed).toBe(true);
  });

  const [one, another] = FIRST_MINUTE_OF_SECOND_DAY;

  it('count what an owner rolled as a minute, for all it knew, while its stalled twin was closing the hour', async () => {
    const commands = [
      ...stored(one),
      pass(24 * 60),
      // The hours of the second day wait for those of the first.
      roll(NEXT_DAY),
      { kind: 'rebalance', group: 'projector', partition: NEXT_DAY } as const,
      // The new owner is told that they are open, and stands still before it knows …
      roll(NEXT_DAY, after(1)),
      roll(DAY),
      // … when that is no longer so, and its twin rolls the first of them, to close it.
      roll(TWIN, after(3)),
      ...stored(another),
      roll(NEXT_DAY),
      resume(0),
      resume(0),
      roll(NEXT_DAY),
    ];
    await play({ commands, pauseMs: 0 });
  });

  it('leave a roll alone that is new to a sweep that took long, but not if it dates what it saw by its beginning', async () => {
    const commands = [
      ...stored(one),
      sweep(after(0)),
      pass(16),
      // It has no head yet, and that is what the sweep sees.
      roll(NEXT_DAY, after(4)),
      resume(0),
      sweep(THROUGH),
      resume(0),
    ];
    await play({ commands, pauseMs: 0 });
    await expect(play({ commands, pauseMs: 0 }, 'dates what a sweep saw by its beginning')).rejects.toThrow(
      "names a roll that isn't there",
    );
  });
  it('leave a former head to its readers that a sweep had seen before it was one', async () => {
    const commands = [
      ...stored(one),
      pass(24 * 60),
      roll(NEXT_DAY, after(4)),
      // It has no head yet …
      sweep(THROUGH),
      // … and gets it, so that a reader takes it for one …
      resume(0),
      pass(9),
      { kind: 'read', view: 0, course: after(6) } as const,
      // … but has none again when the next sweep looks.
      ...stored(another),
      roll(NEXT_DAY),
      pass(7),
      sweep(THROUGH),
      resume(0),
    ];
    await play({ commands, pauseMs: 0 });
    await expect(play({ commands, pauseMs: 0 }, 'deletes what may have been a head in between')).rejects.toThrow(
      "names a roll that isn't there",
    );
  });
});
