import type { ClickHouseClient } from '@clickhouse/client';
import {
  factsByScope,
  isEligible,
  scopeOfPart,
  tierAfter,
  tierLevels,
  type Peers,
  type Scope,
  type Standing,
  type TierBook,
  type TieredRule,
  type TierFigures,
  type TierLevel,
} from '@laurel/titles';
import type { Window } from '@laurel/usage';
import type { Statement } from '../projections.js';
import { asksFamilies, type Alias } from './candidates.js';
import { windowFacts } from './facts.js';
import { aliasesOf, measureIn } from './standings.js';
import { BUCKETS, tierPeers, tierZones, type BucketRow, type PeersRow, type ZoneTuple } from './tier-statements.js';

/** Somebody who may reach or lose a tier. */
export interface TierCandidate {
  readonly userId: string;
  readonly scope: Scope;
  /** Their competition rank there; 0 for whoever is not eligible there. */
  readonly rank: number;
}

/** One title's people, as far as they are known. */
interface Known {
  readonly rule: TieredRule;
  /** By bucket: of a reading that has shown nobody whose tier would change; 0 without one. */
  readonly hashes: number[];
  /** By bucket: who may have a tier, or had one. */
  readonly members: (readonly string[])[];
  /** Had a tier at the first reading, and were in no bucket. */
  readonly absent: Set<string>;
}

/**
 * Finds those whose tier may change, by one query a title and tick: everybody's zone is computed in ClickHouse and compared there, by
 * buckets of people, with what was known; of a bucket that is the same nobody is sent. It selects people, it does not judge them:
 * that is `decideTiers`, by figures that `tierFigures` reads.
 *
 * A bucket is known only when a reading of it has shown nobody whose tier would change. So what was not decided, be it for an error or
 * as there were too many, is found again. A fresh one looks at everybody.
 */
export class TierReader {
  private readonly titles = new Map<string, Known>();

  /** @param book who has which tier now. */
  async candidates(
    client: ClickHouseClient,
    rule: TieredRule,
    window: Window,
    book: TierBook,
  ): Promise<readonly TierCandidate[]> {
    const before = this.titles.get(rule.id);
    const known = before?.rule === rule ? before : nothingKnown(rule);
    const rows = await readRows<BucketRow>(client, rule, window, (aliases) =>
      tierZones(rule, window, aliases, known.hashes),
    );
    const changed = rows.filter(({ bucket, hash }) => hash !== known.hashes[bucket]);
    if (known !== before) {
      const present = new Set(changed.flatMap(({ people }) => people.map(([userId]) => userId)));
      for (const { userId } of book.of(rule.id)) if (!present.has(userId)) known.absent.add(userId);
    }
    this.titles.set(rule.id, known);
    const there = new Set(rows.map(({ bucket }) => bucket));
    const emptied = known.members.flatMap((members, bucket) =>
      members.length > 0 && !there.has(bucket) ? [{ bucket, hash: 0, people: [] }] : [],
    );
    return [
      ...[...changed, ...emptied].flatMap((row) => changesInBucket(known, row, book)),
      ...changesOfAbsent(known, changed, book),
    ];
  }
}

const nothingKnown = (rule: TieredRule): Known => ({
  rule,
  hashes: Array.from({ length: BUCKETS }, () => 0),
  members: Array.from({ length: BUCKETS }, () => []),
  absent: new Set(),
});

function changesInBucket(known: Known, { bucket, hash, people }: BucketRow, book: TierBook): readonly TierCandidate[] {
  const zones = new Map<string, ZoneTuple[]>();
  for (const zone of people) {
    const own = zones.get(zone[0]);
    if (own === undefined) zones.set(zone[0], [zone]);
    else own.push(zone);
  }
  const members = new Set([...(known.members[bucket] ?? []), ...zones.keys()]);
  const levels = tierLevels(known.rule.tiers, { people: 0, thresholds: [] });
  const found = [...members].flatMap((userId) => changesOf(known.rule, levels, userId, zones.get(userId) ?? [], book));
  known.hashes[bucket] = found.length === 0 ? hash : 0;
  known.members[bucket] = [...(found.length === 0 ? zones.keys() : members)];
  return found;
}

