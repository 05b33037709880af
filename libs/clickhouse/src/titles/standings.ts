import type { ClickHouseClient } from '@clickhouse/client';
import {
  compareStandings,
  isEligible,
  measure,
  scopeOfPerson,
  scopeOfTeam,
  standingsNeeded,
  type Measurement,
  type Scope,
  type Standing,
  type TitleRule,
} from '@laurel/titles';
import { modelFamily, type Window } from '@laurel/usage';
import { hiddenAmong } from '../people.js';
import { titleCandidates, type Alias, type Candidate } from './candidates.js';
import { companyFigures, modelsOf, personFacts } from './facts.js';

/** Beyond what `decide` needs, so that a last-bit difference between SQL and the definition can't leave out the best. */
const SPARE_CANDIDATES = 5;

/**
 * The standings that a decision on one title rests on, in each scope of its rule: the best eligible people, and each present
 * holder's own, in the scope that they are in now; but of nobody who is hidden: they have no usage here,
 * unless they hid while this was read.
 *
 * @param take how many of the best, in each scope; default what `decide` needs.
 */
export async function titleStandings(
  client: ClickHouseClient,
  rule: TitleRule,
  window: Window,
  holders: readonly string[],
  take = standingsNeeded(rule),
): Promise<ReadonlyMap<Scope, readonly Standing[]>> {
  for (let reads = 1; ; reads += 1) {
    const standings = await readStandings(client, rule, window, holders, take);
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

async function readStandings(
  client: ClickHouseClient,
  rule: TitleRule,
  window: Window,
  holders: readonly string[],
  take: number,
): Promise<ReadonlyMap<Scope, readonly Standing[]>> {
  const candidates = await readCandidates(client, rule, window, holders, take);
  const ranks = new Map(candidates.map((candidate) => [candidate.user_id, candidate]));
  const others = holders.filter((userId) => !ranks.has(userId));
  const hidden = await hiddenAmong(client, others);
  const [people, company] = await Promise.all([
    personFacts(client, [...ranks.keys(), ...others.filter((userId) => !hidden.has(userId))], window, asksTenure(rule)),
    companyFigures(client, window),
  ]);
  const teams = new Map(people.map((person) => [person.userId, person.team]));
  const standings = new Map<Scope, Standing[]>();
  for (const { userId, value, volume, evidence } of measure(rule.metric, { people, company })) {
    const scope = scopeOfPerson(rule, { team: teams.get(userId) ?? null });
    if (scope === null) continue;
    // Figures may change between the two reads; who became eligible meanwhile, or changed teams, is so at the next tick.
    const ranked = ranks.get(userId);
    const isRanked = ranked !== undefined && (rule.scope === 'company' || scope === scopeOfTeam(ranked.team));
    const rank = isRanked && isEligible(rule.eligibility, value, volume) ? Number(ranked.rank) : 0;
    const own = standings.get(scope) ?? [];
    own.push({ userId, value, evidence, eligible: rank > 0, rank });
    standings.set(scope, own);
  }
  for (const own of standings.values()) {
    own.sort((a, b) => Number(b.eligible) - Number(a.eligible) || compareStandings(a, b));
  }
  return standings;
}

async function readCandidates(
  client: ClickHouseClient,
  rule: TitleRule,
  window: Window,
  holders: readonly string[],
  take: number,
): Promise<readonly Candidate[]> {
  const aliases = rule.metric.kind === 'effective_models' ? await aliasesOf(client, window) : [];
  const statement = titleCandidates(rule, window, aliases, take + SPARE_CANDIDATES, holders);
  const result = await client.query({
    ...statement,
    query_params: { ...statement.query_params },
    format: 'JSONEachRow',
  });
  return result.json<Candidate>();
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
  for (const { user_id: userId, team, rank, amount } of await readCandidates(
    client,
    rule,
    window,
    holders,
    standingsNeeded(rule),
  )) {
    const scope = rule.scope === 'company' ? 'company' : scopeOfTeam(team);
    const own = standings.get(scope) ?? [];
    own.push({ userId, value: amount, rank: Number(rank), evidence: {}, eligible: true });
    standings.set(scope, own);
  }
  return standings;
}

const asksTenure = ({ eligibility }: TitleRule): boolean => eligibility.min_tenure_days > 0;

/** The models of the window that are known by another name than their family's, the more used first. */
export async function aliasesOf(client: ClickHouseClient, window: Window): Promise<readonly Alias[]> {
  const models = await modelsOf(client, window);
  return models.map((model) => ({ model, family: modelFamily(model) })).filter(({ model, family }) => model !== family);
}

/** One person's measurement by a title's metric; undefined when they have no counted event in the window. */
export async function titleMeasurement(
  client: ClickHouseClient,
  rule: TitleRule,
  userId: string,
  window: Window,
): Promise<Measurement | undefined> {
  const [people, company] = await Promise.all([
    personFacts(client, [userId], window, asksTenure(rule)),
    companyFigures(client, window),
  ]);
  return measure(rule.metric, { people, company })[0];
}
