import { hourInDay, minuteOf, minuteOfDay } from '@laurel/usage';
import { ALL_VIEWS, checkAnswer, read, type Owed } from './readers.fixture.js';
import { bucketOf } from './tables.fixture.js';
import type { World } from './world.fixture.js';

/** Looks at the tables after every step: what every reader may rely on at any moment. */
export class Watch {
  private readonly promised = new Map<string, bigint>();
  /** How much of each partition of announcements is taken in. */
  private readonly taken: number[];
  private changes = -1;
  private closed: World['tables']['closed'];

  constructor(private readonly world: World) {
    this.closed = world.tables.closed;
    this.taken = world.stored.map(() => 0);
  }

  get owed(): Owed {
    return new Map(this.promised);
  }

  /** @throws Error that says what is wrong. */
  look(): void {
    const { tables } = this.world;
    if (!this.takeIn() && tables.changes === this.changes) return;
    this.changes = tables.changes;
    const { hour, day } = tables.closed;
    if (hour < this.closed.hour || day < this.closed.day) throw new Error('a boundary fell');
    if (hour < hourInDay(day, 0)) throw new Error('a day is closed before its hours');
    this.closed = tables.closed;
    for (const view of ALL_VIEWS) checkAnswer(tables, view, read(tables, view), this.promised);
  }

  /** What was committed since: all that could be seen of the announced minutes. */
  private takeIn(): boolean {
    let isNew = false;
    for (const [partition, { announced, committed }] of this.world.stored.entries()) {
      for (const { announcement, storedBefore } of announced.slice(this.taken[partition], committed)) {
        isNew = true;
        for (const row of this.world.tables.stored.slice(0, storedBefore)) {
          const minute = minuteOfDay(minuteOf(row.event.occurred_at));
          if (bucketOf.day(row) !== announcement.day || !announcement.minutes.includes(minute)) continue;
          if (row.version > (this.promised.get(row.identity) ?? -1n)) this.promised.set(row.identity, row.version);
        }
      }
      this.taken[partition] = committed;
    }
    return isNew;
  }
}
