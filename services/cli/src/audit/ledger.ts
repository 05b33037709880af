import { ledgerHoles, ledgerTotals, type OffsetRange } from '@laurel/clickhouse';
import { newFinding, type CheckOptions, type CheckResult, type Finding } from './finding.js';
import { plural } from '../terminal.js';
import { reread } from './reread.js';
import { offsetsOf } from './settle.js';
import { CouldNotCheck, type AuditWorld } from './world.js';

/** Holes that are looked into in one run, a partition. */
const MAX_HOLES = 20_000;
/** Holes that are this near to each other, and this small, are looked into with one reading. */
const NEAR_OFFSETS = 5000;

/** A hole in which the log has records. `from` is the first of them. */
interface Missing extends OffsetRange {
  readonly partition: number;
  readonly firstRecordAtMs: number;
}

/** Every record that was read and that the log still has must have an outcome in the ledger. */
export async function checkLedger(world: AuditWorld, { heal }: CheckOptions): Promise<CheckResult> {
  const topic = world.topic('usageEvents');
  // The offsets first: whatever is committed by then is in the ledger by then.
  const offsets = await offsetsOf(world, world.groups.ingest, topic);
  const totals = await world.attempt('reading the ledger', () => ledgerTotals(world.clickhouse, topic));
  const findings: Finding[] = [];
  const notes: string[] = [];
  let compared = 0;
  let holes = 0;
  const missing: { readonly range: Missing; readonly finding: Finding }[] = [];
  for (const [partition, { low, high, committed }] of [...offsets].sort(([a], [b]) => a - b)) {
    const first = totals.find((one) => one.partition === partition)?.first;
    if (committed === undefined) {
      if (first !== undefined) notes.push(`partition ${partition}: the group has no offset, so nothing was compared`);
      continue;
    }
    const end = Math.min(committed, high);
    if (end <= low) continue;
    compared += end - low;
    world.progress.show(`ledger: partition ${partition}, ${end - low} offsets`);
    const found = await holesOf(world, partition, low, end);
    holes += found.holes.length;
    if (found.more)
      notes.push(`partition ${partition}: only the first ${MAX_HOLES} holes were looked into; run it again`);
    if (first !== undefined && first < low) {
      const gone = (await holesOf(world, partition, first, low)).holes.reduce(
        (sum, one) => sum + one.to - one.from + 1,
        0,
      );
      if (gone > 0)
        notes.push(
          `partition ${partition}: ${plural(gone, 'offset')} before the log’s start ${low} have no entry and can’t be checked any more`,
        );
    }
    for (const range of await withRecords(world, partition, found.holes)) {
      const finding = newFinding({
        check: 'ledger',
        code: 'offsets_missing',
        at: `${topic}/${partition} offsets ${range.from}–${range.to}`,
        message: `records were read and have no outcome, the first recorded at ${new Date(range.firstRecordAtMs).toISOString()}`,
        asOf: `committed offset ${committed}, log start ${low}`,
        healable: true,
      });
      findings.push(finding);
      missing.push({ range, finding });
    }
  }
  let incomplete: string | undefined;
  if (heal) incomplete = await healAll(world, missing);
  return {
    compared: `${plural(compared, 'offset')} of ${plural(offsets.size, 'partition')}, ${plural(holes, 'hole')} looked into`,
    counts: { offsets: compared, partitions: offsets.size, holes },
    asOf: [...offsets].map(([partition, { committed }]) => `${partition}: ${committed ?? 'none'}`).join(', '),
    findings,
    notes,
    incomplete,
  };
}

async function healAll(
  world: AuditWorld,
  missing: readonly { readonly range: Missing; readonly finding: Finding }[],
): Promise<string | undefined> {
  try {
    for (const { range, finding } of missing) {
      await reread(world, range.partition, range.from, range.to + 1);
      const { holes } = await holesOf(world, range.partition, range.from, range.to + 1);
      finding.healed = (await withRecords(world, range.partition, holes)).length === 0;
    }
    return undefined;
  } catch (error) {
    if (error instanceof CouldNotCheck) return error.message;
    throw error;
  }
}

async function holesOf(
  world: AuditWorld,
  partition: number,
  from: number,
  end: number,
): Promise<{ readonly holes: readonly OffsetRange[]; readonly more: boolean }> {
  return world.attempt('reading the ledger', async () => {
    const holes: OffsetRange[] = [];
    for await (const hole of ledgerHoles(
      world.clickhouse,
      { topic: world.topic('usageEvents'), partition },
      from,
      end,
    )) {
      if (holes.length === MAX_HOLES) return { holes, more: true };
      holes.push(hole);
    }
    return { holes, more: false };
  });
}

/** Those holes that hold a record for readers of committed records; markers and aborted records need no outcome. */
async function withRecords(
  world: AuditWorld,
  partition: number,
  holes: readonly OffsetRange[],
): Promise<readonly Missing[]> {
  if (holes.length === 0) return [];
  const reader = await world.reader();
  const missing: Missing[] = [];
  for (const span of spansOf(holes)) {
    world.progress.show(`ledger: looking into partition ${partition} at ${span[0]?.from ?? 0}`);
    const found = await world.attempt('reading the log', async () => {
      const first = new Map<OffsetRange, Missing>();
      const from = span[0]?.from ?? 0;
      for await (const records of reader.read(partition, from, (span.at(-1)?.to ?? 0) + 1)) {
        for (const { offset, timestampMs } of records) {
          const hole = span.find(({ from: start, to }) => offset >= start && offset <= to);
          if (hole === undefined || first.has(hole)) continue;
          first.set(hole, { partition, from: offset, to: hole.to, firstRecordAtMs: timestampMs });
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
