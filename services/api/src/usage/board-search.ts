import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PeopleDirectory } from '@laurel/policy';
import { generatedHandle } from '@laurel/titles';
import type { Board } from './board.js';

/** Generated handles that are remembered at most, some 120 bytes each. */
const MOST_REMEMBERED = 500_000;

/** Handles that are made in one turn of the event loop: a few ms, so that nobody else waits for a search. */
const HANDLES_A_TURN = 1000;

/**
 * Finds people on a board by what is shown of them. A generated handle is the hash of a pseudonym, so that it can only be found by
 * making everybody's, which is done once.
 */
export class BoardSearch {
  private readonly generated = new Map<string, string>();

  constructor(private readonly people: PeopleDirectory) {}

  /**
   * Tells who matches; nobody who is hidden.
   *
   * @param text looked for in handles and in the names that are shown, in any case of letters; or a whole pseudonym.
   */
  async matcher(board: Board, text: string): Promise<(userId: string) => boolean> {
    let made = 0;
    for (const userId of board.userIds()) {
      if (this.generated.has(userId)) continue;
      this.generatedOf(userId);
      made += 1;
      if (made % HANDLES_A_TURN === 0) await nextTurn();
    }
    const wanted = text.trim().toLowerCase();
    return (userId) => this.matches(userId, wanted);
  }

  private matches(userId: string, wanted: string): boolean {
    if (this.people.isHidden(userId)) return false;
    if (userId.toLowerCase() === wanted) return true;
    if (this.people.profileOf(userId) === undefined) return this.generatedOf(userId).includes(wanted);
    const shown = this.people.shownAs(userId);
    return (
      shown.kind === 'shown' && (shown.handle.includes(wanted) || (shown.name?.toLowerCase().includes(wanted) ?? false))
    );
  }

  private generatedOf(userId: string): string {
    const known = this.generated.get(userId);
    if (known !== undefined) return known;
    if (this.generated.size >= MOST_REMEMBERED) this.generated.clear();
    const handle = generatedHandle(userId);
    this.generated.set(userId, handle);
    return handle;
  }
}
