import type { Process } from './process.fixture.js';
import type { RollName, Tables } from './tables.fixture.js';
import type { World } from './world.fixture.js';

/** As of the projector: far beyond any attempt's deadline, and any reader's. */
export const STALE_AFTER_MS = 15 * 60_000;

/** What a sweep saw, and when at the latest. */
interface Sight {
  readonly atMs: number;
  readonly closedHour: number;
  readonly rolls: ReturnType<Tables['headless']>;
}

/** The rule of libs/clickhouse's Sweeper: only what was seen without a head long ago, and in the same place, goes. */
export class ModelSweeper {
  private readonly sights: Sight[] = [];

  constructor(private readonly world: World) {}

  async sweep(process: Process): Promise<void> {
    const { tables, mutation } = this.world;
    const beganMs = this.world.nowMs;
    const closedHour = await process.ask(() => tables.closed.hour);
    const rolls = await process.ask(() => tables.headless());
    const atMs = mutation === 'dates what a sweep saw by its beginning' ? beganMs : this.world.nowMs;
    const old = this.sights.findLast((sight) => beganMs - sight.atMs >= STALE_AFTER_MS);
    if (mutation === 'deletes headless rolls at once')
      await process.ask(() => tables.deleteRolls(new Set(rolls.keys())));
    else if (old !== undefined) {
      const isSwept = ([roll, place]: readonly [RollName, string]): boolean =>
        mutation === 'deletes what may have been a head in between'
          ? old.rolls.has(roll)
          : old.rolls.get(roll) === place;
      const swept = new Set([...rolls].filter(isSwept).map(([roll]) => roll));
      await process.ask(() => tables.deleteRolls(swept));
      await process.ask(() => tables.dropMinutesBefore(Math.min(old.closedHour, closedHour)));
    }
    this.sights.push({ atMs, closedHour, rolls });
  }
}
