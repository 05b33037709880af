import type { ClickHouseClient } from '@clickhouse/client';
import { compareStandings, isEligible, measure, standingsNeeded, type Standing, type TitleRule } from '@laurel/titles';
import { modelFamily, type Window } from '@laurel/usage';
import { titleCandidates, type Alias, type Candidate } from './candidates.js';
import { companyFigures, modelsOf, personFacts } from './facts.js';

/** Beyond what `decide` needs, so that a last-bit difference between SQL and the definition can't leave out the best. */
const SPARE_CANDIDATES = 5;

/**
 * The standings that a decision on one title rests on: the best eligible people, and each present holder's own.
 *
 * @param take how many of the best; default what `decide` needs.
 */
export async function titleStandings(
  client: ClickHouseClient,
  rule: TitleRule,
  window: Window,
  holders: readonly string[],
  take = standingsNeeded(rule),
): Promise<readonly Standing[]> {
  const aliases = rule.metric.kind === 'effective_models' ? await aliasesOf(client, window) : [];
  const statement = titleCandidates(rule, window, aliases, take + SPARE_CANDIDATES, holders);
  const result = await client.query({
    ...statement,
    query_params: { ...statement.query_params },
    format: 'JSONEachRow',
  });
  const candidates = await result.json<Candidate>();
  const ranks = new Map(candidates.map(({ user_id, rank }) => [user_id, Number(rank)]));
  const [people, company] = await Promise.all([
    personFacts(client, [...new Set([...ranks.keys(), ...holders])], window),
    companyFigures(client, window),
  ]);
  return measure(rule.metric, { people, company })
    .map(({ userId, value, volume, evidence }): Standing => {
      // Figures may change between the two reads; who became eligible meanwhile is so at the next tick.
      const rank = isEligible(rule.eligibility, value, volume) ? (ranks.get(userId) ?? 0) : 0;
      return { userId, value, evidence, eligible: rank > 0, rank };
    })
    .sort((a, b) => Number(b.eligible) - Number(a.eligible) || compareStandings(a, b));
}

/** The models of the window that are known by another name than their family's, the more used first. */
export async function aliasesOf(client: ClickHouseClient, window: Window): Promise<readonly Alias[]> {
  const models = await modelsOf(client, window);
  return models.map((model) => ({ model, family: modelFamily(model) })).filter(({ model, family }) => model !== family);
}

/** One person's value of a title over another window, 0 when they have none in it. */
export async function titleValue(
  client: ClickHouseClient,
  rule: TitleRule,
  userId: string,
  window: Window,
): Promise<number> {
  const [people, company] = await Promise.all([personFacts(client, [userId], window), companyFigures(client, window)]);
  return measure(rule.metric, { people, company })[0]?.value ?? 0;
}
