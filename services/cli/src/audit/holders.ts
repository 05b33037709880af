import { isDeepStrictEqual } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { awardEvent, titleHolders, topics, type AwardEvent, type TitleHolders } from '@laurel/events';
import { FencedWriter, readToEnd, type OutgoingRecord } from '@laurel/kafka';
import { AwardFold, AwardLogError, holdersOf, titleKey } from '@laurel/titles';
import { newFinding, type CheckOptions, type CheckResult, type Finding } from './finding.js';
import { plural } from '../terminal.js';
import { tierDifference, tierRecordsOf, titleOfTier, type TierDifference } from './tiers.js';
import type { AuditWorld } from './world.js';

/** A transaction's end reaches the two topics one after the other, within this, in ms. */
const BETWEEN_LOOKS_MS = 1000;

/** So many records in a transaction, which are one batch. */
const RECORDS_AT_ONCE = 500;

interface AwardLog {
  readonly awards: number;
  readonly fold: AwardFold;
  /** Titles whose awards contradict each other, and records that are no awards, with what is wrong; nothing is said of their holders. */
  readonly broken: ReadonlyMap<string, string>;
}

/** What subscribers of the compacted topics see must be the fold of the awards. */
export async function checkHolders(world: AuditWorld, { heal }: CheckOptions): Promise<CheckResult> {
  const first = await look(world);
  let { log, differing, tiers } = first;
  if (differing.size > 0 || tiers.size > 0) {
    // It counts only where no award came meanwhile.
    await sleep(BETWEEN_LOOKS_MS);
    const again = await look(world);
    const isSame = (key: string): boolean =>
      first.log.fold.states.get(key)?.ordinal === again.log.fold.states.get(key)?.ordinal;
    differing = new Map([...again.differing].filter(([key]) => first.differing.has(key) && isSame(key)));
    tiers = new Map([...again.tiers].filter(([key]) => first.tiers.has(key) && isSame(titleOfTier(key))));
    log = again.log;
  }
  const asOf = `${plural(log.awards, 'award')} of ${world.topic('titleAwards')}`;
  const findings: Finding[] = [...log.broken].map(([key, fault]) =>
    newFinding({
      check: 'holders',
      code: 'award_log_broken',
      at: key,
      message: `${fault}; title-awarder halts on it, and no command mends it`,
      asOf,
      healable: false,
    }),
  );
  const holders = [...differing].map(([key, expected]) => ({
    key,
    finding: newFinding({
      check: 'holders',
      code: 'holders_differ',
      at: key,
      message: `${world.topic('titleHolders')} does not say that ${expected === null ? 'nobody holds it' : `${expected.holders.map(({ user_id }) => user_id).join(', ')} holds it`}`,
      asOf: `${asOf}, ordinal ${log.fold.states.get(key)?.ordinal ?? 0}`,
      healable: log.broken.size === 0,
    }),
  }));
  const people = new Map<string, number>();
  for (const key of tiers.keys()) people.set(titleOfTier(key), (people.get(titleOfTier(key)) ?? 0) + 1);
  const tiered = [...people].map(([title, count]) => ({
    title,
    finding: newFinding({
      check: 'holders',
      code: 'tiers_differ',
      at: title,
      message: `${world.topic('titleTiers')} does not say which tier ${plural(count, 'person', 'people')} have`,
      asOf: `${asOf}, ordinal ${log.fold.states.get(title)?.ordinal ?? 0}`,
      healable: log.broken.size === 0,
    }),
  }));
  findings.push(...holders.map(({ finding }) => finding), ...tiered.map(({ finding }) => finding));
  if (heal && holders.length + tiered.length > 0 && log.broken.size === 0) {
    await world.attempt('writing holders', () => rewrite(world));
    const left = await look(world);
    const leftTiers = new Set([...left.tiers.keys()].map(titleOfTier));
    for (const { key, finding } of holders) finding.healed = !left.differing.has(key);
    for (const { title, finding } of tiered) finding.healed = !leftTiers.has(title);
  }
  const { states } = log.fold;
  return {
    compared: `${plural(log.awards, 'award')}, ${plural(states.size, 'title')}`,
    counts: { awards: log.awards, titles: states.size },
    asOf,
    findings,
    notes: [],
  };
}

