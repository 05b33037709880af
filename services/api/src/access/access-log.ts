import { writeAccesses, type Access, type ClickHouseClient } from '@laurel/clickhouse';
import { passingProblem } from '../http/problem.js';
import type { Caller } from './caller.js';

/** The same look by the same reader is not written again for so long, in ms: a page asks every few seconds. */
const AGAIN_AFTER_MS = 600_000;
/** So many looks are known to be written already; of more, the oldest are forgotten, and written again. */
const MOST_KNOWN = 20_000;
/** Inserts are at least so far apart, in ms, so that ClickHouse has few parts to merge, however many look. */
const INSERT_INTERVAL_MS = 250;
/** More than these waiting are refused: the table is not keeping up. */
const MOST_WAITING = 5000;

type Look = Omit<Access, 'atMs' | 'reader'>;

interface Waiting {
  readonly access: Access;
  readonly written: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Writes who looks at whose figures, before they see them. All that comes within a quarter of a second is one insert. Whoever is
 * anonymous has no name that could be written, and who looks at their own figures does nothing that need be.
 */
export class AccessLog {
  /** Until when a look counts as written. */
  private readonly known = new Map<string, number>();
  private waiting: Waiting[] = [];
  private timer: NodeJS.Timeout | undefined;
  private lastInsertMs = -Infinity;

  constructor(
    private readonly clickhouse: ClickHouseClient,
    private readonly now: () => number = Date.now,
  ) {}

  /** @throws Problem `storage_unavailable` when it can't be written: then nobody sees anything. */
  async record(caller: Caller, look: Look): Promise<void> {
    if (caller.kind === 'anonymous' || caller.userId === look.userId) return;
    const key = JSON.stringify([caller.name, look.action, look.userId, look.operation]);
    if (look.action === 'look' && (this.known.get(key) ?? 0) > this.now()) return;
    await this.write({ ...look, reader: caller.name, atMs: this.now() });
    this.remember(key);
  }

  private write(access: Access): Promise<void> {
    if (this.waiting.length >= MOST_WAITING) {
      throw passingProblem('storage_unavailable', 'Too many look at figures at once; try again shortly.');
    }
    return new Promise((written, failed) => {
      this.waiting.push({ access, written, failed });
      this.timer ??= setTimeout(
        () => void this.flush(),
        Math.max(0, this.lastInsertMs + INSERT_INTERVAL_MS - this.now()),
      );
    });
  }

  private async flush(): Promise<void> {
    this.timer = undefined;
    this.lastInsertMs = this.now();
    const batch = this.waiting;
    this.waiting = [];
    try {
      await writeAccesses(
        this.clickhouse,
        batch.map(({ access }) => access),
      );
      for (const { written } of batch) written();
    } catch (error) {
      for (const { failed } of batch) failed(error);
    }
  }

  private remember(key: string): void {
    this.known.delete(key);
    this.known.set(key, this.now() + AGAIN_AFTER_MS);
    const [oldest] = this.known.keys();
    if (this.known.size > MOST_KNOWN && oldest !== undefined) this.known.delete(oldest);
  }
}
