/**
 * What all of these come to. Fails, if one does, only when all have ended: nothing shall read a copy any more when it is dropped.
 *
 * @throws the reason of the first in their order that failed.
 */
export async function allEnded<T extends readonly unknown[]>(
  reads: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(reads);
  return Promise.all(reads);
}
