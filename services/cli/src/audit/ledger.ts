import { ledgerHoles, ledgerTotals, type OffsetRange } from '@laurel/clickhouse';
import { newFinding, type CheckOptions, type CheckResult, type Finding } from './finding.js';
import { plural } from '../terminal.js';
import type { AuditedLog } from './log.js';
import { reread } from './reread.js';
import { committedText, offsetsOf } from './settle.js';
import { CouldNotCheck, type AuditWorld } from './world.js';

/** Holes that are looked into in one run, a partition. */
const MAX_HOLES = 20_000;
/** Holes that are this near to each other, and this small, are looked into with one reading. */
const NEAR_OFFSETS = 5000;

/** A hole in which the log has records. `from` is the first of them. */
interface Missing extends OffsetRange {
  readonly log: AuditedLog;
  readonly partition: number;
  readonly firstRecordAtMs: number;
}

/** Every record that was read and that the log still has must have an outcome in the ledger. */
export async function checkLedger(world: AuditWorld, { heal }: CheckOptions): Promise<CheckResult> {
  const looks: Look[] = [];
  for (const log of world.logs) looks.push(await look(world, log));
  const missing = looks.flatMap((one) => one.missing);
  const incomplete = heal ? await healAll(world, missing) : undefined;
  const sum = (of: 'offsets' | 'partitions' | 'holes'): number => looks.reduce((all, one) => all + one[of], 0);
  const [offsets, partitions, holes] = [sum('offsets'), sum('partitions'), sum('holes')];
  return {
    compared: `${plural(offsets, 'offset')} of ${plural(partitions, 'partition')}, ${plural(holes, 'hole')} looked into`,
    counts: { offsets, partitions, holes },
    asOf: looks.map((one) => one.asOf).join('; '),
    findings: missing.map(({ finding }) => finding),
    notes: looks.flatMap((one) => one.notes),
    incomplete,
  };
}

/** What one topic's ledger looks like. */
interface Look {
  readonly missing: readonly { readonly range: Missing; readonly finding: Finding }[];
  readonly notes: readonly string[];
  readonly offsets: number;
  readonly partitions: number;
  readonly holes: number;
  readonly asOf: string;
}

async function look(world: AuditWorld, log: AuditedLog): Promise<Look> {
  const { topic } = log;
  // The offsets first: whatever is committed by then is in the ledger by then.
  const offsets = await offsetsOf(world, world.groups.ingest, topic);
  const totals = await world.attempt('reading the ledger', () => ledgerTotals(world.clickhouse, topic));
  const notes: string[] = [];
  let compared = 0;
  let holes = 0;
  const missing: { readonly range: Missing; readonly finding: Finding }[] = [];
  for (const [partition, { low, high, committed }] of [...offsets].sort(([a], [b]) => a - b)) {
    const first = totals.find((one) => one.partition === partition)?.first;
    if (committed === undefined) {
      if (first !== undefined) notes.push(`${topic}/${partition}: the group has no offset, so nothing was compared`);
      continue;
    }
    const end = Math.min(committed, high);
    if (end <= low) continue;
    compared += end - low;
    world.progress.show(`ledger: ${topic}/${partition}, ${end - low} offsets`);
    const found = await holesOf(world, log, partition, low, end);
    holes += found.holes.length;
    if (found.more)
      notes.push(`${topic}/${partition}: only the first ${MAX_HOLES} holes were looked into; run it again`);
    if (first !== undefined && first < low) {
      const gone = (await holesOf(world, log, partition, first, low)).holes.reduce(
        (sum, one) => sum + one.to - one.from + 1,
        0,
      );
      if (gone > 0)
        notes.push(
          `${topic}/${partition}: ${plural(gone, 'offset')} before the log’s start ${low} have no entry and can’t be checked any more`,
        );
    }
    for (const range of await withRecords(world, log, partition, found.holes)) {
      const finding = newFinding({
        check: 'ledger',
        code: 'offsets_missing',
        at: `${topic}/${partition} offsets ${range.from}–${range.to}`,
        message: `records were read and have no outcome, the first recorded at ${new Date(range.firstRecordAtMs).toISOString()}`,
        asOf: `committed offset ${committed}, log start ${low}`,
        healable: true,
      });
      missing.push({ range, finding });
    }
  }
  return {
    missing,
    notes,
    offsets: compared,
    partitions: offsets.size,
    holes,
    asOf: committedText(topic, offsets),
  };
}

async function healAll(
  world: AuditWorld,
  missing: readonly { readonly range: Missing; readonly finding: Finding }[],
): Promise<string | undefined> {
  try {
    for (const { range, finding } of missing) {
      const { log, partition, from, to } = range;
      await reread(world, log, partition, from, to + 1);
      const { holes } = await holesOf(world, log, partition, from, to + 1);
      finding.healed = (await withRecords(world, log, partition, holes)).length === 0;
    }
    return undefined;
  } catch (error) {
    if (error instanceof CouldNotCheck) return error.message;
    throw error;
  }
}

async function holesOf(
  world: AuditWorld,
  { topic }: AuditedLog,
  partition: number,
  from: number,
  end: number,
): Promise<{ readonly holes: readonly OffsetRange[]; readonly more: boolean }> {
  return world.attempt('reading the ledger', async () => {
    const holes: OffsetRange[] = [];
    for await (const hole of ledgerHoles(world.clickhouse, { topic, partition }, from, end)) {
      if (holes.length === MAX_HOLES) return { holes, more: true };
      holes.push(hole);
    }
    return { holes, more: false };
  });
}

/** Those holes that hold a record for readers of committed records; markers and aborted records need no outcome. */
async function withRecords(
  world: AuditWorld,
  log: AuditedLog,
  partition: number,
  holes: readonly OffsetRange[],
): Promise<readonly Missing[]> {
  if (holes.length === 0) return [];
  const reader = await log.reader();
  const missing: Missing[] = [];
  for (const span of spansOf(holes)) {
    world.progress.show(`ledger: looking into ${log.topic}/${partition} at ${span[0]?.from ?? 0}`);
    const found = await world.attempt('reading the log', async () => {
      const first = new Map<OffsetRange, Missing>();
      const from = span[0]?.from ?? 0;
      for await (const records of reader.read(partition, from, (span.at(-1)?.to ?? 0) + 1)) {
        for (const { offset, timestampMs } of records) {
          const hole = span.find(({ from: start, to }) => offset >= start && offset <= to);
          if (hole === undefined || first.has(hole)) continue;
          first.set(hole, { log, partition, from: offset, to: hole.to, firstRecordAtMs: timestampMs });
        }
        // A large hole stands alone, and its first record is enough.
        if (first.size === span.length) break;
      }
      return first.values();
    });
    missing.push(...found);
  }
  return missing;
}

/** Holes that are read in one go, ascending. */
export function spansOf(holes: readonly OffsetRange[]): readonly (readonly OffsetRange[])[] {
  const spans: OffsetRange[][] = [];
  for (const hole of holes) {
    const span = spans.at(-1);
    const last = span?.at(-1);
    const isNear =
      last !== undefined && hole.from - last.to <= NEAR_OFFSETS && hole.to - (span?.[0]?.from ?? 0) <= 4 * NEAR_OFFSETS;
    if (isNear) span?.push(hole);
    else spans.push([hole]);
  }
  return spans;
}
