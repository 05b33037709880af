import type { ClickHouseClient } from '@clickhouse/client';
import {
  cacheShareOf,
  compareStandings,
  factsByScope,
  inRanks,
  isEligible,
  measure,
  scopeOfPart,
  standingsNeeded,
  type Measurement,
  type Scope,
  type Standing,
  type TitleRule,
  type WindowFacts,
} from '@laurel/titles';
import { modelFamily, type Window } from '@laurel/usage';
import { hiddenAmong } from '../people.js';
import { asksFamilies, titleCandidates, type Alias, type Candidate, type KnownOfAll } from './candidates.js';
import { everybodyFacts, modelsOf, windowFacts, type EverybodyFacts } from './facts.js';

/** Beyond what `decide` needs, so that a last-bit difference between SQL and the definition can't leave out the best. */
export const SPARE_CANDIDATES = 5;

/**
 * The standings that a decision on one title rests on, in each scope of its rule: the best eligible people, and each present
 * holder's own, in the scope that they are in now; but of nobody who is hidden: they have no usage here,
 * unless they hid while this was read.
 *
 * @param take how many of the best, in each scope; default what `decide` needs.
 * @param everybody what the metric needs to know of everybody together, where that is known.
 */
export async function titleStandings(
  client: ClickHouseClient,
  rule: TitleRule,
  window: Window,
  holders: readonly string[],
  take = standingsNeeded(rule),
  everybody?: EverybodyFacts,
): Promise<ReadonlyMap<Scope, readonly Standing[]>> {
  for (let reads = 1; ; reads += 1) {
    const together = everybody ?? (await everybodyFacts(client, rule, window));
    const candidates = await readCandidates(client, rule, window, holders, take + SPARE_CANDIDATES, together);
    const standings = await standingsOf(client, rule, window, holders, candidates, together);
    if (reads === MOST_READS || [...standings.values()].every(isInOrder)) return standings;
  }
}

/** Usage may come between the two reads, the ranks and the figures. Where that shows they are read again. */
const MOST_READS = 3;

/** Whether ranks and values of the eligible, best first, say the same. */
const isInOrder = (standings: readonly Standing[]): boolean =>
  standings.every(({ eligible, rank, value }, index) => {
    const before = standings[index - 1];
    if (!eligible || before === undefined) return true;
    return before.value === value ? before.rank === rank : before.rank < rank;
  });

/** The standings of candidates, who have their ranks already, and of holders: by figures that are read now. */
export async function standingsOf(
  client: ClickHouseClient,
  rule: TitleRule,
  window: Window,
  holders: readonly string[],
  candidates: readonly Omit<Candidate, 'amount'>[],
  everybody?: EverybodyFacts,
): Promise<ReadonlyMap<Scope, readonly Standing[]>> {
  const ranks = new Map<Scope, Map<string, number>>();
  for (const { user_id: userId, part, rank } of candidates) {
    const scope = scopeOfPart(rule, part);
    ranks.set(scope, (ranks.get(scope) ?? new Map<string, number>()).set(userId, Number(rank)));
  }
  const users = new Set(candidates.map((candidate) => candidate.user_id));
  const others = holders.filter((userId) => !users.has(userId));
  const hidden = await hiddenAmong(client, others);
  for (const userId of others) if (!hidden.has(userId)) users.add(userId);
  const facts = await windowFacts(client, rule, [...users], window, everybody);
  const standings = new Map<Scope, readonly Standing[]>();
  for (const [scope, ofScope] of factsByScope(rule, facts)) {
    const ranked = ranks.get(scope);
    const own = measure(rule.metric, ofScope).flatMap(({ userId, value, volume, evidence }): Standing[] => {
      // Figures may change between the two reads; who became eligible meanwhile, or changed teams, is so at the next tick.
      const place = ranked?.get(userId) ?? 0;
      if (place === 0 && !holders.includes(userId)) return [];
      const rank = isEligible(rule.eligibility, value, volume) ? place : 0;
      return [{ userId, value, evidence, eligible: rank > 0, rank }];
    });
    own.sort((a, b) => Number(b.eligible) - Number(a.eligible) || compareStandings(a, b));
    if (own.length > 0) standings.set(scope, own);
  }
  return standings;
}

/**
 * Ranks by exact values: those by which the candidates were found may be off by the last bits of a float.
 *
 * @param standings the eligible first, best first.
 */
export const rankedByValue = (standings: readonly Standing[]): readonly Standing[] => [
  ...inRanks(standings.filter((one) => one.eligible)),
  ...standings.filter((one) => !one.eligible),
];

/** See `titleCandidates`. @param everybody as far as that is known, for a title of the company. */
export async function readCandidates(
  client: ClickHouseClient,
  rule: TitleRule,
  window: Window,
  holders: readonly string[],
  take: number,
  everybody?: EverybodyFacts,
): Promise<readonly Candidate[]> {
  const aliases = asksFamilies(rule) ? await aliasesOf(client, window) : [];
  const statement = titleCandidates(rule, window, aliases, take, holders, knownOfAll(rule, everybody));
  const result = await client.query({
    ...statement,
    query_params: { ...statement.query_params },
    format: 'JSONEachRow',
  });
  return result.json<Candidate>();
}

/** Each model family has a share of its own, and is not told of as a parameter. */
function knownOfAll({ metric, scope }: TitleRule, everybody: EverybodyFacts | undefined): KnownOfAll | undefined {
  if (everybody === undefined || scope === 'each_model_family') return undefined;
  return {
    company_share: cacheShareOf(everybody.company),
    median_before: metric.kind === 'thrift_gain' ? (everybody.medianBefore(metric) ?? 0) : 0,
  };
}

/**
 * The same in one query, but without evidence, of the eligible alone, and with values that may differ in the last bits of a
 * float: good for telling that nothing changes, not for deciding what does.
 */
export async function sketchedStandings(
  client: ClickHouseClient,
  rule: TitleRule,
  window: Window,
  holders: readonly string[],
): Promise<ReadonlyMap<Scope, readonly Standing[]>> {
  const standings = new Map<Scope, Standing[]>();
  for (const { user_id: userId, part, rank, amount } of await readCandidates(
    client,
    rule,
    window,
    holders,
    standingsNeeded(rule) + SPARE_CANDIDATES,
  )) {
    const scope = scopeOfPart(rule, part);
    const own = standings.get(scope) ?? [];
    own.push({ userId, value: amount, rank: Number(rank), evidence: {}, eligible: true });
    standings.set(scope, own);
  }
  return standings;
}

/** The models of the window that are known by another name than their family's, the more used first. */
export async function aliasesOf(client: ClickHouseClient, window: Window): Promise<readonly Alias[]> {
  const models = await modelsOf(client, window);
  return models.map((model) => ({ model, family: modelFamily(model) })).filter(({ model, family }) => model !== family);
}

/**
 * One person's measurement by a title's metric in one scope, of their usage that counts there; undefined when they have no
 * counted event of it in the window. In a title of each team that is all of their usage, whatever team they are in.
 */
export async function titleMeasurement(
  client: ClickHouseClient,
  rule: TitleRule,
  userId: string,
  window: Window,
  scope: Scope,
): Promise<Measurement | undefined> {
  return measureIn(rule, await windowFacts(client, rule, [userId], window), scope)[0];
}

/** Everybody's measurement of their usage that counts in a scope, whether or not they stand there. */
export function measureIn(rule: TitleRule, facts: WindowFacts, scope: Scope): readonly Measurement[] {
  const own = rule.scope === 'each_model_family' ? factsByScope(rule, facts).get(scope) : facts;
  return own === undefined ? [] : measure(rule.metric, own);
}
