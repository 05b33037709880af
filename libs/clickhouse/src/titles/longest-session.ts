import type { MetricOf } from '@laurel/titles';
import type { LookedAt } from './window-sql.js';

const MINUTES = 60;
/** Of a segment, see `segments`. */
const LENGTH_BITS = 6;
const START_BITS = 26;
const LENGTH = 2 ** LENGTH_BITS - 1;
const START_SHIFT = 2 * LENGTH_BITS;
const START = 2 ** START_BITS - 1;
const ALL = '18446744073709551615';

/**
 * SQL: everybody's `value` by `longest_session`: of each session the active minutes in order, cut at the gaps; of each run the capped days'
 * sum; of the runs the greatest.
 *
 * An hour of a session is a set of bits and is never taken apart into its minutes: a company has thirty times as many of these.
 * It is looked at in stretches, so short that one of them has one gap at the most, and so two segments without a gap. A segment is one
 * number: the session's, the minute in which it starts, how many minutes later it ends, and its active minutes but one. So segments
 * that are sorted are in order by session and time.
 */
export function longestSession({ days }: LookedAt, { max_gap_minutes: gap }: MetricOf<'longest_session'>): string {
  // Two gaps need 2 * gap + 3 minutes: one that is active, `gap` that are not, another one, and so on.
  const stretch = Math.min(MINUTES, 2 * gap + 2);
  return `
    SELECT user_id, arrayMax(run -> arraySum(run), arraySplit((day, is) -> is, run_days, arrayFilter((is, starts_day) -> starts_day, starts_run, starts_day))) AS value
    FROM (
      SELECT user_id,
        arraySort(arrayConcat(
          arrayMap((session, segment) -> session + segment, sessions, first_segments),
          arrayMap((session, segment) -> session + segment,
            arrayFilter((session, segment) -> segment != 0, sessions, second_segments),
            arrayFilter(segment -> segment != 0, second_segments)))) AS segments,
        arrayMap(segment -> bitShiftRight(segment, ${START_SHIFT}), segments) AS starts,
        arrayMap((segment, start) -> start + bitAnd(bitShiftRight(segment, ${LENGTH_BITS}), ${LENGTH}), segments, starts) AS ends,
        arrayMap(segment -> bitAnd(segment, ${LENGTH}) + 1, segments) AS counts,
        arrayMap(start -> intDiv(bitAnd(start, ${START}), 1440), starts) AS days,
        arrayMap((start, end) -> start > end + {max_gap_minutes:UInt64}, starts, arrayPushFront(arrayPopBack(ends), 0)) AS starts_run,
        arrayMap((is, day, before) -> is OR day != before, starts_run, days, arrayPushFront(arrayPopBack(days), 0)) AS starts_day,
        arrayMap(day -> least(arraySum(day), {daily_cap_minutes:UInt64}), arraySplit((count, is) -> is, counts, starts_day)) AS run_days
      FROM (
        SELECT user_id, groupArray(first_segment) AS first_segments, groupArray(second_segment) AS second_segments,
          arrayMap(session -> bitShiftLeft(toUInt64(session), ${START_SHIFT + START_BITS}), arrayEnumerateDense(groupArray(cityHash64(session_id)))) AS sessions
        FROM (${segments(days, gap, stretch)})
        GROUP BY user_id
      )
    )`;
}

/**
 * SQL: each stretch's first segment, and its second, 0 where there is none. Bits are counted from a stretch's first minute. Step by step in
 * queries of queries, as the server puts in the place of an alias what it stands for, which would be very much in the end.
 */
function segments(days: string, gap: number, stretch: number): string {
  const hourMinute = 'toUInt64(intDiv(toUnixTimestamp(hour), 60))';
  const source =
    stretch === MINUTES
      ? `SELECT user_id, session_id, ${hourMinute} AS start, active_minutes AS bits FROM session_activity WHERE ${days} AND bits != 0`
      : `SELECT user_id, session_id, ${hourMinute} + at AS start, bitAnd(bitShiftRight(active_minutes, at), ${2n ** BigInt(stretch) - 1n}) AS bits
         FROM session_activity ARRAY JOIN range(0, ${MINUTES}, ${stretch}) AS at WHERE ${days} AND bits != 0`;
  // Of a number, `x XOR (x - 1)` has the bits up to and with its lowest one.
  const lowest = (bits: string): string => `bitXor(${bits}, ${bits} - 1)`;
  const key = 'user_id, session_id, start';
  // Between two active minutes those are silent to which none of the last `gap` - 1 minutes was active: none where there is no gap.
  return `
    SELECT user_id, session_id,
      ${segment('first', `if(high = 0, last, bitCount(before_silence) - ${gap})`, 'bitAnd(bits, before_silence)')} AS first_segment,
      if(high = 0, 0, ${segment(`bitCount(${lowest('high')}) - 1`, 'last', 'high')}) AS second_segment
    FROM (
      SELECT ${key}, bits, first, last, before_silence, bitAnd(bits, bitNot(before_silence)) AS high
      FROM (
        SELECT ${key}, bits, first, last, if(silence = 0, ${ALL}, bitShiftRight(${lowest('silence')}, 1)) AS before_silence
        FROM (
          SELECT ${key}, bits, bitCount(to_first) - 1 AS first, bitCount(downward) - 1 AS last,
            bitAnd(bitAnd(downward, bitNot(to_first)), bitNot(upward)) AS silence
          FROM (SELECT ${key}, bits, downward, upward, ${lowest('bits')} AS to_first FROM (${smeared(source, key, gap)}))
        )
      )
    )`;
}

const segment = (first: string, last: string, bits: string): string =>
  `bitShiftLeft(start + ${first}, ${START_SHIFT}) + bitShiftLeft(toUInt64(${last} - (${first})), ${LENGTH_BITS}) + bitCount(${bits}) - 1`;

/**
 * SQL: to `bits` its `downward`, with each one at all lower places too, and its `upward`, with each one at the next `width` - 1 higher
 * places too. Each step covers twice as many.
 */
function smeared(source: string, key: string, width: number): string {
  const [downward, upward] = [shifts(MINUTES), shifts(Math.min(width, MINUTES))];
  const steps = downward.reduce(
    (sql, by, step) => `
      SELECT ${key}, bits, bitOr(down_${step}, bitShiftRight(down_${step}, ${by})) AS down_${step + 1},
        bitOr(up_${step}, bitShiftLeft(up_${step}, ${upward[step] ?? 0})) AS up_${step + 1}
      FROM (${sql})`,
    `SELECT ${key}, bits, bits AS down_0, bits AS up_0 FROM (${source})`,
  );
  const last = downward.length;
  return `SELECT ${key}, bits, down_${last} AS downward, up_${last} AS upward FROM (${steps})`;
}

function shifts(width: number): readonly number[] {
  const all: number[] = [];
  for (let covered = 1; covered < width; covered *= 2) all.push(Math.min(covered, width - covered));
  return all;
}
