import type { AwardEvent } from '@laurel/events';

/** An award event and where it stands. */
export interface LoggedAward {
  /** On `titles.awards.v1`, which has one partition; ascending, with gaps. */
  readonly offset: number;
  readonly award: AwardEvent;
}
