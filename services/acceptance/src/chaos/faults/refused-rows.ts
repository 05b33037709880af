import { clickHouseError } from '../proxies/http-proxy.js';
import { REFUSED_MARK } from '../traffic/record-book.js';
import type { World } from '../world/world.js';
import { asks } from './meet.js';

const refused = { count: 0 };
const isInsert = asks('INSERT INTO usage_events');

/**
 * For the whole campaign: an insert is refused whenever it holds a marked row, as a table with a type or constraint that
 * some rows don't meet would refuse it.
 */
export function refuseMarkedRows(world: World): void {
  const error = clickHouseError(53, 'TYPE_MISMATCH', 'Cannot convert a value of the block to the column’s type');
  for (const { http } of world.of('usage-ingest')) {
    http.on(
      (exchange) => isInsert(exchange) && exchange.body.includes(REFUSED_MARK),
      (exchange) => {
        refused.count += 1;
        exchange.answer(error);
        return Promise.resolve();
      },
    );
  }
}

/** How many inserts were refused so far. */
export const refusedInserts = (): number => refused.count;
