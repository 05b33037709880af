/** The checks, in the order in which they are made: what one mends, a later one need not find. */
export const checkNames = ['erasures', 'ledger', 'identities', 'conflicts', 'heads', 'buckets', 'holders'] as const;
export type CheckName = (typeof checkNames)[number];

/** Closed: part of the JSON document and of docs/operations/audit.md. */
export const findingCodes = [
  'erased_rows_left',
  'offsets_missing',
  'row_missing',
  'row_outdated',
  'row_of_invalid_record',
  'identity_conflict',
  'head_missing',
  'roll_missing',
  'closed_in_future',
  'day_closed_too_early',
  'closing_late',
  'figures_differ',
  'award_log_broken',
  'holders_differ',
  'tiers_differ',
] as const;
export type FindingCode = (typeof findingCodes)[number];

/** Something that is not as the guarantee has it. A warning does not change the exit status. */
export interface Finding {
  readonly check: CheckName;
  readonly code: FindingCode;
  readonly severity: 'error' | 'warning';
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