interface Look {
  readonly log: AwardLog;
  readonly differing: ReadonlyMap<string, TitleHolders | null>;
  readonly tiers: TierDifference;
}

async function look(world: AuditWorld): Promise<Look> {
  return world.attempt('reading awards', async () => {
    const log = await readAwards(world);
    const tiers = await tierDifference(world, log.fold.tiers);
    return {
      log,
      differing: difference(log, await readHolders(world)),
      tiers: new Map([...tiers].filter(([key]) => !log.broken.has(titleOfTier(key)))),
    };
  });
}

async function readAwards(world: AuditWorld): Promise<AwardLog> {
  const fold = new AwardFold();
  const broken = new Map<string, string>();
  let awards = 0;
  await readToEnd(world.kafka, {
    topic: world.topic('titleAwards'),
    groupPrefix: `${world.options.topicPrefix}laurel-audit-`,
    onRecord: ({ value, offset }) => {
      if (value === null) return;
      const event = decoded(value);
      if (event === undefined) {
        broken.set(`offset ${offset}`, 'unreadable: the record is no award event');
        return;
      }
      const key = titleKey({ titleId: event.title_id, scope: event.scope });
      awards += 1;
      if (broken.has(key)) return;
      try {
        fold.take(event);
      } catch (error) {
        if (!(error instanceof AwardLogError)) throw error;
        broken.set(key, `${error.code}: ${error.message}`);
      }
    },
  });
  return { awards, fold, broken };
}

function decoded(value: Uint8Array): AwardEvent | undefined {
  try {
    return awardEvent.decode(value);
  } catch {
    return undefined;
  }
}

/** The latest of each key; null where it is a tombstone. */
async function readHolders(world: AuditWorld): Promise<ReadonlyMap<string, Uint8Array | null>> {
  const latest = new Map<string, Uint8Array | null>();
  await readToEnd(world.kafka, {
    topic: world.topic('titleHolders'),
    groupPrefix: `${world.options.topicPrefix}laurel-audit-`,
    onRecord: ({ key, value }) => {
      latest.set(Buffer.from(key ?? []).toString(), value);
    },
  });
  return latest;
}

/** Which titles say something else than the fold, with what they are to say. */
function difference(
  { fold: { states }, broken }: AwardLog,
  shown: ReadonlyMap<string, Uint8Array | null>,
): ReadonlyMap<string, TitleHolders | null> {
  const differing = new Map<string, TitleHolders | null>();
  for (const key of new Set([...states.keys(), ...shown.keys()])) {
    if (broken.has(key)) continue;
    const state = states.get(key);
    const expected = state === undefined ? null : holdersOf(state);
    if (!isSame(shown.get(key) ?? null, expected)) differing.set(key, expected);
  }
  return differing;
}

function isSame(value: Uint8Array | null, expected: TitleHolders | null): boolean {
  if (value === null || expected === null) return value === expected;
  try {
    // Decoded records are of classes of their own; a clone is a plain object.
    return isDeepStrictEqual(structuredClone(titleHolders.decode(value)), expected);
  } catch {
    return false;
  }
}

/**
 * Writes what differs under the awarder's own transactional id. That fences it, so nothing changes between the fold and
 * the writing; it then claims the id anew and folds again.
 */
async function rewrite(world: AuditWorld): Promise<void> {
  const { topicPrefix } = world.options;
  const writer = await FencedWriter.claim(world.kafka, `${topicPrefix}laurel-title-awarder`, topicPrefix);
  try {
    const log = await readAwards(world);
    const records: OutgoingRecord[] = [...difference(log, await readHolders(world))].map(([key, holders]) => ({
      key,
      value: holders === null ? null : titleHolders.encode(holders),
    }));
    if (records.length > 0) await writer.write({ [topics.titleHolders.name]: records });
    const tiers = tierRecordsOf(await tierDifference(world, log.fold.tiers));
    for (let at = 0; at < tiers.length; at += RECORDS_AT_ONCE) {
      await writer.write({ [topics.titleTiers.name]: tiers.slice(at, at + RECORDS_AT_ONCE) });
    }
  } finally {
    await writer.close().catch(() => undefined);
  }
}
