import type { UsageEvent } from '@laurel/events';
import type { Day } from '@laurel/usage';
import { peopleOn, type PersonDay } from './person-day.js';
import { signalIds, type Signal, type SignalEvidence, type SignalId } from './signal.js';
import { beforeRelease } from './signals/before-release.js';
import { repeatedShape } from './signals/repeated-shape.js';
import { replayedPrefix } from './signals/replayed-prefix.js';
import { roundTheClock } from './signals/round-the-clock.js';
import { sameInstant } from './signals/same-instant.js';
import { spike } from './signals/spike.js';
import { tinyModels } from './signals/tiny-models.js';
import { unattendedRun } from './signals/unattended-run.js';
import { unbrokenRun } from './signals/unbroken-run.js';

const evidenceBy: Readonly<Record<SignalId, (person: PersonDay) => SignalEvidence | null>> = {
  unattended_run: unattendedRun,
  unbroken_run: unbrokenRun,
  round_the_clock: roundTheClock,
  replayed_prefix: replayedPrefix,
  tiny_models: tinyModels,
  repeated_shape: repeatedShape,
  same_instant: sameInstant,
  spike,
  before_release: beforeRelease,
};

/**
 * The reference for the signals of a UTC day: what the tables have to hold. In no particular order; whoever has no counted event on the day has
 * none.
 *
 * @param events deduplicated; of the day and the days before it.
 */
export function signalsOf(events: Iterable<UsageEvent>, day: Day): readonly Signal[] {
  return peopleOn(events, day).flatMap((person) =>
    signalIds.flatMap((signal): Signal[] => {
      const evidence = evidenceBy[signal](person);
      return evidence === null ? [] : [{ userId: person.userId, day, signal, evidence }];
    }),
  );
}
