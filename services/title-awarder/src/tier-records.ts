import { awardEvent, titleTier, topics, type AwardEvent } from '@laurel/events';
import type { OutgoingRecord } from '@laurel/kafka';
import { tierKey, titleKey, titleTierOf, type TierBook } from '@laurel/titles';

/** kafkajs sends what is for one partition in one batch, which the broker takes up to about 1 MB by default. */
const MAX_BATCH_BYTES = 256 * 1024;

/** Evidence is a few hundred bytes, but may hold the names of many models. */
export function* transactionsOf(awards: readonly AwardEvent[]): Iterable<readonly AwardEvent[]> {
  let batch: AwardEvent[] = [];
  let bytes = 0;
  for (const award of awards) {
    const own = awardEvent.encode(award).length;
    if (batch.length > 0 && bytes + own > MAX_BATCH_BYTES) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(award);
    bytes += own;
  }
  if (batch.length > 0) yield batch;
}

/** What is written for awards of tiers, each of another person or scope: themselves, and who has which tier by them. */
export function tierRecords(
  awards: readonly AwardEvent[],
  book: TierBook,
): Readonly<Record<string, readonly OutgoingRecord[]>> {
  const tiers = awards.flatMap((award): OutgoingRecord[] => {
    const change = book.changeBy(award);
    const person = change?.after ?? change?.before;
    if (person === undefined) return [];
    const value = change?.after === undefined ? null : titleTier.encode(titleTierOf(change.after));
    return [{ key: tierKey(person), value }];
  });
  return {
    [topics.titleAwards.name]: awards.map((award) => ({
      key: titleKey({ titleId: award.title_id, scope: award.scope }),
      value: awardEvent.encode(award),
    })),
    [topics.titleTiers.name]: tiers,
  };
}
