import type { ClickHouseClient } from '@clickhouse/client';
import { dayKey, type Day } from '@laurel/usage';

/** The checks of an audit, in the order in which they are made: what one mends, a later one need not find. */
export const checkNames = ['erasures', 'ledger', 'identities', 'conflicts', 'heads', 'buckets', 'holders'] as const;
export type CheckName = (typeof checkNames)[number];

/** Closed: part of the API, of the JSON document of an audit, and of docs/operations/audit.md. */
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

/** What a finding says of the guarantee: a warning is no breach of it. */
export const severities = ['error', 'warning'] as const;
export type Severity = (typeof severities)[number];

/** All findings of one code. */
export interface FindingCount {
  readonly code: FindingCode;
  readonly severity: Severity;
  readonly found: number;
  /** How many of them were mended and looked at again. */
  readonly healed: number;
}

/** What a check of an audit that ended came to. */
export interface CheckOutcome {
  readonly check: CheckName;
  /** When the whole audit had ended, in ms. */
  readonly endedAtMs: number;
  /** The first day that was compared; null where that were all. */
  readonly firstDay: Day | null;
  /** For a person: what was compared, and how much. Names nobody. */
  readonly compared: string;
  /** False when a part of it could not be compared. */
  readonly finished: boolean;
  readonly findings: readonly FindingCount[];
}

/** Keeps the outcomes of one audit: all of them are there, or none. */
export async function keepOutcomes(client: ClickHouseClient, outcomes: readonly CheckOutcome[]): Promise<void> {
  await client.insert({
    table: 'audit_checks',
    format: 'JSONEachRow',
    values: outcomes.map(({ check, endedAtMs, firstDay, compared, finished, findings }) => ({
      check,
      ended_at: endedAtMs,
      first_day: firstDay === null ? null : dayKey(firstDay),
      compared,
      finished,
      findings,
    })),
  });
}

interface OutcomeRow extends Omit<CheckOutcome, 'endedAtMs' | 'firstDay'> {
  readonly ended: string;
  readonly first: Day | null;
}

/** What each check came to the last time that it was made, by name; checks that never were are left out. */
export async function latestOutcomes(client: ClickHouseClient): Promise<readonly CheckOutcome[]> {
  const result = await client.query({
    query: `SELECT check, toUnixTimestamp64Milli(ended_at) AS ended, toInt32(first_day) AS first, compared, finished, findings
            FROM audit_checks ORDER BY check, ended_at DESC LIMIT 1 BY check`,
    format: 'JSONEachRow',
  });
  return (await result.json<OutcomeRow>()).map(({ ended, first, ...outcome }) => ({
    ...outcome,
    endedAtMs: Number(ended),
    firstDay: first,
  }));
}
