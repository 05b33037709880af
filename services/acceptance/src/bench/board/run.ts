import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { ClickHouseClient } from '@laurel/clickhouse';
import { awardEvent, topics } from '@laurel/events';
import { eventually } from '../../pipeline/eventually.js';
import { ServiceProcess } from '../../pipeline/service-process.js';
import type { BenchStack } from '../bench-stack.js';
import { setUp } from '../ingest/laurel.js';
import { CpuMeter, peakMiBOf, type Cost } from '../processes.js';
import { percentile } from '../statistics.js';
import { companyOf, REPORTED, writeCalls, writeCompany, type CompanyShape } from './company.js';

const LAUREL = fileURLToPath(new URL('../../../../cli/dist/main.js', import.meta.url));
const run = promisify(execFile);

const REQUESTS = 200;
const REQUESTS_ON_HOURS = 10;
/** Of windows of 8 days to 28. */
const REQUESTS_UNKNOWN = 20;

const MINUTE_MS = 60_000;
const PREFIX = 'board.';
const DATABASE = 'board_run';

/** Times of one request, in ms. */
export interface Latency {
  readonly what: string;
  readonly requests: number;
  /** Of the very first one, of which nothing was in the API's memory. */
  readonly first: number;
  readonly p50: number;
  readonly p95: number;
  readonly most: number;
}

export interface BoardOptions {
  /** Of the reported company. */
  readonly scale: number;
  /** A month's simulation is given up after so long. */
  readonly simulationMinutes: number;
}

export interface BoardRun extends BoardOptions {
  readonly company: CompanyShape;
  readonly latencies: readonly Latency[];
  /** All titles evaluated once, from the start of title-awarder to its first awards. */
  readonly titles: Cost;
  /** Looks at all titles after that, each when so many `callers` have used something since the last one. */
  readonly ticks: readonly Cost[];
  readonly callers: number;
  /** Most memory of title-awarder. */
  readonly awarderMiB: number;
  /** `laurel titles simulate` over these days, each hour; without the command's own CPU seconds; null when it took too long. */
  readonly simulation: Cost | null;
}

/** The API's pages and the titles at the size of the reported company, or a part of it. */
export async function benchBoard(
  stack: BenchStack,
  { scale, simulationMinutes }: BoardOptions,
  onProgress: (line: string) => void,
): Promise<BoardRun> {
  const company = companyOf(scale);
  return stack.inDatabase(DATABASE, async (client) => {
    const environment = stack.environment(PREFIX, DATABASE);
    await setUp(environment);
    await writeCompany(client, company, Date.now(), onProgress);
    const titles = await evaluateTitles(stack, client, environment, company);
    onProgress('simulating a month …');
    const simulation = await simulateMonth(stack, environment, simulationMinutes);
    const api = await ServiceProcess.start('api', environment);
    try {
      const latencies: Latency[] = [];
      for (const [what, path, requests = REQUESTS] of PAGES) {
        latencies.push(
          await timed(what, requests, async (request) => {
            const answer = await fetch(`${api.url}${path(request, company)}`);
            if (!answer.ok) throw new Error(`${what}: ${answer.status} ${await answer.text()}`);
            await answer.arrayBuffer();
          }),
        );
        onProgress(JSON.stringify(latencies.at(-1)));
      }
      for (const [what, query] of ON_HOURS) {
        latencies.push(await timed(what, REQUESTS_ON_HOURS, () => read(client, query)));
        onProgress(JSON.stringify(latencies.at(-1)));
      }
      return { scale, simulationMinutes, company, latencies, ...titles, simulation };
    } finally {
      await api.end('SIGTERM');
    }
  });
}

const someone = (request: number, { people }: CompanyShape): string =>
  `u-${String(1 + ((request * 7919) % people)).padStart(6, '0')}`;

const PAGES: readonly (readonly [
  what: string,
  path: (request: number, company: CompanyShape) => string,
  requests?: number,
])[] = [
  ['top 250 of 30 days', () => '/v1/leaderboards/total_tokens?window=30d&limit=250'],
  ['top 250 of 7 days', () => '/v1/leaderboards/total_tokens?window=7d&limit=250'],
  ['top 250 of a team', (request) => `/v1/leaderboards/total_tokens?scope=team:team-${request % 50}&limit=250`],
  [
    'own rank, beside the top 10',
    (request, company) => `/v1/leaderboards/total_tokens?window=30d&limit=10&user=${someone(request, company)}`,
  ],
  ['a person: rank, history, models', (request, company) => `/v1/users/${someone(request, company)}`],
  ['models of 30 days', () => '/v1/models?window=30d'],
  ['titles and their holders', () => '/v1/titles'],
  [
    'top 250 of a window that nobody asked for',
    (request) => `/v1/leaderboards/total_tokens?window=${request + 8}d&limit=250`,
    REQUESTS_UNKNOWN,
  ],
];

