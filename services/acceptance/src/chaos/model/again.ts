import { keepTrying } from '@laurel/stream';

const FOR_MS = 120_000;

/** Reads until it succeeds: the last faults' connections may still be breaking, and a busy machine breaks more. */
export const again = <T>(read: () => Promise<T>): Promise<T> =>
  keepTrying('read', read, { classify: () => 'retriable', maxDelayMs: 2000, withinMs: FOR_MS });
