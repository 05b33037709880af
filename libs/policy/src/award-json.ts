import type { AwardEvent } from '@laurel/events';
import type { Evidence, EvidenceEntry, LoggedAward, TitleAwarded } from '@laurel/titles';
import { shownValue } from './figures.js';
import type { PeopleDirectory } from './people-directory.js';
import { personJson, type PersonJson } from './person-json.js';

/** Whole numbers as their decimal digits, ratios as numbers, texts as they are. */
export type EvidenceJson = Readonly<Record<string, string | number>>;

const evidenceJson = (evidence: Evidence): EvidenceJson =>
  Object.fromEntries(Object.entries(evidence).map(([name, entry]) => [name, evidenceValue(entry)]));

/** Of everybody's figures together, which say something of each when all others are known. */
const COMPANY = 'company_';

/**
 * Evidence as far as it may be seen: all of it only of a person who is shown exactly, and without the company's sums as long as
 * anybody is not.
 */
export function shownEvidence(
  evidence: Evidence,
  people: PeopleDirectory,
  { figures }: Pick<PersonJson, 'figures'>,
): EvidenceJson {
  if (figures !== 'exact') return {};
  const all = Object.entries(evidenceJson(evidence));
  return Object.fromEntries(people.guardsAnybody ? all.filter(([name]) => !name.startsWith(COMPANY)) : all);
}

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
  /** True when the person is hidden now, or was not named at all: then whatever is said of them is null. */
  readonly withheld: boolean;
  readonly user_id: string | null;
  readonly handle: string | null;
  readonly name: string | null;
  readonly figures: PersonJson['figures'] | null;
  /** 0 when the person no longer stands in the standings. */
  readonly rank: number | null;
  readonly tier: string | null;
  readonly value: number | null;
  readonly unit: string;
  /** Rounded, unless everybody is shown exactly: it is somebody's figure. */
  readonly runner_up: number | null;
  readonly window_start: string;
  /** Exclusive. */
  readonly window_end: string;
  readonly evaluated_at: string;
  /** Null too when the previous holder is hidden now. */
  readonly previous_holder: string | null;
  readonly previous_holder_handle: string | null;
  /** The award that a revocation ends; null in an award. */
  readonly revokes: string | null;
  readonly reason: AwardEvent['reason'];
  readonly evidence: EvidenceJson;
}

/** @param people how they are shown now, not when the title was awarded. */
export function awardJson({ offset, award }: LoggedAward, people: PeopleDirectory): AwardJson {
  const person = award.user_id === '' ? undefined : personJson(people, award.user_id);
  const previous = award.previous_holder === null ? undefined : personJson(people, award.previous_holder);
  const { unit, runner_up: runnerUp } = award;
  return {
    offset: String(offset),
    award_id: award.award_id,
    ordinal: award.ordinal,
    type: award.type,
    title_id: award.title_id,
    rule_version: award.rule_version,
    scope: award.scope,
    withheld: person === undefined,
    user_id: person?.user_id ?? null,
    handle: person?.handle ?? null,
    name: person?.name ?? null,
    figures: person?.figures ?? null,
    rank: person === undefined ? null : award.rank,
    tier: person === undefined ? null : award.tier,
    value: person === undefined ? null : shownValue(person.figures, unit, award.value),
    unit,
    runner_up:
      person === undefined || runnerUp === null
        ? null
        : shownValue(people.guardsAnybody ? 'rounded' : 'exact', unit, runnerUp),
    window_start: time(award.window_start),
    window_end: time(award.window_end),
    evaluated_at: time(award.evaluated_at),
    previous_holder: previous?.user_id ?? null,
    previous_holder_handle: previous?.handle ?? null,
    revokes: award.revokes,
    reason: award.reason,
    evidence: person === undefined ? {} : shownEvidence(award.evidence, people, person),
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

export const holderJson = (
  award: TitleAwarded,
  people: PeopleDirectory,
  person: Pick<PersonJson, 'figures'>,
): HolderJson => ({
  value: shownValue(person.figures, award.unit, award.value),
  unit: award.unit,
  held_since: time(award.evaluated_at),
  award_id: award.award_id,
  evidence: shownEvidence(award.evidence, people, person),
});
