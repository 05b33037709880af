import type { OutcomeEvent } from '@laurel/events';
import { OutcomeRows } from './outcome-rows.js';
import { rollIdOf, rollOutcomes, runAll, SECONDS_PER, writeHeads } from './projections.js';
import type { TestDatabase } from './test-database.fixture.js';

let serial = 0;

/** For tests: stores outcomes and rolls their days, as the services do, without Kafka. */
export async function takeOutcomes(
  { client }: Pick<TestDatabase, 'client'>,
  events: readonly OutcomeEvent[],
): Promise<void> {
  const rows = new OutcomeRows();
  for (const [offset, event] of events.entries()) rows.push(event, { offset, timestampMs: event.occurred_at });
  await rows.insert(client, 't', [{ partition: 0, rows: rows.length }]);
  for (const day of rows.days()) {
    serial += 1;
    const [start, id] = [day * SECONDS_PER.day, rollIdOf(serial, 1, 0)];
    await runAll(client, rollOutcomes(start, id));
    await writeHeads(client, 'outcome_day', [start], id);
  }
}
