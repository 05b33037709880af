import type { UsageEvent } from '@laurel/events';
import { deduplicate } from '@laurel/usage';
import type { ClosedBefore } from '../pending-rolls.js';
import type { Process } from './process.fixture.js';
import {
  bucketOf,
  isReadFrom,
  tableOf,
  VIEWS,
  type Grain,
  type Row,
  type Tables,
  type View,
} from './tables.fixture.js';
import type { World } from './world.fixture.js';

const GRAINS: readonly Grain[] = ['day', 'hour', 'minute', 'outcome_day'];
export const ALL_VIEWS = Object.keys(VIEWS) as readonly View[];
/** A query that takes longer is given up; well below the time after which a roll may be swept. */
const READ_WITHIN_MS = 10 * 60_000;

/** What an answer of a view is made of, by the buckets that it was read from. */
export type Answer = readonly { readonly grain: Grain; readonly bucket: number; readonly rows: readonly Row[] }[];

/** What is committed: of each identity the version that every reader sees from now on, unless there is a greater one. */
export type Owed = ReadonlyMap<string, bigint>;

/** A view's answer where nothing happens while it is read. */
export function read(tables: Tables, view: View): Answer {
  const { closed } = tables;
  return GRAINS.flatMap((grain) => rowsThrough(tables, view, grain, tables.headsOf(grain), closed));
}

/** The order of a view's reads, each of which may be long after the one before: the boundaries, the heads, the rows. */
export async function readSlowly(
  process: Process,
  { tables }: World,
  view: View,
  nowMs: () => number,
): Promise<Answer | undefined> {
  const beganMs = nowMs();
  const answer: Answer[number][] = [];
  const closed = await process.ask(() => tables.closed);
  for (const grain of GRAINS) {
    const heads = await process.ask(() => tables.headsOf(grain));
    const rows = await process.ask(() =>
      nowMs() - beganMs > READ_WITHIN_MS ? undefined : rowsThrough(tables, view, grain, heads, closed),
    );
    if (rows === undefined) return undefined;
    answer.push(...rows);
  }
  return answer;
}

function rowsThrough(
  tables: Tables,
  view: View,
  grain: Grain,
  heads: ReadonlyMap<number, bigint>,
  closed: ClosedBefore,
): Answer {
  const table = tableOf(view, grain);
  if (table === undefined) return [];
  return [...heads].flatMap(([bucket, head]) => {
    if (!isReadFrom(view, grain, bucket, closed)) return [];
    const rows = tables.rollOf(table, bucket, head);
    if (rows === undefined) throw new Error(`${view}: the head of ${grain} ${bucket} names a roll that isn't there`);
    return [{ grain, bucket, rows }];
  });
}

/**
 * What holds for every answer, at whatever moment it is read and however long that takes:
 *
 * - no identity is counted twice;
 * - whatever was announced before an offset that the projector had committed when the reader began is counted: of each
 *   identity that version or a greater one, and none that is retracted by that version or a greater one;
 * - each minute is the fold of some prefix of the log, and so is each closed hour. A closed day is the sum of its hours,
 *   each of which is the fold of some prefix, as they may have been rolled at different times.
 *
 * What erased people had may be gone at any moment, and is not owed.
 *
 * @throws Error that says what is wrong.
 */
export function checkAnswer(tables: Tables, view: View, answer: Answer, owed: Owed): void {
  const seen = new Map<string, Row>();
  for (const row of answer.flatMap(({ rows }) => rows)) {
    if (seen.has(row.identity)) throw new Error(`${view} counts ${row.identity} twice`);
    seen.set(row.identity, row);
  }
  for (const [identity, version] of owed) {
    const row = seen.get(identity);
    if (row !== undefined && row.version >= version) continue;
    const versions = tables.stored.filter((one) => one.identity === identity);
    const excused = versions.some(({ event }) => tables.erased.has(event.user_id));
    const retracted = versions.some((one) => one.event.retracted && one.version >= version);
    if (excused || (row === undefined && retracted)) continue;
    throw new Error(`${view} counts ${row === undefined ? 'nothing' : 'an old version'} of ${identity}`);
  }
}

/** The third of those: dearer, so it is asked less often. */
export function checkPrefixes(tables: Tables, view: View, answer: Answer): void {
  const isLeft = (event: UsageEvent): boolean => !tables.erased.has(event.user_id);
  for (const { grain, rows } of answer) {
    const lots = new Map<number, Row[]>();
    const width = grain === 'minute' ? 'minute' : 'hour';
    for (const row of rows) {
      const bucket = bucketOf[width](row);
      lots.set(bucket, [...(lots.get(bucket) ?? []), row]);
    }
    for (const [bucket, own] of lots) {
      const stored = tables.stored.filter((row) => bucketOf[width](row) === bucket).map(({ event }) => event);
      const shown = contentOf(deduplicate(own.map(({ event }) => event)).filter(isLeft));
      const isPrefix = [...stored.keys(), stored.length].some(
        (length) => contentOf(deduplicate(stored.slice(0, length)).filter(isLeft)) === shown,
      );
      if (!isPrefix) throw new Error(`${view}: ${width} ${bucket} is the fold of no prefix of the log`);
    }
  }
}

const contentOf = (events: readonly UsageEvent[]): string => JSON.stringify(events);
