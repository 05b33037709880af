import { setTimeout as sleep } from 'node:timers/promises';
import {
  conflictCandidates,
  conflictsAmong,
  rowsSince,
  storedEvent,
  type Claim,
  type Conflict,
} from '@laurel/clickhouse';
import { topics, usageLimits, usageRecorded } from '@laurel/events';
import type { OutgoingRecord } from '@laurel/kafka';
import { newFinding, type CheckOptions, type CheckResult, type Finding } from './finding.js';
import { plural } from '../terminal.js';
import { offsetsOf } from './settle.js';
import { CouldNotCheck, type AuditWorld } from './world.js';

const POLL_MS = 200;
/** Conflicts that are listed in one run. */
const MAX_CONFLICTS = 10_000;

/**
 * One (source, event_id) belongs to one user and time. Of several the least by (occurred_at, user_id) is kept, and the
 * others are retracted through usage.events.v1, as their publisher would have to.
 */
export async function checkConflicts(world: AuditWorld, { heal, since }: CheckOptions): Promise<CheckResult> {
  const { clickhouse } = world;
  const offsets = await offsetsOf(world, world.groups.ingest, world.topic('usageEvents'));
  const rows = await world.attempt('counting rows', () => rowsSince(clickhouse, since));
  const found = await world.attempt('comparing identities', async () => {
    const conflicts: Conflict[] = [];
    const onSlice = (done: number, slices: number): void =>
      world.progress.show(`conflicts: ${done} of ${plural(slices, 'slice')}`);
    for await (const ids of conflictCandidates(clickhouse, since, rows, onSlice)) {
      conflicts.push(...(await conflictsAmong(clickhouse, since, ids)));
      if (conflicts.length >= MAX_CONFLICTS) break;
    }
    return conflicts;
  });
  const asOf = `committed offsets ${[...offsets].map(([p, { committed }]) => `${p}: ${committed ?? 'none'}`).join(', ')}`;
  const conflicts = found.map((conflict) => ({ conflict, finding: toFinding(conflict, asOf) }));
  let incomplete: string | undefined;
  try {
    if (heal) await retractAll(world, since, conflicts);
  } catch (error) {
    if (!(error instanceof CouldNotCheck)) throw error;
    incomplete = error.message;
  }
  return {
    compared: `ids of ${plural(rows, 'row')}`,
    counts: { rows },
    asOf,
    findings: conflicts.map(({ finding }) => finding),
    notes:
      found.length >= MAX_CONFLICTS
        ? [`only the first ${found.length} conflicts are listed; run it again after healing`]
        : [],
    incomplete,
  };
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
  since: number,
  conflicts: readonly { readonly conflict: Conflict; readonly finding: Finding }[],
): Promise<void> {
  for (const { conflict, finding } of conflicts) {
    const records: OutgoingRecord[] = [];
    for (const { identity, revision } of conflict.claims.slice(1)) {
      const event = await world.attempt('reading usage_events', () => storedEvent(world.clickhouse, identity));
      // A version beyond the greatest revision can't be said.
      if (event === undefined || revision >= usageLimits.maxRevision) continue;
      const retraction = { ...event, revision: revision + 1, retracted: true };
      records.push({ key: identity.user_id, value: usageRecorded.encode(retraction) });
    }
    await world.attempt('publishing retractions', () => world.producer.send(topics.usageEvents.name, records));
    world.progress.show(`retracting ${conflict.source} ${conflict.eventId}`);
    finding.healed = await resolved(world, since, conflict);
  }
}

/** Waits until ingest has taken the retractions in. */
async function resolved(world: AuditWorld, since: number, { source, eventId }: Conflict): Promise<boolean> {
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
        since,
        (await result.json<{ id: string }>()).map(({ id }) => id),
      );
    });
    if (!left.some((one) => one.source === source && one.eventId === eventId)) return true;
    if (performance.now() > deadline) return false;
    await sleep(POLL_MS);
  }
}
