import { Erasures, titleMeasurement, titleStandings, type ClickHouseClient } from '@laurel/clickhouse';
import { awardEvent, topics, type AwardEvent } from '@laurel/events';
import { assertTopics, readToEnd, type Kafka } from '@laurel/kafka';
import {
  explain,
  fold,
  isInForce,
  isScopeOf,
  neverAwarded,
  type Explanation,
  type Scope,
  type TitleRule,
} from '@laurel/titles';
import { windowOf, type Window } from '@laurel/usage';
import { rulesInForce } from './rules-in-force.js';

/** One title as it is for one person. */
export interface Explained {
  readonly rule: TitleRule;
  /** Null where the title is one of each team, and the person is in none that has a board. */
  readonly scope: Scope | null;
  readonly window: Window;
  readonly explanation: Explanation;
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
  const awards = await awardsUntil(kafka, topicPrefix, atMs);
  const states = fold(awards);
  const erasures = new Erasures(clickhouse);
  await erasures.refresh();
  const titles: Explained[] = [];
  for (const rule of rules) {
    const window = windowOf(rule.window, atMs);
    const held = [...states.values()].filter(({ titleId, scope }) => titleId === rule.id && isScopeOf(rule, scope));
    const holders = held.flatMap((state) => state.holders.map((award) => award.user_id));
    const [own, byScope] = await Promise.all([
      titleMeasurement(clickhouse, rule, userId, window),
      titleStandings(clickhouse, rule, window, [...holders, userId]),
    ]);
    const isErased = erasures.has(userId);
    // Where they stand; of a title of each team they may be in none that has a board, or still hold it in a former one.
    const stands = [...byScope].find(([, standings]) => standings.some((one) => one.userId === userId))?.[0];
    const holds = held.find((state) => state.holders.some((award) => award.user_id === userId))?.scope;
    const scopes = [holds, stands, 'company'].filter((one) => one !== undefined);
    const scope = scopes.find((one): one is Scope => isScopeOf(rule, one));
    const state = held.find((one) => one.scope === scope) ?? neverAwarded(rule.id, scope ?? 'company');
    const board = scope === undefined ? [] : (byScope.get(scope) ?? []);
    const standings = board.filter((one) => !erasures.has(one.userId));
    const measured = isErased || scope === undefined ? undefined : own;
    const explanation = explain(rule, userId, measured, standings, state, atMs);
    titles.push({ rule, scope: scope ?? null, window, explanation, history: historyOf(userId, rule.id, awards) });
  }
  return { titles, unknown: ids.filter((id) => !rules.some((rule) => rule.id === id)) };
}

async function awardsUntil(kafka: Kafka, topicPrefix: string, atMs: number): Promise<readonly AwardEvent[]> {
  await assertTopics(kafka, [topics.titleAwards], topicPrefix);
  const awards: AwardEvent[] = [];
  await readToEnd(kafka, {
    topic: topicPrefix + topics.titleAwards.name,
    groupPrefix: `${topicPrefix}laurel-titles-`,
    onRecord: ({ value }) => {
      if (value === null) return;
      const award = awardEvent.decode(value);
      if (award.evaluated_at <= atMs) awards.push(award);
    },
  });
  return awards;
}

/** The person's own awards of a title, in whatever scope, and what ended them. */
function historyOf(userId: string, titleId: string, awards: readonly AwardEvent[]): readonly AwardEvent[] {
  const ofTitle = awards.filter((award) => award.title_id === titleId);
  const own = new Set(ofTitle.filter((award) => award.user_id === userId).map((award) => award.award_id));
  return ofTitle.filter((award) => own.has(award.award_id) || (award.revokes !== null && own.has(award.revokes)));
}
