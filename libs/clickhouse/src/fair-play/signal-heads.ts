import { createHash } from 'node:crypto';
import type { ClickHouseClient } from '@clickhouse/client';
import { dayKey, parseDayKey, type Day } from '@laurel/usage';
import { runAll, type BucketStart } from '../projections.js';
import { LOOKS_BACK, rollSignals, signalParts, type SignalPart } from './roll-signals.js';

/** A part of a closed day’s signals that is to be computed. */
export interface StalePart {
  readonly part: SignalPart;
  readonly day: Day;
  /** Of what there is now to compute it from. */
  readonly restsOn: string;
}

interface DayHead {
  readonly day: Day;
  readonly roll: string;
}

/**
 * What is not computed yet, or from other rolls of days than those that are read now. First what was never computed, the newest day first; then
 * what was computed the longest ago, so that a day that changes all the time does not keep the others from their turn.
 *
 * @param closedBefore days from here on have no signals.
 */
export async function staleSignals(client: ClickHouseClient, closedBefore: BucketStart): Promise<readonly StalePart[]> {
  const [heads, known] = await Promise.all([dayHeads(client, closedBefore), signalHeads(client)]);
  return heads
    .flatMap(({ day }) => signalParts.map((part) => ({ part, day, restsOn: restsOn(heads, day, LOOKS_BACK[part]) })))
    .map((one) => ({ ...one, before: known.get(headKey(one)) }))
    .filter(({ restsOn: now, before }) => before?.restsOn !== now)
    .sort((a, b) => compareAttempts(a.before?.rollId, b.before?.rollId) || b.day - a.day)
    .map(({ part, day, restsOn: now }) => ({ part, day, restsOn: now }));
}

const headKey = ({ part, day }: Pick<StalePart, 'part' | 'day'>): string => `${part} ${day}`;

const compareAttempts = (a = 0n, b = 0n): number => (a < b ? -1 : a > b ? 1 : 0);

/** A checksum of the heads of a day and of those before it. */
function restsOn(heads: readonly DayHead[], last: Day, looksBack: number): string {
  const hash = createHash('sha256');
  for (const { day, roll } of heads) if (day <= last && day >= last - looksBack) hash.update(`${day} ${roll}\n`);
  return hash.digest('hex').slice(0, 32);
}

/** Of closed days, ascending. */
async function dayHeads(client: ClickHouseClient, closedBefore: BucketStart): Promise<readonly DayHead[]> {
  const result = await client.query({
    query: `SELECT toUInt32(toRelativeDayNum(bucket)) AS day, toString(max(roll_id)) AS roll FROM roll_heads
            WHERE grain = 'day' AND bucket < toDateTime({before:UInt32}, 'UTC') GROUP BY bucket ORDER BY bucket`,
    query_params: { before: closedBefore },
    format: 'JSONEachRow',
  });
  return (await result.json<{ day: number; roll: string }>()).map(({ day, roll }) => ({ day: day as Day, roll }));
}

async function signalHeads(
  client: ClickHouseClient,
): Promise<ReadonlyMap<string, { readonly rollId: bigint; readonly restsOn: string }>> {
  const result = await client.query({
    query: `SELECT toString(day) AS key, part, toString(max(roll_id)) AS roll, argMax(rests_on, roll_id) AS rests_on
            FROM fair_play_heads GROUP BY day, part`,
    format: 'JSONEachRow',
  });
  const rows = await result.json<{ key: string; part: SignalPart; roll: string; rests_on: string }>();
  return new Map(
    rows.map((row) => [
      headKey({ part: row.part, day: parseDayKey(row.key) as Day }),
      { rollId: BigInt(row.roll), restsOn: row.rests_on },
    ]),
  );
}

/**
 * Computes a part and makes it the one that is read: the roll first, then its head. What it rests on was read before, so whatever came since
 * makes it stale again.
 *
 * @param rollId greater than that of any attempt that began before.
 * @param isTooLate asked before the head is written: a roll that took too long may have been swept, and gets none.
 */
export async function computeSignals(
  client: ClickHouseClient,
  { part, day, restsOn: rests }: StalePart,
  rollId: bigint,
  isTooLate: () => boolean = () => false,
): Promise<void> {
  await runAll(client, rollSignals(part, day, rollId));
  if (isTooLate()) return;
  await client.insert({
    table: 'fair_play_heads',
    format: 'JSONEachRow',
    values: [{ day: dayKey(day), part, roll_id: String(rollId), rests_on: rests }],
  });
}

/** SQL: a day’s part as one number, a second of the day’s first ones for each, as sweeps compare buckets. */
export const PART_BUCKET = "toDateTime(day, 'UTC') + toInt8(part)";
export const PART_HEADS = `SELECT ${PART_BUCKET} AS bucket, max(roll_id) AS head FROM fair_play_heads GROUP BY bucket`;
