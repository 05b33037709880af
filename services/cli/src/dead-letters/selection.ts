import type { DeadLetterCode } from '@laurel/events';
import type { Letter } from './letter-fold.js';

/** Which letters are meant; all of what is given must hold. */
export interface Selection {
  /** As `Letter.place`. */
  readonly places?: ReadonlySet<string> | undefined;
  readonly code?: DeadLetterCode | undefined;
  /** With or without the prefix. */
  readonly topic?: string | undefined;
  /** The original record's key: the user's pseudonym, where the publisher keeps to the contract. */
  readonly key?: string | undefined;
  /** Rejected at this instant or later, in ms. */
  readonly sinceMs?: number | undefined;
  /** Rejected before this instant, in ms. */
  readonly untilMs?: number | undefined;
}

export function isSelected(letter: Letter, selection: Selection, topicPrefix: string): boolean {
  const { places, code, topic, key, sinceMs = -Infinity, untilMs = Infinity } = selection;
  return (
    (places === undefined || places.has(letter.place)) &&
    (code === undefined || letter.code === code) &&
    (topic === undefined || letter.topic === topic || letter.topic === topicPrefix + topic) &&
    (key === undefined || letter.key === key) &&
    letter.rejectedAtMs >= sinceMs &&
    letter.rejectedAtMs < untilMs
  );
}
