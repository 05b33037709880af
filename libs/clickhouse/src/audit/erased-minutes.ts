import type { ClickHouseClient } from '@clickhouse/client';
import { IS_ERASED, type TouchedMinute } from '../erasures.js';

/** Where rows of erased people lie, by UTC day; one minute stands for a rolled hour or day. Days ascending. */
export async function minutesOfErased(client: ClickHouseClient): Promise<readonly TouchedMinute[]> {
  const places = [
    ['toStartOfMinute(occurred_at)', 'usage_events'],
    ['minute', 'usage_by_minute'],
    ['hour', 'usage_by_hour'],
    ['hour', 'session_minutes'],
    ["toDateTime(day, 'UTC')", 'usage_by_day_user'],
    ["toDateTime(day, 'UTC')", 'usage_by_day_model'],
    ["toDateTime(day, 'UTC')", 'attendance_by_day'],
  ].map(([minute, table]) => `SELECT ${minute} AS minute FROM ${table} WHERE ${IS_ERASED}`);
  const result = await client.query({
    query: `SELECT toUInt32(toRelativeDayNum(minute)) AS day, arraySort(groupUniqArray(toUInt32(toHour(minute) * 60 + toMinute(minute)))) AS minutes
            FROM (${places.join(' UNION ALL ')}) GROUP BY day ORDER BY day`,
    format: 'JSONEachRow',
  });
  return result.json<{ day: number; minutes: number[] }>();
}
