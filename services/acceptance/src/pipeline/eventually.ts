import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 50;

/**
 * Asks until the answer is neither undefined nor false, and returns it. The bound is for a machine that is very busy.
 *
 * @throws Error that says what was waited for, with the last answer of `describe`, when it takes too long.
 */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined | false>,
  { timeoutMs = 180_000, describe }: { timeoutMs?: number; describe?: () => unknown } = {},
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const began = performance.now();
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > deadline) {
      const last = describe === undefined ? '' : `; last seen: ${JSON.stringify(describe())}`;
      throw new Error(`waited ${timeoutMs} ms for ${what}${last}`);
    }
    // Asking is not to hold up what is waited for.
    await sleep(Math.max(POLL_MS, performance.now() - began));
  }
}
