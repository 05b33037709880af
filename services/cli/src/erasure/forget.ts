import {
  daysOfUser,
  recordErasure,
  sweepErased,
  userHashOf,
  type ClickHouseClient,
  type TouchedDay,
} from '@laurel/clickhouse';
import { titleHolders, titleTier, topics } from '@laurel/events';
import { changeRecords } from '@laurel/ingest';
import { readToEnd, type Kafka, type RecordProducer } from '@laurel/kafka';
import { readPeople, resetProfile } from '@laurel/policy';

/** What Laurel holds of a person. */
export interface Holdings {
  readonly events: number;
  readonly outcomes: number;
  /** What there is on each day. */
  readonly days: readonly TouchedDay[];
  /** `title|scope` of each title held, and `title|scope gold` of each tier. */
  readonly titles: readonly string[];
  /** Whether they chose how to be shown. */
  readonly hasChoice: boolean;
}

/** What an erasure works on. */
export interface ErasureWorld {
  readonly clickhouse: ClickHouseClient;
  readonly kafka: Kafka;
  readonly producer: RecordProducer;
  readonly topicPrefix: string;
}

/** Of no account where only choices are asked for. */
const NOBODY_IS_SHOWN = { visibility: 'hidden', figures: 'bands' } as const;

export async function holdingsOf(world: ErasureWorld, userId: string): Promise<Holdings> {
  const counted = await world.clickhouse.query({
    query: `SELECT (SELECT count() FROM usage_events FINAL WHERE user_id = {user:String}) AS events,
                   (SELECT count() FROM outcome_events FINAL WHERE user_id = {user:String}) AS outcomes`,
    query_params: { user: userId },
    format: 'JSONEachRow',
  });
  const [row] = await counted.json<{ events: string; outcomes: string }>();
  return {
    events: Number(row?.events ?? 0),
    outcomes: Number(row?.outcomes ?? 0),
    days: await daysOfUser(world.clickhouse, userId),
    titles: await titlesOf(world, userId),
    hasChoice: (await readPeople(world, NOBODY_IS_SHOWN)).profileOf(userId) !== undefined,
  };
}

/** The titles that the person holds and the tiers that they have, as subscribers know it. */
export async function titlesOf({ kafka, topicPrefix }: ErasureWorld, userId: string): Promise<readonly string[]> {
  const held = new Map<string, boolean>();
  await readToEnd(kafka, {
    topic: topicPrefix + topics.titleHolders.name,
    groupPrefix: `${topicPrefix}laurel-forget-`,
    onRecord: ({ key, value }) => {
      const holders = value === null ? [] : titleHolders.decode(value).holders;
      held.set(
        Buffer.from(key ?? []).toString(),
        holders.some((one) => one.user_id === userId),
      );
    },
  });
  const tiers = new Map<string, string>();
  await readToEnd(kafka, {
    topic: topicPrefix + topics.titleTiers.name,
    groupPrefix: `${topicPrefix}laurel-forget-`,
    onRecord: ({ key, value }) => {
      const person = Buffer.from(key ?? []).toString();
      const tier = value === null ? undefined : titleTier.decode(value);
      if (tier?.user_id === userId) tiers.set(person, `${tier.title_id}|${tier.scope} ${tier.tier}`);
      else tiers.delete(person);
    },
  });
  return [...[...held].flatMap(([title, isHeld]) => (isHeld ? [title] : [])), ...tiers.values()];
}

/**
 * Erases a person. The order makes a crash harmless, as a repeat finds what is left:
 *
 * 1. the list: from here on nothing of theirs is stored or rolled, and they can hold no title;
 * 2. the announcement of every bucket they are in, which is rolled again without them;
 * 3. a record without a value in the place of their choice;
 * 4. deletion, from every table.
 *
 * An insert that was under way at step 1 may still land after step 4; no roll takes it in, and the audit deletes it.
 *
 * @returns how many rows were deleted, by table.
 */
export async function erase(
  world: ErasureWorld,
  userId: string,
  days: readonly TouchedDay[],
): Promise<ReadonlyMap<string, number>> {
  const { clickhouse, producer } = world;
  await recordErasure(clickhouse, userHashOf(userId));
  await producer.send(topics.usageStored.name, changeRecords(days, 'erased', Date.now()));
  await resetProfile(world, userId);
  return sweepErased(clickhouse);
}
