import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks until the answer is not undefined, also after a failure; fails after `timeoutMs`, for the last failure if that was the last.
 * On a busy machine an answer that took some seconds to work out is used again for a minute or two, see `Reused`.
 */
export async function eventually<T>(
  ask: () => Promise<T | undefined> | T | undefined,
  timeoutMs = 180_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const began = performance.now();
    let cause: unknown;
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) {
      cause = error;
    }
    if (Date.now() > deadline) throw new Error(`it did not happen within ${timeoutMs} ms`, { cause });
    // Asking is not to hold up what is waited for.
    await sleep(Math.max(25, performance.now() - began));
  }
}
