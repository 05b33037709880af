import { deadLetter } from './codecs.js';
import type { DeadLetter } from './generated/types.js';

/** Where the record was: topic/partition/offset, the topic with its prefix. */
export const placeOfLetter = ({
  topic,
  partition,
  offset,
}: Pick<DeadLetter, 'topic' | 'partition' | 'offset'>): string => `${topic}/${partition}/${offset}`;

/** Undefined when the bytes are no dead letter. */
export function readDeadLetter(value: Uint8Array): DeadLetter | undefined {
  try {
    return deadLetter.decode(value);
  } catch {
    return undefined;
  }
}
