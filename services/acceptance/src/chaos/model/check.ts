import { eventually } from '../../pipeline/eventually.js';
import type { Monitor } from '../monitor.js';
import type { Publishers } from '../traffic/publishers.js';
import type { World } from '../world/world.js';
import { compareDeadLetters } from './dead-letters.js';
import { Comparison, type CheckResult } from './differences.js';
import { readLog } from './log.js';
import { compareEvents, compareProjections } from './tables.js';
import { compareTitles, isSameDay } from './titles.js';

/** What was compared with the reference model, and the figures of it that a report gives. */
export interface Verdict {
  readonly checks: readonly CheckResult[];
  readonly records: number;
  readonly events: number;
  readonly partitions: number;
  readonly gaps: number;
  readonly published: { readonly acknowledged: number; readonly aborted: number; readonly resent: number };
  /** Records of events that the log has already. */
  readonly duplicatesInLog: number;
  /** Rows that were written again, as their batch was repeated. */
  readonly rowsRepeated: number;
  readonly invalid: number;
  readonly deadLetters: number;
  readonly awards: number;
}

/**
 * Everything downstream against the reference model's fold of the log. Nobody publishes any more.
 *
 * @throws Error when the pipeline doesn't come to rest within `settleMs`.
 */
export async function verify(
  world: World,
  publishers: Publishers,
  monitor: Monitor,
  settleMs: number,
  onProgress: (line: string) => void,
): Promise<Verdict> {
  const lag = new Comparison('every group has committed all there is');
  onProgress('waiting until every group has committed all there is …');
  const atRest = await settled(monitor, settleMs);
  for (const [service, records] of Object.entries(atRest))
    lag.add(records > 0 && `${service} lacks ${records} records`);

  onProgress('reading the log …');
  const log = await readLog(world, publishers);
  onProgress(`comparing ${log.valid} records of valid events …`);
  const nowMs = Date.now();
  const model = await compareEvents(world, log.spool);
  const projections = await compareProjections(world, model.totals);
  const letters = await compareDeadLetters(world, log.dead);
  const titles = await compareTitles(world, model.totals, nowMs);
  if (!isSameDay(nowMs, Date.now())) onProgress('a day has begun meanwhile: the titles’ windows have moved');
  const rowsWritten = world.instances.reduce((sum, { http }) => sum + http.rowsWritten, 0);
  const { book } = publishers;
  return {
    checks: [lag.result, ...log.checks, ...model.checks, ...projections, ...letters.checks, ...titles.checks],
    records: log.records,
    events: model.identities,
    partitions: log.partitions,
    gaps: log.gaps,
    published: { acknowledged: book.count(1), aborted: book.count(2), resent: publishers.resent },
    duplicatesInLog: log.valid - model.identities,
    rowsRepeated: Math.max(0, rowsWritten - log.valid),
    invalid: log.dead.size,
    deadLetters: letters.written,
    awards: titles.awards,
  };
}

/** Twice in a row, as what one group does is work for the next. */
async function settled(monitor: Monitor, timeoutMs: number): Promise<Readonly<Record<string, number>>> {
  let calm = 0;
  let last: Readonly<Record<string, number>> = {};
  await eventually(
    'the pipeline to come to rest',
    async () => {
      const lags = await monitor.readLags().catch(() => undefined);
      if (lags === undefined) return undefined;
      last = lags;
      calm = Object.values(lags).every((lag) => lag === 0) ? calm + 1 : 0;
      await new Promise((resolve) => setTimeout(resolve, 500));
      return calm >= 6;
    },
    { timeoutMs },
  ).catch(() => undefined);
  return last;
}
