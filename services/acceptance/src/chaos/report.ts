import type { FaultRecord } from './schedule.js';
import type { CheckResult } from './model/differences.js';
import type { Verdict } from './model/check.js';
import type { MemorySample } from './monitor.js';
import type { UnaskedEnd } from './world/instance.js';

/** Of one process, in MiB: the least, median and most of each third of the run. */
export interface MemoryReport {
  readonly process: string;
  readonly thirds: readonly { readonly median: number; readonly most: number }[];
}

export interface FaultReport {
  readonly name: string;
  readonly simulates: string;
  readonly injected: number;
  readonly bitten: number;
  /** What shows it, of each time. */
  readonly evidence: readonly string[];
  /** From the fault's end until hardly any record waited, in ms. */
  readonly recoveryMs: { readonly median: number; readonly most: number } | null;
}

export interface PartReport {
  readonly name: string;
  readonly simulates: string;
  /** What shows each bite. */
  readonly bites: readonly string[];
  readonly checks: readonly CheckResult[];
  /** Why it could not be done. */
  readonly failure?: string;
}

export interface Report {
  readonly command: string;
  readonly seed: number;
  readonly startedAt: string;
  readonly minutes: number;
  readonly settings: Readonly<Record<string, string | undefined>>;
  readonly machine: string;
  readonly verdict: Verdict | null;
  readonly parts: readonly PartReport[];
  readonly faults: readonly FaultReport[];
  readonly recoveryMs: FaultReport['recoveryMs'];
  readonly unaskedEnds: readonly UnaskedEnd[];
  readonly memory: readonly MemoryReport[];
  readonly failures: readonly string[];
  readonly passed: boolean;
}

const median = (sorted: readonly number[]): number => sorted[sorted.length >> 1] ?? 0;
const ascending = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);

export function spread(values: readonly number[]): FaultReport['recoveryMs'] {
  if (values.length === 0) return null;
  const sorted = ascending(values);
  return { median: Math.round(median(sorted)), most: Math.round(sorted.at(-1) ?? 0) };
}

export function memoryReport(memory: ReadonlyMap<string, readonly MemorySample[]>): MemoryReport[] {
  return [...memory].map(([process, samples]) => {
    const [start, end] = [samples[0]?.atMs ?? 0, samples.at(-1)?.atMs ?? 0];
    const third = (end - start + 1) / 3;
    const thirds = [0, 1, 2].map((index) => {
      const values = ascending(
        samples.filter(({ atMs }) => Math.floor((atMs - start) / third) === index).map(({ mib }) => mib),
      );
      return { median: Math.round(median(values)), most: Math.round(values.at(-1) ?? 0) };
    });
    return { process, thirds };
  });
}

export function faultReports(records: readonly FaultRecord[]): FaultReport[] {
  const names = [...new Set(records.map(({ fault }) => fault.name))];
  return names.map((name) => {
    const own = records.filter(({ fault }) => fault.name === name);
    return {
      name,
      simulates: own[0]?.fault.simulates ?? '',
      injected: own.length,
      bitten: own.filter(({ bite }) => bite !== undefined).length,
      evidence: own.map(({ bite, miss }) => bite ?? `not bitten: ${miss ?? 'unknown'}`),
      recoveryMs: spread(own.flatMap(({ recoveryMs }) => (recoveryMs === undefined ? [] : [recoveryMs]))),
    };
  });
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

export function reportText(report: Report): string {
  const lines: string[] = ['', `Fault campaign: ${report.command}`, `on ${report.machine}`];
  const { verdict } = report;
  if (verdict !== null) {
    lines.push(
      '',
      `published     ${verdict.published.acknowledged} records acknowledged, ${verdict.published.aborted} aborted, ${verdict.published.resent} sent again`,
      `the log       ${verdict.records} records in ${verdict.partitions} partitions, ${verdict.gaps} offsets without a record`,
      `events        ${verdict.events}; ${verdict.duplicatesInLog} duplicates and versions absorbed, ${verdict.rowsRepeated} rows written again by repeats`,
      `dead letters  ${verdict.invalid} records, ${verdict.deadLetters} letters`,
      `awards        ${verdict.awards}`,
    );
  }
  lines.push('', 'faults                                  bitten/injected   recovery median, most');
  for (const { name, injected, bitten, recoveryMs, evidence } of report.faults) {
    const recovery = recoveryMs === null ? '–' : `${seconds(recoveryMs.median)}, ${seconds(recoveryMs.most)}`;
    lines.push(`  ${name.padEnd(38)}${`${bitten}/${injected}`.padEnd(18)}${recovery}`, `      ${evidence[0] ?? ''}`);
  }
  for (const { name, bites } of report.parts) {
    lines.push(`  ${name.padEnd(38)}${bites.length}`, ...bites.map((bite) => `      ${bite}`));
  }
  if (report.recoveryMs !== null) {
    lines.push(`  all: median ${seconds(report.recoveryMs.median)}, most ${seconds(report.recoveryMs.most)}`);
  }
  lines.push('', 'memory in MiB (median and most of each third of the run)');
  for (const { process, thirds } of report.memory) {
    lines.push(`  ${process.padEnd(22)}${thirds.map((one) => `${one.median} ≤ ${one.most}`).join('   ')}`);
  }
  lines.push('', 'compared with the reference model');
  const checks = [
    ...(verdict?.checks ?? []),
    ...report.parts.flatMap((part) => part.checks.map((check) => ({ ...check, name: `${part.name}: ${check.name}` }))),
  ];
  for (const { name, compared, differing, examples } of checks) {
    lines.push(`  ${differing === 0 ? 'equal ' : 'DIFFER'} ${name}: ${compared} compared, ${differing} differ`);
    for (const example of examples) lines.push(`           ${example}`);
  }
  if (report.unaskedEnds.length > 0) lines.push('', 'services that ended by themselves');
  for (const { instance, status, signal, lastWords } of report.unaskedEnds) {
    lines.push(`  ${instance}: status ${status ?? '–'}, signal ${signal ?? '–'}`, `      ${lastWords.slice(0, 1500)}`);
  }
  lines.push('', report.passed ? 'PASSED' : 'FAILED', ...report.failures.map((failure) => `  ${failure}`), '');
  return lines.join('\n');
}
