import { STANDARD_WINDOW } from './http/parameters.js';
import type { TitleReads } from './titles/title-reads.js';
import type { Leaderboards } from './usage/leaderboards.js';
import type { UsageReads } from './usage/usage-reads.js';
import { namedWindow } from './usage/window-json.js';

/**
 * Reads what nearly everybody asks for, as what is known already is given at once. One after the other, what the page begins with
 * first, so that whoever asks meanwhile waits for their own read and not for all of them.
 *
 * @throws Error of the client.
 */
export async function readFirst(reads: UsageReads, leaderboards: Leaderboards, titles: TitleReads): Promise<void> {
  const atMs = Date.now();
  const { window } = namedWindow(STANDARD_WINDOW, atMs);
  await leaderboards.basis({ metric: 'total_tokens', window: STANDARD_WINDOW, atMs, scope: { kind: 'company' } });
  await reads.models(window);
  await reads.teams(window);
  await titles.standings();
}
