import { deleteErased, erasedRows, daysOfErased } from '@laurel/clickhouse';
import { announce } from './announce.js';
import { newFinding, type CheckOptions, type CheckResult } from './finding.js';
import { plural } from '../terminal.js';
import type { AuditWorld } from './world.js';

/** Nothing of an erased person may be left in any table. */
export async function checkErasures(world: AuditWorld, { heal }: CheckOptions): Promise<CheckResult> {
  const { clickhouse } = world;
  world.progress.show('erasures');
  const people = await world.attempt('reading the erasures', async () => {
    const result = await clickhouse.query({
      query: 'SELECT uniqExact(user_hash) AS people, toString(max(erased_at)) AS last FROM erasures',
      format: 'JSONEachRow',
    });
    const [row] = await result.json<{ people: string; last: string }>();
    return { count: Number(row?.people ?? 0), last: row?.last ?? '' };
  });
  const left = await world.attempt('looking for rows', () => erasedRows(clickhouse));
  const asOf = people.count === 0 ? 'nobody was erased' : `the erasure of ${people.last} UTC and those before it`;
  const found = left.map(({ table, rows }) => ({
    table,
    finding: newFinding({
      check: 'erasures',
      code: 'erased_rows_left',
      at: table,
      message: `${plural(rows, 'row')} of erased people; no figure has them, unless a laurel forget is under way`,
      asOf,
      healable: true,
    }),
  }));
  if (heal && found.length > 0) {
    // Announced first: what is deleted can no longer be told of.
    const days = await world.attempt('looking for rows', () => daysOfErased(clickhouse));
    if (days.length > 0) await announce(world, days, 'erased');
    for (const { table } of found) await world.attempt('deleting', () => deleteErased(clickhouse, table));
    const still = new Set(
      (await world.attempt('looking for rows', () => erasedRows(clickhouse))).map((one) => one.table),
    );
    for (const { table, finding } of found) finding.healed = !still.has(table);
  }
  return {
    compared: `every table with ${plural(people.count, 'erased person', 'erased people')}`,
    counts: { people: people.count },
    asOf,
    findings: found.map(({ finding }) => finding),
    notes: [],
  };
}
