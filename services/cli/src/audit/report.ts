import Table from 'cli-table3';
import { harmless } from '../terminal.js';
import type { Finding } from './finding.js';
import type { AuditReport, CheckReport } from './run.js';

/** 0: no findings, or all healed; 1: findings are left; 2: none are left, but something could not be checked. */
export function exitStatusOf({ checks, information }: AuditReport): 0 | 1 | 2 {
  if (checks.some(({ result }) => leftOf(result.findings) > 0)) return 1;
  return information === undefined || checks.some(({ result }) => result.incomplete !== undefined) ? 2 : 0;
}

const isError = ({ severity }: Finding): boolean => severity === 'error';
const leftOf = (findings: readonly Finding[]): number => findings.filter((one) => isError(one) && !one.healed).length;

/** The JSON document; docs/operations/audit.md describes it. Fields are only ever added. */
export function toJson(report: AuditReport, limit: number): unknown {
  const { beganAt, endedAt, checks, information } = report;
  return {
    version: 1,
    began_at: beganAt,
    ended_at: endedAt,
    status: (['clean', 'findings', 'incomplete'] as const)[exitStatusOf(report)],
    checks: checks.map(({ name, tookMs, heal, result }) => ({
      name,
      compared: result.compared,
      counts: result.counts,
      as_of: result.asOf,
      heal,
      findings: result.findings.filter(isError).length,
      healed: result.findings.filter(({ healed }) => healed).length,
      warnings: result.findings.filter((one) => !isError(one)).length,
      notes: result.notes,
      incomplete: result.incomplete ?? null,
      took_ms: tookMs,
    })),
    findings: checks.flatMap(({ result }) =>
      result.findings
        .slice(0, limit)
        .map(({ check, code, severity, at, message, observedAt, asOf, healable, healed }) => ({
          check,
          code,
          severity,
          at,
          message,
          observed_at: observedAt,
          as_of: asOf,
          healable,
          healed,
        })),
    ),
    findings_left_out: checks.reduce((sum, { result }) => sum + Math.max(0, result.findings.length - limit), 0),
    information:
      information === undefined
        ? null
        : {
            ledger: information.ledger,
            identities: information.identities,
            duplicates_absorbed: information.duplicatesAbsorbed,
            groups: information.groups,
          },
  };
}

/** For a person at a terminal. */
export function toText(report: AuditReport, limit: number): string {
  const { checks, information } = report;
  const table = new Table({
    head: ['check', 'compared', 'findings', 'healed', 'left', 'seconds'],
    style: { head: [], border: [], compact: true },
    colAligns: ['left', 'left', 'right', 'right', 'right', 'right'],
  });
  for (const { name, tookMs, result } of checks) {
    const { findings, incomplete } = result;
    table.push([
      name,
      incomplete === undefined ? result.compared : `${result.compared} – NOT FINISHED`,
      findings.filter(isError).length,
      findings.filter(({ healed }) => healed).length,
      leftOf(findings),
      (tookMs / 1000).toFixed(1),
    ]);
  }
  const lines = [table.toString(), ''];
  for (const check of checks) lines.push(...detailsOf(check, limit));
  if (information !== undefined) {
    const { ledger, identities, duplicatesAbsorbed, groups } = information;
    lines.push(
      `ledger: ${count(ledger.rows)} records stored, ${count(ledger.dead)} dead letters, ${count(ledger.erased)} of erased people` +
        (identities === null ? '' : `; ${count(identities)} distinct events compared`) +
        (duplicatesAbsorbed === null ? '' : `, ${count(duplicatesAbsorbed)} duplicates absorbed`),
    );
    for (const { group, topic, behind } of groups) {
      lines.push(
        `${group}: ${behind === null ? `has not read ${topic} yet` : `${count(behind)} records of ${topic} behind`}`,
      );
    }
  }
  lines.push('', verdict(report));
  return lines.join('\n');
}

const count = (value: number): string => value.toLocaleString('en');

function detailsOf({ name, result, heal }: CheckReport, limit: number): readonly string[] {
  const { findings, notes, incomplete, asOf } = result;
  const lines: string[] = [];
  if (incomplete !== undefined) lines.push(`${name}: could not be finished: ${incomplete}`);
  for (const note of notes) lines.push(`${name}: ${note}`);
  for (const one of findings.slice(0, limit)) {
    const state = one.healed
      ? 'HEALED'
      : one.severity === 'warning'
        ? 'WARNING'
        : heal && one.healable
          ? 'NOT HEALED'
          : 'FOUND';
    lines.push(
      `${name}: ${state} ${one.code} ${one.at}`,
      `  ${one.message}`,
      `  seen ${one.observedAt}; as of ${one.asOf}`,
    );
  }
  if (findings.length > limit) lines.push(`${name}: ${findings.length - limit} more; --limit shows them`);
  if (lines.length > 0) lines.push(`${name}: compared as of ${asOf === '' ? 'nothing' : asOf}`, '');
  // Ids and messages are anybody's.
  return lines.map(harmless);
}

function verdict(report: AuditReport): string {
  switch (exitStatusOf(report)) {
    case 0: {
      const healed = report.checks.some(({ result }) => result.findings.some((one) => one.healed));
      return healed ? 'All that was found is healed.' : 'Nothing found.';
    }
    case 1:
      return report.checks.some(({ heal }) => heal)
        ? 'Findings are left.'
        : 'There are findings. laurel audit --heal mends them; for conflicts, name the check: --heal --check conflicts.';
    case 2:
      return 'Nothing found, but not everything could be checked.';
  }
}
