import { personFiguresValues } from '@laurel/events';
import { z } from 'zod';
import type { PeopleDirectory } from './people-directory.js';

/** A person as they chose to be shown. */
export const personSchema = z
  .object({
    user_id: z.string().describe('the pseudonym'),
    handle: z.string().describe('chosen by the person, or generated from the pseudonym'),
    name: z.string().nullable().describe('given by those who chose to be shown by name; else null'),
    figures: z
      .enum(personFiguresValues)
      .describe('exact; rounded down to two leading digits; or bands: the power of ten that was reached'),
  })
  .describe('a person as they chose to be shown');

export type PersonJson = Readonly<z.output<typeof personSchema>>;

/** Undefined for a person who is hidden: nothing may be said of them. */
export function personJson(people: PeopleDirectory, userId: string): PersonJson | undefined {
  const shown = people.shownAs(userId);
  if (shown.kind === 'hidden') return undefined;
  const { handle, name, figures } = shown;
  return { user_id: userId, handle, name, figures };
}
