import { keepOutcomes, type CheckName, type CheckOutcome, type FindingCount } from '@laurel/clickhouse';
import { dayOf } from '@laurel/usage';
import type { Finding } from './finding.js';
import type { AuditReport } from './run.js';
import type { AuditWorld } from './world.js';

/** What `since` holds for; the others look at everything. */
const BY_DAY: readonly CheckName[] = ['conflicts', 'heads', 'buckets'];

/** Keeps what an audit came to for the Health page, once it has ended. @throws CouldNotCheck */
export async function keep(world: AuditWorld, report: AuditReport, since: number): Promise<void> {
  const outcomes = outcomesOf(report, since);
  await world.attempt('keeping the result', () => keepOutcomes(world.clickhouse, outcomes));
}

/** @param since as of the request: in seconds since the epoch; 0 for all. */
export const outcomesOf = ({ endedAt, checks }: AuditReport, since: number): readonly CheckOutcome[] =>
  checks.map(({ name, result: { compared, findings, incomplete } }) => ({
    check: name,
    endedAtMs: Date.parse(endedAt),
    firstDay: since === 0 || !BY_DAY.includes(name) ? null : dayOf(since * 1000),
    compared,
    finished: incomplete === undefined,
    findings: countsOf(findings),
  }));

/** In the order in which their codes came first. */
function countsOf(findings: readonly Finding[]): readonly FindingCount[] {
  const counts = new Map<string, FindingCount>();
  for (const { code, severity, healed } of findings) {
    const before = counts.get(code) ?? { code, severity, found: 0, healed: 0 };
    counts.set(code, { ...before, found: before.found + 1, healed: before.healed + (healed ? 1 : 0) });
  }
  return [...counts.values()];
}
