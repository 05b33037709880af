import { whole } from '../evidence.js';
import type { Measurement } from '../standings.js';
import { volumeOf, type PersonFacts } from './facts.js';

/**
 * The number of UTC days of the window with tokens of the person's counted events (as for Token Legend, all classes).
 *
 * Volume: counted tokens, these days, sessions. Evidence, whole numbers: `active_days`, `tokens`, `events`.
 */
export function activeDays(person: PersonFacts): Measurement {
  const volume = volumeOf(person);
  return {
    userId: person.userId,
    value: volume.activeDays,
    volume,
    evidence: {
      active_days: whole(volume.activeDays),
      tokens: whole(volume.tokens),
      events: whole(person.figures.events),
    },
  };
}
