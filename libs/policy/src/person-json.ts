import type { PersonFigures } from '@laurel/events';
import type { PeopleDirectory } from './people-directory.js';

/** A person as they chose to be shown. */
export interface PersonJson {
  readonly user_id: string;
  /** Chosen by the person, or generated from the pseudonym. */
  readonly handle: string;
  /** Given by those who chose to be shown by name; else null. */
  readonly name: string | null;
  /** exact; rounded down to two leading digits; or bands: the power of ten that was reached. */
  readonly figures: PersonFigures;
}

/** Undefined for a person who is hidden: nothing may be said of them. */
export function personJson(people: PeopleDirectory, userId: string): PersonJson | undefined {
  const shown = people.shownAs(userId);
  if (shown.kind === 'hidden') return undefined;
  const { handle, name, figures } = shown;
  return { user_id: userId, handle, name, figures };
}
