import { get, type IncomingMessage } from 'node:http';
import autocannon from 'autocannon';
import { ServiceProcess } from '../../pipeline/service-process.js';
import type { BenchStack } from '../bench-stack.js';
import { setUp } from '../ingest/laurel.js';
import { CpuMeter, peakMiBOf, type Cost } from '../processes.js';
import { companyOf, writeCompany } from './company.js';

const PREFIX = 'load.';
const DATABASE = 'load_run';
const CONNECTIONS = 50;

/** As browsers say by HTTPS; none says what it has already (If-None-Match), so that every answer is whole. */
const HEADERS = { 'accept-encoding': 'gzip, deflate, br' };

/** What is asked for, one after the other by each connection: mostly boards, as people do. */
const PATHS = [
  '/v1/leaderboards/total_tokens?limit=100',
  '/v1/leaderboards/total_tokens?window=7d&limit=100',
  '/v1/leaderboards/total_tokens?limit=250',
  '/v1/leaderboards/total_tokens?scope=team:team-7&limit=100',
  '/v1/models',
  '/v1/teams',
  '/v1/titles',
  '/v1/awards',
];

/** And after each time a board with the place of somebody, who is another one each time, of so many. */
const PLACES = 50;
const placeOf = (person: number): string =>
  `/v1/leaderboards/total_tokens?limit=100&user=u-${String(person).padStart(6, '0')}`;

export interface LoadOptions {
  /** Of the reported company. */
  readonly scale: number;
  /** Requests a second, over all connections. */
  readonly rate: number;
  readonly streams: number;
  readonly seconds: number;
}

export interface LoadRun extends LoadOptions {
  readonly people: number;
  readonly requests: number;
  /** Answers other than 200, and requests without one. */
  readonly failures: number;
  /** Latency in ms. */
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
  /** Streams that were open all the time and were told of something. */
  readonly streamsTold: number;
  readonly cost: Cost;
  readonly apiMiB: number;
}

/** Board reads at a steady rate while many follow the streams of standings and awards. */
export async function benchLoad(
  stack: BenchStack,
  options: LoadOptions,
  onProgress: (line: string) => void,
): Promise<LoadRun> {
  const { scale, rate, streams, seconds } = options;
  const company = companyOf(scale);
  return stack.inDatabase(DATABASE, async (client) => {
    const environment = stack.environment(PREFIX, DATABASE);
    await setUp(environment);
    await writeCompany(client, company, Date.now(), onProgress);
    const api = await ServiceProcess.start('api', environment);
    const followers: Follower[] = [];
    try {
      // Once each, so that what is dear to read and to pack is in memory, as it is in a service that runs.
      for (const path of [...PATHS, placeOf(1)]) {
        await (await fetch(api.url + path, { headers: HEADERS })).arrayBuffer();
      }
      for (let stream = 0; stream < streams; stream += 1) {
        const path = stream % 2 === 0 ? '/v1/leaderboards/total_tokens/stream' : '/v1/awards/stream';
        followers.push(await Follower.of(api.url + path));
      }
      onProgress(`${streams} streams are open; ${rate} requests/s for ${seconds} s …`);
      let place = 0;
      const meter = new CpuMeter({ ...stack.pids, api: api.pid, client: process.pid });
      const result = await autocannon({
        url: api.url,
        connections: CONNECTIONS,
        overallRate: rate,
        duration: seconds,
        requests: [
          ...PATHS.map((path) => ({ method: 'GET' as const, path, headers: HEADERS })),
          // Made when it is sent: each connection makes all of its requests before the first, which is counted as waiting.
          {
            method: 'GET',
            headers: HEADERS,
            setupRequest: (request) => {
              place = (place + 1) % PLACES;
              return { ...request, path: placeOf(1 + Math.floor((place * company.people) / PLACES)) };
            },
          },
        ],
      });
      const cost = meter.stop();
      return {
        ...options,
        people: company.people,
        requests: result.requests.total,
        failures: result.non2xx + result.errors + result.timeouts,
        p50: result.latency.p50,
        p99: result.latency.p99,
        most: result.latency.max,
        streamsTold: followers.filter((one) => one.isOpen && one.isTold).length,
        cost,
        apiMiB: peakMiBOf(api.pid),
      };
    } finally {
      for (const one of followers) one.stop();
      await api.end('SIGTERM');
    }
  });
}

/** A client that reads a stream and keeps nothing of it. */
class Follower {
  isOpen = true;
  isTold = false;

  private constructor(private readonly response: IncomingMessage) {
    response.on('data', (chunk: Buffer) => {
      if (chunk.includes('event: ')) this.isTold = true;
    });
    for (const end of ['end', 'error', 'close'] as const) response.on(end, () => (this.isOpen = false));
  }

  static of(url: string): Promise<Follower> {
    return new Promise((resolve, reject) => {
      get(url, { agent: false }, (response) => {
        if (response.statusCode === 200) resolve(new Follower(response));
        else reject(new Error(`${url}: ${response.statusCode ?? 0}`));
      }).on('error', reject);
    });
  }

  stop(): void {
    this.response.destroy();
  }
}
