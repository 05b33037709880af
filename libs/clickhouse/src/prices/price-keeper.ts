import type { ClickHouseClient } from '@clickhouse/client';
import { dayOf, FIRST_DAY, pairKey, revision, type Day, type Schedule } from '@laurel/usage';
import type { PriceCatalogue } from '@laurel/usage/price-list';
import { serverNowMs } from '../projections.js';
import { addPrices, pairsWithPrices, readPrices, type Pair } from './price-table.js';

/**
 * How far ahead a changed list takes effect, in days. An event may be dated 24 hours ahead of its record, so that nothing of a day that
 * far can have been rolled: no figure changes its price by itself.
 */
export const TAKES_EFFECT_IN_DAYS = 2;

/** Keeps `model_prices`, so that every model that is used has its prices there before its events are rolled. */
export class PriceKeeper {
  /** Those that the table has; what is in it once stays. */
  private known: Set<string> | undefined;

  constructor(
    private readonly client: ClickHouseClient,
    private readonly catalogue: PriceCatalogue,
  ) {}

  /**
   * Writes the prices of pairs that were never seen, from the first day on: what is not known now is written as such, and
   * so is not priced afterwards without anybody's doing. Resolves when they are visible.
   */
  async ensure(pairs: readonly Pair[]): Promise<void> {
    const isNew = (pair: Pair): boolean => this.known?.has(pairKey(pair.provider, pair.model)) !== true;
    if (!pairs.some(isNew)) return;
    // Another instance may have written it, by another list.
    this.known = await pairsWithPrices(this.client);
    const added = new Map(pairs.filter(isNew).map((pair) => [pairKey(pair.provider, pair.model), pair]));
    if (added.size === 0) return;
    const prices = [...added.values()].map(({ provider, model }) => ({
      provider,
      model,
      steps: this.catalogue.scheduleOf(provider, model),
    }));
    await addPrices(this.client, prices, this.catalogue.revision, await serverNowMs(this.client));
    for (const key of added.keys()) this.known.add(key);
  }

  /**
   * Takes a list that has changed into use, from a day on of which nothing was rolled yet.
   *
   * @returns the pairs whose prices will change, and from which day on.
   */
  async adopt(): Promise<{ readonly from: Day; readonly changed: readonly Pair[] }> {
    const nowMs = await serverNowMs(this.client);
    const from = (dayOf(nowMs) + TAKES_EFFECT_IN_DAYS) as Day;
    const changed = await changesOf(this.client, this.catalogue, from);
    await addPrices(this.client, changed, this.catalogue.revision, nowMs);
    return { from, changed };
  }
}

/** What the table would have to be told of a pair, to follow a list from a day on. */
export interface PriceChange extends Pair {
  readonly present: Schedule;
  readonly steps: Schedule;
}

/** Where the table and a list differ on any day from `from` on. */
export async function changesOf(
  client: ClickHouseClient,
  catalogue: PriceCatalogue,
  from: Day = FIRST_DAY,
): Promise<readonly PriceChange[]> {
  return [...(await readPrices(client)).values()].flatMap(({ provider, model, steps: present }) => {
    const steps = revision(present, catalogue.scheduleOf(provider, model), from);
    return steps.length === 0 ? [] : [{ provider, model, present, steps }];
  });
}
