import {
  Erasures,
  readFlags,
  titleMeasurement,
  titlePeers,
  titleStandings,
  type ClickHouseClient,
} from '@laurel/clickhouse';
import { awardEvent, topics, type AwardEvent } from '@laurel/events';
import type { Signal } from '@laurel/fair-play';
import { assertTopics, readToEnd, type Kafka } from '@laurel/kafka';
import {
  AwardFold,
  explain,
  explainTier,
  hasTiers,
  isInForce,
  isScopeOf,
  type Explanation,
  type Scope,
  type TierExplanation,
  type TitleRule,
  type TitleState,
} from '@laurel/titles';
import { windowOf, type Window } from '@laurel/usage';
import { rulesInForce } from './rules-in-force.js';

/** One title as it is for one person. */
export interface Explained {
  readonly rule: TitleRule;
  /** Null where the title is one of each team or model family, and the person is in none that has a board. */
  readonly scope: Scope | null;
  readonly window: Window;
  readonly explanation: Explanation;
  /** Why days of the window do not count for the rule, the newest first. */
  readonly leftOut: readonly Signal[];
  /** Null where the title has no tiers, or the person no scope. */
  readonly tier: TierExplanation | null;
  /** What the person won and lost of it before, the latest last. Of a revocation that names nobody, too. */
  readonly history: readonly AwardEvent[];
}

export interface ExplainedPerson {
  readonly titles: readonly Explained[];
  /** Ids that were asked for, and are no titles in force. */
  readonly unknown: readonly string[];
}

interface World {
  readonly kafka: Kafka;
  readonly clickhouse: ClickHouseClient;
  readonly topicPrefix: string;
}

/**
 * Why somebody holds each title or not, as of an instant: the awards until then, and the figures of the UTC days up to its day,
 * that day whole, as they are known now.
 *
 * @param ids of titles; all in force when there are none.
 */
export async function explainPerson(
  { kafka, clickhouse, topicPrefix }: World,
  userId: string,
  ids: readonly string[],
  atMs: number,
): Promise<ExplainedPerson> {
  const book = await rulesInForce(kafka, topicPrefix);
  const rules = book.rules.filter((rule) => isInForce(rule, atMs) && (ids.length === 0 || ids.includes(rule.id)));
  const { fold, own: awards } = await awardsUntil(kafka, topicPrefix, userId, atMs);
  const erasures = new Erasures(clickhouse);
  await erasures.refresh();
  const tierIn = async (rule: TitleRule, scope: Scope, window: Window): Promise<TierExplanation | null> => {
    if (!hasTiers(rule)) return null;
    const peers = rule.tiers.by === 'value' ? undefined : await titlePeers(clickhouse, rule, window);
    const held = fold.tiers.held(rule.id, scope, userId);
    return explainTier(rule, held, peers?.get(scope) ?? { people: 0, thresholds: [] });
  };
  const explainIn = async (
    rule: TitleRule,
    scope: Scope | undefined,
    byScope: Boards,
  ): Promise<Omit<Explained, 'leftOut'>> => {
    const window = windowOf(rule.window, atMs);
    const isMeasured = scope !== undefined && !erasures.has(userId);
    const own = isMeasured ? await titleMeasurement(clickhouse, rule, userId, window, scope) : undefined;
    const board = scope === undefined ? [] : (byScope.get(scope) ?? []);
    const standings = board.filter((one) => !erasures.has(one.userId));
    const explanation = explain(rule, userId, own, standings, fold.state(rule.id, scope ?? 'company'), atMs);
    const history = awards.filter((award) => award.title_id === rule.id && isOf(rule, scope, award));
    const tier = scope === undefined ? null : await tierIn(rule, scope, window);
    return { rule, scope: scope ?? null, window, explanation, tier, history };
  };
  const titles: Explained[] = [];
  for (const rule of rules) {
    const window = windowOf(rule.window, atMs);
    const held = [...fold.states.values()].filter(
      ({ titleId, scope }) => titleId === rule.id && isScopeOf(rule, scope),
    );
    const holders = held.flatMap((state) => state.holders.map((award) => award.user_id));
    const byScope = await titleStandings(clickhouse, rule, window, [...holders, userId]);
    const isHolder = (state: TitleState): boolean => state.holders.some((award) => award.user_id === userId);
    const scopes = [
      ...held.filter(isHolder).map((state) => state.scope),
      ...[...byScope].filter(([, own]) => own.some((one) => one.userId === userId)).map(([scope]) => scope),
      ...fold.tiers.heldBy(rule.id, userId).map((tier) => tier.scope),
      'company',
    ].filter((scope): scope is Scope => isScopeOf(rule, scope));
    // In a title of each team they stand in one team, and may still hold it in a former one; they use many models.
    const explained = rule.scope === 'each_model_family' ? [...new Set(scopes)].sort() : scopes.slice(0, 1);
    const leftOut = await leftOutOf(clickhouse, rule, userId, window);
    for (const scope of explained.length === 0 ? [undefined] : explained) {
      titles.push({ ...(await explainIn(rule, scope, byScope)), leftOut });
    }
  }
  return { titles, unknown: ids.filter((id) => !rules.some((rule) => rule.id === id)) };
}

/** Why days of a window do not count, by a rule's `fair_play`. */
async function leftOutOf(
  clickhouse: ClickHouseClient,
  { fair_play: fairPlay }: TitleRule,
  userId: string,
  { firstDay: first, lastDay: last }: Window,
): Promise<readonly Signal[]> {
  if (fairPlay === undefined) return [];
  const flags = await readFlags(clickhouse, { first, last, userId, signals: fairPlay.exclude });
  return flags.filter(({ review }) => review?.counts !== true);
}

type Boards = Awaited<ReturnType<typeof titleStandings>>;

/** Of a title of each model family, what happened in that family; else what happened in whatever scope. */
const isOf = (rule: TitleRule, scope: Scope | undefined, award: AwardEvent): boolean =>
  rule.scope !== 'each_model_family' || award.scope === scope;

/** The fold of all awards, and those of one person: what they won and lost, in whatever scope, and what ended it. */
async function awardsUntil(
  kafka: Kafka,
  topicPrefix: string,
  userId: string,
  atMs: number,
): Promise<{ readonly fold: AwardFold; readonly own: readonly AwardEvent[] }> {
  await assertTopics(kafka, [topics.titleAwards], topicPrefix);
  const fold = new AwardFold();
  const own: AwardEvent[] = [];
  const ids = new Set<string>();
  await readToEnd(kafka, {
    topic: topicPrefix + topics.titleAwards.name,
    groupPrefix: `${topicPrefix}laurel-titles-`,
    onRecord: ({ value }) => {
      if (value === null) return;
      const award = awardEvent.decode(value);
      if (award.evaluated_at > atMs) return;
      fold.take(award);
      // Whoever is withheld is named by the award that ends alone.
      if (award.user_id !== userId && !ids.has(award.revokes ?? '')) return;
      ids.add(award.award_id);
      own.push(award);
    },
  });
  return { fold, own };
}