/** What the same would take without days. */
const ON_HOURS = [
  [
    'top 250 on hourly rows (SQL alone)',
    `SELECT user_id, sum(input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens + cache_write_tokens + output_tokens) AS value
      FROM usage WHERE toDate(hour) > today() - 30 GROUP BY user_id ORDER BY value DESC, user_id LIMIT 250`,
  ],
  [
    'models on hourly rows (SQL alone)',
    `SELECT provider, model, uniqExact(user_id), sum(input_tokens + cache_read_tokens + output_tokens) AS value
      FROM usage WHERE toDate(hour) > today() - 30 GROUP BY provider, model ORDER BY value DESC`,
  ],
] as const;

async function read(client: ClickHouseClient, query: string): Promise<void> {
  await (await client.query({ query, format: 'JSONEachRow' })).text();
}

async function timed(what: string, requests: number, ask: (request: number) => Promise<void>): Promise<Latency> {
  const beforeFirst = performance.now();
  await ask(0);
  const first = performance.now() - beforeFirst;
  const took: number[] = [];
  for (let request = 1; request <= requests; request += 1) {
    const began = performance.now();
    await ask(request);
    took.push(performance.now() - began);
  }
  return { what, requests, first, p50: percentile(took, 50), p95: percentile(took, 95), most: Math.max(...took) };
}

async function evaluateTitles(
  stack: BenchStack,
  client: ClickHouseClient,
  environment: NodeJS.ProcessEnv,
  company: CompanyShape,
): Promise<Pick<BoardRun, 'titles' | 'ticks' | 'callers' | 'awarderMiB'>> {
  const meter = new CpuMeter({ clickhouse: stack.pids.clickhouse });
  const awarder = await ServiceProcess.start('title-awarder', { ...environment, LAUREL_AWARDER_TICK_MS: '1000' });
  const consumer = stack.kafka.consumer({ groupId: `${PREFIX}bench-${Date.now()}` });
  try {
    await consumer.connect();
    await consumer.subscribe({ topic: PREFIX + topics.titleAwards.name, fromBeginning: true });
    const held = new Set<string>();
    await new Promise<void>((resolve, reject) => {
      consumer
        .run({
          eachMessage: ({ message: { value } }) => {
            if (value !== null) held.add(awardEvent.decode(value).title_id);
            if (held.size === TITLES) resolve();
            return Promise.resolve();
          },
        })
        .catch(reject);
    });
    const titles = meter.stop({ 'title-awarder': awarder.pid });
    const callers = Math.round(CALLERS * (company.people / REPORTED.people));
    const ticks: Cost[] = [];
    const nowMs = Date.now();
    for (let tick = 1; tick <= TICKS; tick += 1) {
      await nextTick(awarder, 'unchanged');
      const ofTick = new CpuMeter({ clickhouse: stack.pids.clickhouse, 'title-awarder': awarder.pid });
      await nextTick(awarder, 'evaluated', () => writeCalls(client, company, nowMs, { callers: tick * callers, tick }));
      ticks.push(ofTick.stop());
    }
    return { titles, ticks, callers, awarderMiB: peakMiBOf(awarder.pid) };
  } finally {
    await consumer.disconnect();
    await awarder.end('SIGTERM');
  }
}

/**
 * Resolves when one has ended with this result.
 *
 * @param after what is done first, and seen by it.
 */
async function nextTick(
  awarder: ServiceProcess,
  result: 'evaluated' | 'unchanged',
  after: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const seen = (): Promise<number> => awarder.metric('laurel_title_ticks_total', `result="${result}"`);
  const before = await seen();
  await after();
  await eventually(`a tick that ends ${result}`, async () => {
    // Seldom: to be asked is work, too, and counts.
    await sleep(200);
    return (await seen()) > before;
  });
}

async function simulateMonth(
  stack: BenchStack,
  environment: NodeJS.ProcessEnv,
  mostMinutes: number,
): Promise<Cost | null> {
  const meter = new CpuMeter({ clickhouse: stack.pids.clickhouse });
  const env = { ...process.env, ...environment };
  const signal = AbortSignal.timeout(mostMinutes * MINUTE_MS);
  try {
    await run(process.execPath, [LAUREL, 'titles', 'simulate', '--json'], { env, maxBuffer: 2 ** 26, signal });
    return meter.stop();
  } catch (error) {
    if (!signal.aborted) throw error;
    return null;
  }
}

/** Those that Laurel brings. */
const TITLES = 6;

const TICKS = 10;
/**
 * Of the reported company, between two ticks: its tokens come to some 400 calls a second, day and night, so that 2,000 are made in the
 * default 5 s.
 */
const CALLERS = 2000;
