import type { PeopleDirectory } from '@laurel/policy';

/** What an award is shown with at the moment of its delivery: people by their choice, titles by their names. */
export interface AwardView {
  readonly people: PeopleDirectory;
  /** The name that the title's rule has now; its id where there is none any more. */
  readonly titleName: (titleId: string) => string;
}
