import type { PeopleDirectory } from '@laurel/policy';

/**
 * Who is asked for in place of somebody hidden: nobody, as an id has at most 256 bytes, and another nobody for each. So the answer is that
 * of somebody unknown and takes as long, the first time and again, when what was read is remembered.
 */
export const nobodyFor = (userId: string): string => userId + ' '.repeat(256);

/** Whose usage is read for somebody's page. */
export const readableId = (people: PeopleDirectory, userId: string): string =>
  people.isHidden(userId) ? nobodyFor(userId) : userId;