function changesOfAbsent(known: Known, changed: readonly BucketRow[], book: TierBook): readonly TierCandidate[] {
  if (known.absent.size === 0) return [];
  for (const { people } of changed) for (const [userId] of people) known.absent.delete(userId);
  return [...known.absent].flatMap((userId) => {
    const found = changesOf(known.rule, [], userId, [], book);
    if (found.length === 0) known.absent.delete(userId);
    return found;
  });
}

/** In each scope in which they stand or have a tier. */
function changesOf(
  rule: TieredRule,
  levels: readonly TierLevel[],
  userId: string,
  zones: readonly ZoneTuple[],
  book: TierBook,
): readonly TierCandidate[] {
  const held = book.heldBy(rule.id, userId);
  const stands = zones.map(([, part, rank, ...bounds]) => ({ scope: scopeOfPart(rule, part), rank, bounds }));
  const changed = stands.filter(({ scope, bounds }) => {
    const tier = held.find((one) => one.scope === scope)?.tier ?? null;
    const [reachedLeast, keptLeast, reachedMost, keptMost] = bounds;
    return (
      tierAfter(levels, { reached: reachedLeast, kept: keptLeast }, tier) !== tier ||
      tierAfter(levels, { reached: reachedMost, kept: keptMost }, tier) !== tier
    );
  });
  const left = held.filter(({ scope }) => !stands.some((one) => one.scope === scope));
  return [
    ...changed.map(({ scope, rank }) => ({ userId, scope, rank })),
    ...left.map(({ scope }) => ({ userId, scope: scope as Scope, rank: 0 })),
  ];
}

/** People whose figures are to be read at once: each one's days by model are some tens of kilobytes. */
export const PEOPLE_AT_ONCE = 250;

export function* inParts<T>(all: readonly T[], size: number): Iterable<readonly T[]> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size);
}

/**
 * The figures of some people, by scope, judged by the metric's own definition.
 *
 * @param candidates `PEOPLE_AT_ONCE` at the most.
 */
export async function tierFigures(
  client: ClickHouseClient,
  rule: TieredRule,
  window: Window,
  candidates: readonly TierCandidate[],
): Promise<readonly TierFigures[]> {
  const users = [...new Set(candidates.map(({ userId }) => userId))];
  const [facts, peers] = await Promise.all([
    windowFacts(client, rule, users, window),
    rule.tiers.by === 'value' ? new Map<Scope, Peers>() : titlePeers(client, rule, window),
  ]);
  const byScope = factsByScope(rule, facts);
  return [...new Set(candidates.map(({ scope }) => scope))].map((scope) => {
    const measurements = new Map(measureIn(rule, facts, scope).map((one) => [one.userId, one]));
    const there = new Set(byScope.get(scope)?.people.map((person) => person.userId));
    const standings = candidates
      .filter((candidate) => candidate.scope === scope)
      .map(({ userId, rank }): Standing => {
        const own = measurements.get(userId);
        if (own === undefined) return { userId, value: 0, evidence: {}, eligible: false, rank: 0 };
        const { value, volume, evidence } = own;
        // Figures may have changed since the candidates were found; who became eligible meanwhile is so at the next tick.
        const eligible = rank > 0 && there.has(userId) && isEligible(rule.eligibility, value, volume);
        return { userId, value, evidence, eligible, rank: eligible ? rank : 0 };
      });
    return { scope, peers: peers.get(scope) ?? { people: 0, thresholds: [] }, standings };
  });
}

/** The eligible people of each scope, as tiers for the best of them are measured by. */
export async function titlePeers(
  client: ClickHouseClient,
  rule: TieredRule,
  window: Window,
): Promise<ReadonlyMap<Scope, Peers>> {
  const rows = await readRows<PeersRow>(client, rule, window, (aliases) => tierPeers(rule, window, aliases));
  return new Map(rows.map(({ part, people, thresholds }) => [scopeOfPart(rule, part), { people, thresholds }]));
}

async function readRows<Row>(
  client: ClickHouseClient,
  rule: TieredRule,
  window: Window,
  statementOf: (aliases: readonly Alias[]) => Statement,
): Promise<readonly Row[]> {
  const { query, query_params } = statementOf(asksFamilies(rule) ? await aliasesOf(client, window) : []);
  const result = await client.query({ query, query_params: { ...query_params }, format: 'JSONEachRow' });
  return result.json<Row>();
}
