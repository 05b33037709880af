import { readClosures, SECONDS_PER } from '@laurel/clickhouse';
import { bucketFinding, bucketText, healFound, unsettledNotes } from './buckets.js';
import type { DaysVerdict } from './days.js';
import { newFinding, type CheckOptions, type CheckResult, type Finding } from './finding.js';
import { plural } from '../terminal.js';
import type { AuditWorld } from './world.js';

/** Beyond the close delay: one check of the projector's, and one repeated announcement, in seconds. */
const CLOSING_SLACK_SECONDS = 120;

/** Every bucket that has events must have a head that names a roll that is there, and the boundaries must be sound. */
export async function checkHeads(
  world: AuditWorld,
  { heal }: CheckOptions,
  days: () => Promise<DaysVerdict>,
): Promise<CheckResult> {
  const verdict = await days();
  const found = verdict.confirmed.flatMap((suspect) => {
    if (suspect.code === 'figures_differ') return [];
    const message =
      suspect.code === 'head_missing'
        ? 'has events and no head, so readers see none of them'
        : 'has events, and the roll that its head names is not there';
    return [{ suspect, finding: bucketFinding('heads', suspect, message) }];
  });
  const incomplete = heal ? await healFound(world, found) : undefined;
  return {
    compared: `heads of ${plural(verdict.buckets, 'bucket')} of ${plural(verdict.days, 'day')}, and both boundaries`,
    counts: { buckets: verdict.buckets, days: verdict.days },
    asOf: `hours closed before ${bucketText(verdict.closed.hour)}, days before ${bucketText(verdict.closed.day)}`,
    findings: [...found.map(({ finding }) => finding), ...(await boundaries(world))],
    notes: unsettledNotes(verdict),
    incomplete: incomplete ?? verdict.incomplete,
  };
}

/** Read anew, as judging all days takes its time. */
async function boundaries(world: AuditWorld): Promise<readonly Finding[]> {
  const closed = await world.attempt('reading closures', () => readClosures(world.clickhouse));
  const now = await world.attempt('asking for the time', async () => {
    const result = await world.clickhouse.query({
      query: 'SELECT toUnixTimestamp(now()) AS now',
      format: 'JSONEachRow',
    });
    const [row] = await result.json<{ now: number }>();
    return row?.now ?? 0;
  });
  // Nothing was ever closed: the projector has yet to start for the first time.
  if (closed.hour === 0) return [];
  const asOf = `the server’s clock at ${new Date(now * 1000).toISOString()}`;
  const at = `closed_before of hours ${bucketText(closed.hour)}, of days ${bucketText(closed.day)}`;
  const findings: Finding[] = [];
  if (closed.hour > now) {
    const message =
      'hours are closed that are not over; no announcement can open them again, see docs/operations/audit.md';
    findings.push(newFinding({ check: 'heads', code: 'closed_in_future', at, message, asOf, healable: false }));
  }
  if (closed.day > closed.hour) {
    const message = 'a day is closed before its last hour; it opens when its hours are closed';
    findings.push(newFinding({ check: 'heads', code: 'day_closed_too_early', at, message, asOf, healable: false }));
  }
  const delay = world.options.hourCloseDelayMs / 1000 + CLOSING_SLACK_SECONDS;
  const behind = now - delay - (closed.hour + SECONDS_PER.hour);
  const dayBehind = Math.floor(closed.hour / SECONDS_PER.day) * SECONDS_PER.day > closed.day;
  if (behind > 0 || dayBehind) {
    const message =
      behind > 0
        ? `hours close ${Math.round(behind / 60)} minutes late; figures are right, but are read from minutes: is usage-projector running?`
        : 'a day is not closed though its hours are; figures are right, but are read from hours';
    const finding = { check: 'heads', code: 'closing_late', severity: 'warning', at, message, asOf } as const;
    findings.push(newFinding({ ...finding, healable: false }));
  }
  return findings;
}
