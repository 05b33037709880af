import { checkNames, type CheckName } from '@laurel/clickhouse';
import { checkBuckets } from './buckets.js';
import { checkConflicts } from './conflicts.js';
import { judgeDays, type DaysVerdict } from './days.js';
import { checkErasures } from './erasures.js';
import type { CheckOptions, CheckResult } from './finding.js';
import { checkHeads } from './heads.js';
import { checkHolders } from './holders.js';
import { checkIdentities } from './identities.js';
import { gatherInformation, type Information } from './information.js';
import { checkLedger } from './ledger.js';
import { messageOf, type AuditWorld } from './world.js';

export interface AuditRequest {
  readonly checks: readonly CheckName[];
  readonly heal: boolean;
  /** True when the checks were named: only then are retractions published. */
  readonly named: boolean;
  /** In seconds since the epoch; 0 for all. */
  readonly since: number;
  readonly sample: number;
}

export interface CheckReport {
  readonly name: CheckName;
  readonly tookMs: number;
  /** Whether it was to heal. */
  readonly heal: boolean;
  readonly result: CheckResult;
}

export interface AuditReport {
  readonly beganAt: string;
  readonly endedAt: string;
  readonly checks: readonly CheckReport[];
  readonly information: Information | undefined;
}

const NOT_MADE: CheckResult = { compared: 'nothing', counts: {}, asOf: '', findings: [], notes: [] };

/** The report where not even a connection could be made. */
export function nothingChecked(checks: readonly CheckName[], message: string): AuditReport {
  const at = new Date().toISOString();
  return {
    beganAt: at,
    endedAt: at,
    information: undefined,
    checks: checks.map((name) => ({ name, tookMs: 0, heal: false, result: { ...NOT_MADE, incomplete: message } })),
  };
}

/** Makes the checks one after the other. What can't be checked is in the report, whatever the reason: the other checks go on. */
export async function runAudit(world: AuditWorld, request: AuditRequest): Promise<AuditReport> {
  const beganAt = new Date().toISOString();
  // Shared: heads and buckets are judged by the same look at a day.
  let days: Promise<DaysVerdict> | undefined;
  const judged = (): Promise<DaysVerdict> => (days ??= judgeDays(world, request.since));
  const checks: CheckReport[] = [];
  for (const name of checkNames.filter((one) => request.checks.includes(one))) {
    const began = performance.now();
    const heal = request.heal && (name !== 'conflicts' || request.named);
    const options: CheckOptions = { heal, since: request.since, sample: request.sample };
    const result = await orIncomplete(() => make(name, world, options, judged));
    checks.push({ name, tookMs: Math.round(performance.now() - began), heal, result });
    // Their days have changed since.
    if (heal && name !== 'heads' && result.findings.some(({ healed }) => healed)) days = undefined;
  }
  const seen = await days?.catch(() => undefined);
  const information = await gatherInformation(world, seen, request.since === 0).catch(() => undefined);
  world.progress.clear();
  return { beganAt, endedAt: new Date().toISOString(), checks, information };
}

function make(
  name: CheckName,
  world: AuditWorld,
  options: CheckOptions,
  days: () => Promise<DaysVerdict>,
): Promise<CheckResult> {
  switch (name) {
    case 'erasures':
      return checkErasures(world, options);
    case 'ledger':
      return checkLedger(world, options);
    case 'identities':
      return checkIdentities(world, options);
    case 'conflicts':
      return checkConflicts(world, options);
    case 'heads':
      return checkHeads(world, options, days);
    case 'buckets':
      return checkBuckets(world, options, days);
    case 'holders':
      return checkHolders(world, options);
    default:
      return name satisfies never;
  }
}

async function orIncomplete(work: () => Promise<CheckResult>): Promise<CheckResult> {
  try {
    return await work();
  } catch (error) {
    return { ...NOT_MADE, incomplete: messageOf(error) };
  }
}
