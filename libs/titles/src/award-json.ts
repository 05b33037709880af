import type { AwardEvent } from '@laurel/events';
import type { Evidence, EvidenceEntry } from './evidence.js';
import { generatedHandle } from './handle.js';
import type { TitleAwarded } from './state.js';

export interface LoggedAward {
  /** On `titles.awards.v1`, which has one partition; ascending, with gaps. */
  readonly offset: number;
  readonly award: AwardEvent;
}

/** Whole numbers as their decimal digits, ratios as numbers, texts as they are. */
export type EvidenceJson = Readonly<Record<string, string | number>>;

export const evidenceJson = (evidence: Evidence): EvidenceJson =>
  Object.fromEntries(Object.entries(evidence).map(([name, entry]) => [name, evidenceValue(entry)]));

function evidenceValue(entry: EvidenceEntry): string | number {
  if ('long' in entry) return String(entry.long);
  return 'double' in entry ? entry.double : entry.string;
}

const time = (ms: number): string => new Date(ms).toISOString();

/** An award event of `titles.awards.v1` under its own names; times are RFC 3339 in UTC. */
export interface AwardJson {
  /** The record's offset in decimal digits: the event id of the stream. */
  readonly offset: string;
  readonly award_id: string;
  readonly ordinal: number;
  readonly type: AwardEvent['type'];
  readonly title_id: string;
  readonly rule_version: number;
  readonly scope: string;
  /** Null in a revocation with the reason `withheld`: whoever lost it is hidden or erased, and not named. */
  readonly user_id: string | null;
  readonly handle: string | null;
  /** 0 when the person no longer stands in the standings. */
  readonly rank: number;
  readonly tier: string | null;
  readonly value: number;
  readonly unit: string;
  readonly runner_up: number | null;
  readonly window_start: string;
  /** Exclusive. */
  readonly window_end: string;
  readonly evaluated_at: string;
  readonly previous_holder: string | null;
  readonly previous_holder_handle: string | null;
  /** The award that a revocation ends; null in an award. */
  readonly revokes: string | null;
  readonly reason: AwardEvent['reason'];
  readonly evidence: EvidenceJson;
}

export function awardJson({ offset, award }: LoggedAward): AwardJson {
  return {
    offset: String(offset),
    award_id: award.award_id,
    ordinal: award.ordinal,
    type: award.type,
    title_id: award.title_id,
    rule_version: award.rule_version,
    scope: award.scope,
    user_id: award.user_id === '' ? null : award.user_id,
    handle: award.user_id === '' ? null : generatedHandle(award.user_id),
    rank: award.rank,
    tier: award.tier,
    value: award.value,
    unit: award.unit,
    runner_up: award.runner_up,
    window_start: time(award.window_start),
    window_end: time(award.window_end),
    evaluated_at: time(award.evaluated_at),
    previous_holder: award.previous_holder,
    previous_holder_handle: award.previous_holder === null ? null : generatedHandle(award.previous_holder),
    revokes: award.revokes,
    reason: award.reason,
    evidence: evidenceJson(award.evidence),
  };
}

/** How somebody holds a title; all figures are as of the award. */
export interface HolderJson {
  readonly value: number;
  readonly unit: string;
  readonly held_since: string;
  readonly award_id: string;
  readonly evidence: EvidenceJson;
}

export const holderJson = (award: TitleAwarded): HolderJson => ({
  value: award.value,
  unit: award.unit,
  held_since: time(award.evaluated_at),
  award_id: award.award_id,
  evidence: evidenceJson(award.evidence),
});
