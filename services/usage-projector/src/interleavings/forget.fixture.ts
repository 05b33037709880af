import { minuteOf, minuteOfDay } from '@laurel/usage';
import type { Process } from './process.fixture.js';
import { bucketOf } from './tables.fixture.js';
import type { World } from './world.fixture.js';

/** Erases a person in the order of `laurel forget`: what there is of them, the list, the announcements, the deletion. */
export async function forget(process: Process, world: World, person: string): Promise<void> {
  const { tables } = world;
  const rows = await process.ask(() => tables.rowsOf(person));
  await process.ask(() => tables.erased.add(person));
  for (const day of new Set(rows.map(bucketOf.day))) {
    const minutes = rows
      .filter((row) => bucketOf.day(row) === day)
      .map(({ event }) => minuteOfDay(minuteOf(event.occurred_at)));
    await process.ask(() => {
      world.announce({
        day,
        minutes: [...new Set(minutes)],
        close_hour: null,
        cause: 'erased',
        announced_at: world.nowMs,
        oldest_record_at: null,
        outcomes: true,
      });
    });
  }
  await process.ask(() => tables.deleteErased());
}
