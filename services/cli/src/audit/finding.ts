import type { CheckName, FindingCode, Severity } from '@laurel/clickhouse';

/** Something that is not as the guarantee has it. A warning does not change the exit status. */
export interface Finding {
  readonly check: CheckName;
  readonly code: FindingCode;
  readonly severity: Severity;
  /** Where: a range of offsets, a bucket, an identity, a title, a table. */
  readonly at: string;
  /** For a person. */
  readonly message: string;
  /** When it was seen last, ISO 8601. */
  readonly observedAt: string;
  /** What the statement rests on: offsets, heads, versions; and so how old it may be. */
  readonly asOf: string;
  readonly healable: boolean;
  healed: boolean;
}

/** What a check found. */
export interface CheckResult {
  /** For a person: what was compared, and how much. */
  readonly compared: string;
  /** The same as numbers. */
  readonly counts: Readonly<Record<string, number>>;
  /** Up to when the figures underneath go. */
  readonly asOf: string;
  readonly findings: readonly Finding[];
  /** What could not be checked, and why, without being wrong for it. */
  readonly notes: readonly string[];
  /** Set when a part of the check could not be made. */
  readonly incomplete?: string | undefined;
}

/** What a check is to do. */
export interface CheckOptions {
  readonly heal: boolean;
  /** The first day whose figures and events are compared, in seconds since the epoch. */
  readonly since: number;
  /** How many records `identities` draws. */
  readonly sample: number;
}

export const newFinding = (
  finding: Omit<Finding, 'observedAt' | 'healed' | 'severity'> & Partial<Pick<Finding, 'severity'>>,
): Finding => ({ severity: 'error', ...finding, observedAt: new Date().toISOString(), healed: false });
