import { setTimeout as sleep } from 'node:timers/promises';

/** Asks until the answer is not undefined; fails after `timeoutMs`. */
export async function eventually<T>(ask: () => Promise<T | undefined> | T | undefined, timeoutMs = 60_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`it did not happen within ${timeoutMs} ms`);
    await sleep(25);
  }
}
