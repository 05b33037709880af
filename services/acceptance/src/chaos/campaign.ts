import { cpus, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from './faults/fault.js';
import { refuseMarkedRows } from './faults/refused-rows.js';
import { verify, type Verdict } from './model/check.js';
import { Comparison, type CheckResult } from './model/differences.js';
import { LiveReader } from './model/live-reader.js';
import { Monitor, type Lags } from './monitor.js';
import type { Part } from './parts/part.js';
import { Random } from './random.js';
import { faultReports, memoryReport, spread, type PartReport, type Report } from './report.js';
import { runSchedule, type FaultRecord } from './schedule.js';
import { Publishers } from './traffic/publishers.js';
import { SETTINGS, World } from './world/world.js';

export interface CampaignOptions {
  readonly seed: number;
  /** How long faults go on at least; with `times` at most. */
  readonly minutes: number;
  /** How often each fault is injected at least, unless `times` says how many there are. */
  readonly rounds: number;
  /** Records a second, over all publishers. */
  readonly rate: number;
  readonly faults: readonly Fault[];
  /** So many injections; default as many as the time allows. */
  readonly times?: number;
  /** Faults at once, on different targets. */
  readonly atOnce: number;
  /** Longest wait for recovery after one fault, in ms. */
  readonly recoveryMs: number;
  /** Between two faults on one target, in ms; less where it has recovered before. */
  readonly pauseMs: number;
  /** Longest wait for rest at the end, in ms. */
  readonly settleMs: number;
  /** Run after the main run, on the same servers, each so many times. */
  readonly parts: readonly Part[];
  readonly partTimes: number;
  /** Modules that every service is started with: a mutation. */
  readonly imports?: readonly string[];
  readonly settings?: NodeJS.ProcessEnv;
  /** Where the services' logs are copied to at the end. */
  readonly logs?: string;
  readonly command: string;
  readonly onProgress: (line: string) => void;
  /** Ends it early and in order: what was done until then is compared. */
  readonly signal?: AbortSignal;
  /** After so long it is given up, in ms; whatever it waits for then should have come. Default never. */
  readonly limitMs?: number;
  /** How many faults may go without having bitten, for a machine that is too busy to meet each moment. Default 0. */
  readonly allowedMisses?: number;
}

const PROGRESS_EVERY_MS = 10_000;
/** Without faults, to know what usually waits. */
const WARM_UP_MS = 6000;

/** The main run, a whole Laurel under traffic and faults, then everything against the model; and the parts. */
export async function runCampaign(options: CampaignOptions): Promise<Report> {
  const { seed, onProgress } = options;
  const began = Date.now();
  const world = await World.create({
    name: 'chaos',
    instances: { 'usage-ingest': 2, 'usage-projector': 2, 'title-awarder': 2, api: 1 },
    imports: options.imports ?? [],
    settings: options.settings ?? {},
    onProgress,
  });
  const monitor = new Monitor(world);
  const run = async (): Promise<Report> => {
    const random = Random.of(seed);
    const main = options.faults.length > 0 || options.parts.length === 0;
    const { records, verdict } = main
      ? await runMain(options, world, monitor, random)
      : { records: [], verdict: undefined };
    await Promise.all(world.instances.map((instance) => instance.stop()));
    const parts: PartReport[] = [];
    for (const part of options.parts) {
      onProgress(`${part.name}, ${options.partTimes} times …`);
      parts.push(await runPart(part, options, world, random));
    }
    return report(options, began, world, monitor, records, verdict, parts);
  };
  try {
    return await (options.limitMs === undefined ? run() : within(options.limitMs, run()));
  } finally {
    await monitor.stop();
    if (options.logs !== undefined) world.keepLogs(options.logs);
    await world.close();
  }
}

/** @throws Error when the work is not done in time; it goes on, but nobody waits for it any more. */
async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  const inTime = new AbortController();
  const limit = sleep(limitMs, undefined, { signal: inTime.signal }).then(() => {
    throw new Error(`not over after ${Math.round(limitMs / 1000)} s`);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    inTime.abort();
  }
}

async function runMain(
  options: CampaignOptions,
  world: World,
  monitor: Monitor,
  random: Random,
): Promise<{ readonly records: readonly FaultRecord[]; readonly verdict: Verdict }> {
  const { minutes, rate, onProgress, signal, times } = options;
  refuseMarkedRows(world);
  onProgress('starting the services …');
  await Promise.all(world.instances.map((instance) => instance.start()));
  monitor.start();
  const publishers = await Publishers.start(world, random.fork('traffic'), rate);
  onProgress(`publishing ${rate} records a second`);
  const reader = new LiveReader(world);
  reader.start();
  const progress = setInterval(() => {
    const waiting = monitor.lags === undefined ? 'not known' : Object.values(monitor.lags).join(' + ');
    onProgress(`${publishers.book.size} records published, waiting: ${waiting}`);
  }, PROGRESS_EVERY_MS);
  try {
    const usual = await monitor.usual(WARM_UP_MS);
    const untilMs = Date.now() + minutes * 60_000;
    const scene = { world, publishers, random: random.fork('faults') };
    const records = await runSchedule(scene, monitor, random.fork('order'), {
      faults: options.faults,
      untilMs,
      rounds: options.rounds,
      ...(times === undefined ? {} : { times }),
      atOnce: options.atOnce,
      calm: calmOf(usual, rate),
      recoveryMs: options.recoveryMs,
      pauseMs: options.pauseMs,
      ...(signal === undefined ? {} : { signal }),
      onRecord: (record) => onProgress(faultLine(record)),
    });
    while (Date.now() < untilMs && signal?.aborted !== true && times === undefined) await sleep(200);
    await publishers.stop();
    const readiness = await compareReadiness(world);
    clearInterval(progress);
    const verdict = await verify(world, publishers, monitor, options.settleMs, onProgress);
    return { records, verdict: { ...verdict, checks: [readiness, ...verdict.checks, await reader.stop()] } };
  } finally {
    clearInterval(progress);
    await reader.stop();
    await monitor.stop();
  }
}

async function compareReadiness(world: World): Promise<CheckResult> {
  const comparison = new Comparison('every service is ready again after the last fault');
  const waits = world.instances.map(async (instance) => {
    const isReady = await instance.ready().then(
      () => true,
      () => false,
    );
    const says = isReady ? '' : await instance.readiness();
    comparison.add(!isReady && `${instance.name}: ${says}`);
  });
  await Promise.all(waits);
  return comparison.result;
}

/** Twice what usually waits, and never less than two seconds’ records. */
const calmOf = (usual: Lags, rate: number): Lags => ({
  'usage-ingest': Math.max(2 * rate, 2 * usual['usage-ingest']),
  'usage-projector': Math.max(400, 2 * usual['usage-projector']),
  'title-awarder': Math.max(60, 2 * usual['title-awarder']),
});

async function runPart(part: Part, options: CampaignOptions, world: World, random: Random): Promise<PartReport> {
  const { name, simulates } = part;
  try {
    const result = await part.run({ world, random: random.fork(name), times: options.partTimes });
    for (const bite of result.bites) options.onProgress(`${name}: ${bite}`);
    return { name, simulates, ...result };
  } catch (error) {
    const failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
    options.onProgress(`${name}: ${failure}`);
    return { name, simulates, bites: [], checks: [], failure };
  }
}

function faultLine({ fault, bite, miss, recoveryMs }: FaultRecord): string {
  const recovered = recoveryMs === undefined ? '' : `; recovered after ${(recoveryMs / 1000).toFixed(1)} s`;
  return bite === undefined ? `${fault.name}: NOT BITTEN, ${miss ?? ''}` : `${fault.name}: ${bite}${recovered}`;
}

function report(
  options: CampaignOptions,
  began: number,
  world: World,
  monitor: Monitor,
  records: readonly FaultRecord[],
  verdict: Verdict | undefined,
  parts: readonly PartReport[],
): Report {
  const faults = faultReports(records);
  // One that met no moment to bite got another turn, so that all have bitten as often as there were rounds.
  const wanted = options.rounds > 0 ? options.rounds : Infinity;
  const missed = faults.filter(({ bitten, injected }) => bitten < Math.min(injected, wanted));
  const checks = [...(verdict?.checks ?? []), ...parts.flatMap((part) => part.checks)];
  const failures = [
    ...checks.flatMap(({ name, differing }) => (differing > 0 ? [`${differing} differ: ${name}`] : [])),
    ...checks.flatMap(({ name, compared }) =>
      compared === 0 && !MAY_BE_EMPTY.has(name) ? [`nothing was compared: ${name}`] : [],
    ),
    ...(missed.length > (options.allowedMisses ?? 0)
      ? missed.map(({ name, bitten, injected }) => `${name} has bitten ${bitten} of ${injected} times`)
      : []),
    ...options.faults.flatMap(({ name }) =>
      faults.some((one) => one.name === name) ? [] : [`there was no time for ${name}`],
    ),
    ...parts.flatMap(({ name, failure }) => (failure === undefined ? [] : [`${name} could not be done: ${failure}`])),
    ...world.unaskedEnds.map(({ instance, status }) => `${instance} ended by itself with status ${status ?? '–'}`),
  ];
  return {
    command: options.command,
    seed: options.seed,
    startedAt: new Date(began).toISOString(),
    minutes: (Date.now() - began) / 60_000,
    settings: { ...SETTINGS, ...options.settings },
    machine: `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`,
    verdict: verdict ?? null,
    parts,
    faults,
    recoveryMs: spread(records.flatMap(({ recoveryMs }) => (recoveryMs === undefined ? [] : [recoveryMs]))),
    unaskedEnds: world.unaskedEnds,
    memory: memoryReport(monitor.memory),
    failures,
    passed: failures.length === 0,
  };
}

/** A short run may abort no transaction. */
const MAY_BE_EMPTY: ReadonlySet<string> = new Set(['no record of an aborted transaction is in the log']);
