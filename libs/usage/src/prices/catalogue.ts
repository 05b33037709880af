import { DATASET, datasetSchedule } from './dataset.js';
import type { PriceFile } from './price-file.js';
import { FIRST_DAY, followedBy, pairKey, type Schedule } from './schedule.js';

/** All prices that are known: those of the data set, and a file's over them. */
export class PriceCatalogue {
  /** What the prices follow, as the rows say that were written by it. */
  readonly revision: string;

  /** @param file the name under which it is told, as `prices.yaml`. */
  constructor(private readonly own?: { readonly name: string; readonly file: PriceFile }) {
    this.revision = own === undefined ? DATASET : `${DATASET}, ${own.name}`;
  }

  /** The prices of a model through time, by provider and model as events carry them. */
  scheduleOf(provider: string, model: string): Schedule {
    const { providers, prices } = this.own?.file ?? {};
    const known = datasetSchedule(providers?.get(provider.trim().toLowerCase()) ?? provider, model);
    return (prices?.get(pairKey(provider, model)) ?? []).reduce<Schedule>(
      (schedule, { from, price }) => followedBy(schedule, from, [{ from: FIRST_DAY, price }]),
      known,
    );
  }
}
