import { setTimeout as sleep } from 'node:timers/promises';
import { NotBitten, type Fault, type Scene, type Target } from './faults/fault.js';
import type { Consumer, Lags, Monitor } from './monitor.js';
import type { Random } from './random.js';

/** One time that a fault was injected. */
export interface FaultRecord {
  readonly fault: Fault;
  readonly atMs: number;
  readonly tookMs: number;
  /** What shows that it has bitten. */
  readonly bite?: string;
  /** Why it has not. */
  readonly miss?: string;
  /** From its end until hardly any record waited; undefined when that took too long, or wasn't waited for. */
  readonly recoveryMs?: number;
}

export interface ScheduleOptions {
  readonly faults: readonly Fault[];
  /** No fault begins after this … */
  readonly untilMs: number;
  /** … but those of so many rounds, and then those that have not bitten in one of these. */
  readonly rounds: number;
  /** So many injections; as many as there is time for without it. */
  readonly times?: number;
  /** So many at once, each on another target. */
  readonly atOnce: number;
  /** What may wait when a fault counts as recovered. */
  readonly calm: Lags;
  /** How long recovery is waited for. */
  readonly recoveryMs: number;
  /** The next fault on the same target begins after this, recovered or not. */
  readonly pauseMs: number;
  readonly signal?: AbortSignal;
  readonly onRecord: (record: FaultRecord) => void;
}

const TRIES = 3;
/** A fault that hasn't bitten in its tries gets its turn again after all others, at most so often. */
const TURNS_MORE = 2;

/**
 * Every fault in turn, in an order that the seed decides and that is another one in each round; those on different targets
 * overlap. One that hasn't bitten is tried again, at once and then after all others.
 */
export async function runSchedule(
  scene: Scene,
  monitor: Monitor,
  random: Random,
  options: ScheduleOptions,
): Promise<readonly FaultRecord[]> {
  const { faults, untilMs, rounds, times = Infinity, atOnce, onRecord } = options;
  const records: FaultRecord[] = [];
  const recoveries: Promise<void>[] = [];
  const busy = new Set<Target>();
  let queue: Fault[] = [];
  let round = 0;
  let taken = 0;
  const missed: Fault[] = [];
  const take = (): Fault | undefined | 'wait' => {
    if (taken >= times || options.signal?.aborted === true) return undefined;
    const isEnough = queue.length === 0 ? round >= rounds : round > rounds;
    const isOver = isEnough && Date.now() > untilMs;
    if (isOver && missed.length === 0) return undefined;
    if (!isOver && queue.length === 0) {
      queue = random.fork(`round ${round}`).shuffled(faults);
      round += 1;
    }
    const turns = isOver ? missed : queue;
    const index = turns.findIndex(({ target }) => !busy.has(target));
    if (index < 0) return 'wait';
    taken += 1;
    return turns.splice(index, 1)[0];
  };
  const worker = async (): Promise<void> => {
    for (;;) {
      const fault = take();
      if (fault === undefined) return;
      if (fault === 'wait') {
        await sleep(100);
        continue;
      }
      busy.add(fault.target);
      const injected = await injectOne(fault, scene);
      const misses = 1 + records.filter((one) => one.fault === fault && one.bite === undefined).length;
      if (injected.bite === undefined && rounds > 0 && misses <= TURNS_MORE) missed.push(fault);
      const recovered = recoveryOf(injected, monitor, options).then((record) => {
        records.push(record);
        onRecord(record);
      });
      recoveries.push(recovered);
      await Promise.race([recovered, sleep(options.pauseMs)]);
      busy.delete(fault.target);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  await Promise.all(recoveries);
  return records;
}

async function injectOne(fault: Fault, scene: Scene): Promise<FaultRecord> {
  const atMs = Date.now();
  let miss = '';
  for (let time = 1; time <= TRIES; time += 1) {
    try {
      const bite = await fault.inject(scene);
      return { fault, atMs, tookMs: Date.now() - atMs, bite };
    } catch (error) {
      // Anything else is a fault of the campaign's own, and reported as well.
      miss = error instanceof NotBitten ? error.message : String(error instanceof Error ? error.stack : error);
    }
  }
  return { fault, atMs, tookMs: Date.now() - atMs, miss };
}

async function recoveryOf(
  record: FaultRecord,
  monitor: Monitor,
  { calm, recoveryMs }: ScheduleOptions,
): Promise<FaultRecord> {
  const endedMs = Date.now();
  if (record.bite === undefined || recoveryMs === 0) return record;
  return (await isCalm(monitor, calm, recoveryMs)) ? { ...record, recoveryMs: Date.now() - endedMs } : record;
}

async function isCalm(monitor: Monitor, calm: Lags, patienceMs: number): Promise<boolean> {
  const deadline = Date.now() + patienceMs;
  while (Date.now() < deadline) {
    const { lags } = monitor;
    if (lags !== undefined && (Object.keys(calm) as Consumer[]).every((service) => lags[service] <= calm[service]))
      return true;
    await sleep(200);
  }
  return false;
}
