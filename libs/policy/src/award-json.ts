import { awardReasonValues, awardTypeValues } from '@laurel/events';
import {
  tierNames,
  type Evidence,
  type EvidenceEntry,
  type LoggedAward,
  type TierHeld,
  type TitleAwarded,
} from '@laurel/titles';
import { z } from 'zod';
import { shownValue } from './figures.js';
import type { PeopleDirectory } from './people-directory.js';
import { personJson, personSchema, type PersonJson } from './person-json.js';

export const evidenceSchema = z
  .record(z.string(), z.union([z.string(), z.number()]))
  .describe('whole numbers as their decimal digits, ratios as numbers, texts as they are');

export type EvidenceJson = Readonly<z.output<typeof evidenceSchema>>;

const evidenceJson = (evidence: Evidence): EvidenceJson =>
  Object.fromEntries(Object.entries(evidence).map(([name, entry]) => [name, evidenceValue(entry)]));

/** Of others' figures: of everybody together, which say something of each when all others are known, and of whoever is at a threshold. */
const OF_OTHERS = ['company_', 'peers_'];

/** That days of somebody stood out is for them and for admins. */
const OF_FAIR_PLAY = 'left_out_days';

/**
 * Evidence as far as it may be seen: all of it only of a person who is shown exactly, and without what is said of others as long
 * as anybody is not; never how many days were left out for fair play.
 */
export function shownEvidence(
  evidence: Evidence,
  people: PeopleDirectory,
  { figures }: Pick<PersonJson, 'figures'>,
): EvidenceJson {
  if (figures !== 'exact') return {};
  const all = Object.entries(evidenceJson(evidence)).filter(([name]) => name !== OF_FAIR_PLAY);
  return Object.fromEntries(
    people.guardsAnybody ? all.filter(([name]) => !OF_OTHERS.some((prefix) => name.startsWith(prefix))) : all,
  );
}

function evidenceValue(entry: EvidenceEntry): string | number {
  if ('long' in entry) return String(entry.long);
  return 'double' in entry ? entry.double : entry.string;
}

const time = (ms: number): string => new Date(ms).toISOString();

const timeSchema = z.iso.datetime();

/** An award event of `titles.awards.v1` under its own names; times are RFC 3339 in UTC. */
export const awardSchema = z.object({
  offset: z.string().regex(/^\d+$/).describe('the record’s offset in decimal digits: the event id of the stream'),
  award_id: z.string(),
  ordinal: z.int().min(0),
  type: z.enum(awardTypeValues),
  title_id: z.string(),
  rule_version: z.int(),
  scope: z.string().describe('company, team:<team>, or family:<model family>'),
  withheld: z
    .boolean()
    .describe('true when the person is hidden now, or was not named at all: then whatever is said of them is null'),
  user_id: z.string().nullable(),
  handle: z.string().nullable(),
  name: z.string().nullable(),
  figures: personSchema.shape.figures.nullable(),
  rank: z.int().nullable().describe('0 when the person no longer stands in the standings'),
  tier: z.string().nullable().describe('reached or lost; null in what is about the title itself'),
  remaining_tier: z.string().nullable().describe('of a tier that was lost, the lower one that is left; null for none'),
  value: z.number().nullable(),
  unit: z.string(),
  runner_up: z.number().nullable().describe('rounded, unless everybody is shown exactly: it is somebody’s figure'),
  window_start: timeSchema,
  window_end: timeSchema.describe('exclusive'),
  evaluated_at: timeSchema,
  previous_holder: z.string().nullable().describe('null too when the previous holder is hidden now'),
  previous_holder_handle: z.string().nullable(),
  revokes: z.string().nullable().describe('the award that a revocation ends; null in an award'),
  reason: z.enum(awardReasonValues),
  evidence: evidenceSchema,
});

export type AwardJson = Readonly<z.output<typeof awardSchema>>;

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
    remaining_tier: person === undefined ? null : award.remaining_tier,
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

/** A tier that somebody has; figures are as of the award. */
export const tierSchema = z.object({
  title_id: z.string(),
  scope: z.string(),
  tier: z.enum(tierNames),
  value: z.number(),
  unit: z.string(),
  since: timeSchema,
  award_id: z.string().describe('of the event on titles.awards.v1 by which they have it'),
});
export type TierJson = Readonly<z.output<typeof tierSchema>>;

export const tierJson = (held: TierHeld, { figures }: Pick<PersonJson, 'figures'>): TierJson => ({
  title_id: held.titleId,
  scope: held.scope,
  tier: held.tier,
  value: shownValue(figures, held.unit, held.value),
  unit: held.unit,
  since: time(held.sinceMs),
  award_id: held.awardId,
});

/** How somebody holds a title; all figures are as of the award. */
export const holderSchema = z.object({
  value: z.number(),
  unit: z.string(),
  held_since: timeSchema,
  award_id: z.string(),
  evidence: evidenceSchema,
});

export type HolderJson = Readonly<z.output<typeof holderSchema>>;

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
