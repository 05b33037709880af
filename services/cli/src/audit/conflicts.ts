import { setTimeout as sleep } from 'node:timers/promises';
import { conflictCandidates, conflictsAmong, rowsSince, type Claim, type Conflict } from '@laurel/clickhouse';
import { topics } from '@laurel/events';
import type { OutgoingRecord } from '@laurel/kafka';
import { newFinding, type CheckOptions, type CheckResult, type Finding } from './finding.js';
import { plural } from '../terminal.js';
import type { AuditedLog } from './log.js';
import { committedText, offsetsOf } from './settle.js';
import { CouldNotCheck, type AuditWorld } from './world.js';

const POLL_MS = 200;
/** Conflicts that are listed in one run. */
const MAX_CONFLICTS = 10_000;

/**
 * Within a topic one (source, event_id) belongs to one user and time. Of several the least by (occurred_at, user_id) is kept, and the
 * others are retracted through the topic, as their publisher would have to.
 */
export async function checkConflicts(world: AuditWorld, { heal, since }: CheckOptions): Promise<CheckResult> {
  const looks: Look[] = [];
  for (const log of world.logs) looks.push(await look(world, log, since));
  let incomplete: string | undefined;
  try {
    if (heal) for (const { log, conflicts } of looks) await retractAll(world, log, since, conflicts);
  } catch (error) {
    if (!(error instanceof CouldNotCheck)) throw error;
    incomplete = error.message;
  }
  const rows = looks.reduce((sum, one) => sum + one.rows, 0);
  return {
    compared: `ids of ${plural(rows, 'row')}`,
    counts: { rows },
    asOf: looks.map((one) => one.asOf).join('; '),
    findings: looks.flatMap(({ conflicts }) => conflicts.map(({ finding }) => finding)),
    notes: looks.flatMap(({ log, conflicts }) =>
      conflicts.length >= MAX_CONFLICTS
        ? [`only the first ${conflicts.length} conflicts of ${log.topic} are listed; run it again after healing`]
        : [],
    ),
    incomplete,
  };
}

interface FoundConflict {
  readonly conflict: Conflict;
  readonly finding: Finding;
}

/** The conflicts of one topic. */
interface Look {
  readonly log: AuditedLog;
  readonly rows: number;
  readonly asOf: string;
  readonly conflicts: readonly FoundConflict[];
}

async function look(world: AuditWorld, log: AuditedLog, since: number): Promise<Look> {
  const { clickhouse } = world;
  const { table, topic } = log;
  const offsets = await offsetsOf(world, world.groups.ingest, topic);
  const rows = await world.attempt('counting rows', () => rowsSince(clickhouse, table, since));
  const found = await world.attempt('comparing identities', async () => {
    const conflicts: Conflict[] = [];
    const onSlice = (done: number, slices: number): void =>
      world.progress.show(`conflicts: ${done} of ${plural(slices, 'slice')} of ${table}`);
    for await (const ids of conflictCandidates(clickhouse, table, since, rows, onSlice)) {
      conflicts.push(...(await conflictsAmong(clickhouse, table, since, ids)));
      if (conflicts.length >= MAX_CONFLICTS) break;
    }
    return conflicts;
  });
  const asOf = committedText(topic, offsets);
  const conflicts = found.map((conflict) => ({ conflict, finding: toFinding(conflict, `committed offsets ${asOf}`) }));
  return { log, rows, asOf, conflicts };
}

const claimText = ({ identity }: Claim): string =>
  `${identity.user_id} at ${new Date(identity.occurred_at).toISOString()}`;

function toFinding({ source, eventId, claims }: Conflict, asOf: string): Finding {
  const [kept, ...others] = claims;
  return newFinding({
    check: 'conflicts',
    code: 'identity_conflict',
    at: `${source} ${eventId}`,
    message: `is counted ${claims.length} times; kept: ${kept === undefined ? 'none' : claimText(kept)}; to be retracted: ${others.map(claimText).join('; ')}`,
    asOf,
    healable: true,
  });
}

async function retractAll(
  world: AuditWorld,
  log: AuditedLog,
  since: number,
  conflicts: readonly FoundConflict[],
): Promise<void> {
  for (const { conflict, finding } of conflicts) {
    const records: OutgoingRecord[] = [];
    for (const { identity, revision } of conflict.claims.slice(1)) {
      const value = await world.attempt(`reading ${log.table}`, () => log.retraction(identity, revision));
      if (value !== undefined) records.push({ key: identity.user_id, value });
    }
    await world.attempt('publishing retractions', () => world.producer.send(topics[log.declared].name, records));
    world.progress.show(`retracting ${conflict.source} ${conflict.eventId}`);
    finding.healed = await resolved(world, log, since, conflict);
  }
}

/** Waits until ingest has taken the retractions in. */
async function resolved(
  world: AuditWorld,
  { table }: AuditedLog,
  since: number,
  { source, eventId }: Conflict,
): Promise<boolean> {
  const deadline = performance.now() + world.options.patienceMs;
  for (;;) {
    const left = await world.attempt('comparing identities', async () => {
      const result = await world.clickhouse.query({
        query: 'SELECT toString(cityHash64({source:String}, {id:String})) AS id',
        query_params: { source, id: eventId },
        format: 'JSONEachRow',
      });
      return conflictsAmong(
        world.clickhouse,
        table,
        since,
        (await result.json<{ id: string }>()).map(({ id }) => id),
      );
    });
    if (!left.some((one) => one.source === source && one.eventId === eventId)) return true;
    if (performance.now() > deadline) return false;
    await sleep(POLL_MS);
  }
}
