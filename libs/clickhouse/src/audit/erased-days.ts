import type { ClickHouseClient } from '@clickhouse/client';
import { IS_ERASED, touchedDaysWhere, type TouchedDay } from '../erasures.js';

/** Where rows of erased people lie, by UTC day. Days ascending. */
export async function daysOfErased(client: ClickHouseClient): Promise<readonly TouchedDay[]> {
  const result = await client.query({ query: touchedDaysWhere(IS_ERASED), format: 'JSONEachRow' });
  return result.json<TouchedDay>();
}
