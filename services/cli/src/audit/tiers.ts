import { isDeepStrictEqual } from 'node:util';
import { titleTier, type TitleTier } from '@laurel/events';
import { readToEnd, type OutgoingRecord } from '@laurel/kafka';
import { tierKey, titleKey, titleTierOf, type TierBook } from '@laurel/titles';
import type { AuditWorld } from './world.js';

/** By the keys of `titles.tiers.v1`, what they are to say; null where nothing. */
export type TierDifference = ReadonlyMap<string, TitleTier | null>;

/** Where `titles.tiers.v1` says something else than the fold of the awards. */
export async function tierDifference(world: AuditWorld, book: TierBook): Promise<TierDifference> {
  const shown = new Map<string, Uint8Array | null>();
  await readToEnd(world.kafka, {
    topic: world.topic('titleTiers'),
    groupPrefix: `${world.options.topicPrefix}laurel-audit-`,
    onRecord: ({ key, value }) => {
      shown.set(Buffer.from(key ?? []).toString(), value);
    },
  });
  const differing = new Map<string, TitleTier | null>();
  for (const titleId of new Set([...book.scopes()].map((title) => title.titleId))) {
    for (const held of book.of(titleId)) {
      const key = tierKey(held);
      const expected = titleTierOf(held);
      if (!isSame(shown.get(key) ?? null, expected)) differing.set(key, expected);
      shown.delete(key);
    }
  }
  for (const [key, value] of shown) if (value !== null) differing.set(key, null);
  return differing;
}

function isSame(value: Uint8Array | null, expected: TitleTier): boolean {
  try {
    return value !== null && isDeepStrictEqual(structuredClone(titleTier.decode(value)), expected);
  } catch {
    return false;
  }
}

/** The key of a title and scope that a key of `titles.tiers.v1` is of; the key itself where it is none of ours. */
export function titleOfTier(key: string): string {
  let parts: unknown;
  try {
    parts = JSON.parse(key);
  } catch {
    return key;
  }
  if (!Array.isArray(parts) || parts.length !== 3) return key;
  const [titleId, scope] = parts as readonly unknown[];
  return typeof titleId === 'string' && typeof scope === 'string' ? titleKey({ titleId, scope }) : key;
}

export const tierRecordsOf = (difference: TierDifference): readonly OutgoingRecord[] =>
  [...difference].map(([key, tier]) => ({ key, value: tier === null ? null : titleTier.encode(tier) }));
