#!/usr/bin/env node
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { DATA_DIR, firstSignal, portFor, portNumber } from './command-line.js';
import { Laurel } from './laurel.js';
import { freePort } from './ports.js';
import { startStack, type Stack } from './start-stack.js';

const STATE_DIR = fileURLToPath(new URL('../../../.laurel/', import.meta.url));
const LOG_DIR = join(STATE_DIR, 'logs');
/** Appears when all is ready, and goes when it ends. */
const ADDRESS_FILE = join(STATE_DIR, 'stack.json');
const TITLES_WITHIN_MS = 60_000;
/** Without an endpoint there is nobody to send awards to. */
const hasEndpoints = (process.env['LAUREL_NOTIFIER_ENDPOINTS_FILE'] ?? '') !== '';

interface Flags {
  readonly demo: boolean;
  readonly fresh: boolean;
  readonly dataDir: string;
  readonly kafkaPort: number;
  readonly clickhousePort: number;
  readonly apiPort: number;
}

const flags = new Command('npm start --')
  .description('Runs all of Laurel, with a recording to look at, until Ctrl-C.')
  .option('--no-demo', 'start empty: without the recording and the live trickle')
  .option('--fresh', 'remove all data first', false)
  .option('--data-dir <path>', 'where data is kept', DATA_DIR)
  .option('--kafka-port <number>', 'port for Kafka; the next free one if it is taken', portNumber, 9092)
  .option('--clickhouse-port <number>', 'port for ClickHouse over HTTP; likewise', portNumber, 8123)
  .option('--api-port <number>', 'port for the API; likewise', portNumber, 8080)
  .parse()
  .opts<Flags>();

/**
 * The instant that the recording's 30 days end with. It is kept beside the data: the same events at another time would be
 * other events, and everything would count twice.
 */
function demoAnchor(): string {
  const file = join(flags.dataDir, 'demo-anchor');
  try {
    return readFileSync(file, 'utf8');
  } catch {
    const anchor = String(Date.now());
    writeFileSync(file, anchor);
    return anchor;
  }
}

/** Resolves when every title has a holder. */
async function titlesHeld(api: string, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + TITLES_WITHIN_MS;
  while (Date.now() < deadline) {
    const answer = await fetch(`${api}/v1/titles`, { signal });
    const { titles } = (await answer.json()) as { titles: readonly { holders: readonly unknown[] }[] };
    if (titles.every((title) => title.holders.length > 0)) return;
    await sleep(250, undefined, { signal });
  }
  throw new Error(`not every title was awarded within ${TITLES_WITHIN_MS / 1000} s; see ${LOG_DIR}`);
}

function printAddresses({ kafka, clickhouse }: Stack, api: string): void {
  const login = clickhouse.password === '' ? '' : ` --user '${clickhouse.username}:${clickhouse.password}'`;
  console.log(`
The board   ${api}/
Kafka       ${kafka.brokers.join(',')}   usage.events.v1 and usage.outcomes.v1 in; titles.awards.v1 and titles.holders.v1 out
ClickHouse  ${clickhouse.url}   database laurel, user ${clickhouse.username}
            curl${login} '${clickhouse.url}/?database=laurel' --data 'SELECT * FROM leaderboard_30d LIMIT 5 FORMAT Pretty'
API         ${api}
            curl '${api}/v1/leaderboards/total_tokens?limit=5'
            curl -N '${api}/v1/awards/stream'
Logs        ${LOG_DIR}

Running${flags.demo ? ', with a live trickle of invented events' : ''}. Ctrl-C ends everything; data stays in ${flags.dataDir}.`);
}

async function run(stop: AbortSignal): Promise<void> {
  const stack = await startStack({
    dataDir: flags.dataDir,
    data: flags.fresh ? 'fresh' : 'keep',
    kafkaPort: await portFor('Kafka', flags.kafkaPort),
    clickhousePort: await portFor('ClickHouse', flags.clickhousePort),
    onProgress: (line) => console.log(line),
  });
  const laurel = new Laurel(stack, LOG_DIR, stop);
  try {
    mkdirSync(flags.dataDir, { recursive: true });
    await laurel.run('topics', 'apply');
    await laurel.run('migrate', 'apply');
    const apiPort = await portFor('the API', flags.apiPort);
    const api = `http://127.0.0.1:${apiPort}`;
    console.log('Starting usage-ingest, usage-projector and api …');
    await Promise.all([
      laurel.start('usage-ingest', await freePort()),
      laurel.start('usage-projector', await freePort()),
      laurel.start('api', apiPort),
    ]);
    // History first, titles then: an award is for ever, and should not rest on a half-loaded log.
    if (flags.demo) await laurel.run('demo', 'play', '--anchor', demoAnchor());
    console.log('Starting title-awarder …');
    await laurel.start('title-awarder', await freePort());
    if (hasEndpoints) {
      console.log('Starting award-notifier …');
      await laurel.start('award-notifier', await freePort());
    }
    if (flags.demo) {
      await titlesHeld(api, stop);
      await laurel.run('demo', 'show', '--api', api);
    }
    printAddresses(stack, api);
    writeFileSync(
      ADDRESS_FILE,
      `${JSON.stringify({ kafka: stack.kafka.brokers.join(','), clickhouse: stack.clickhouse.url, api }, null, 2)}\n`,
    );
    if (flags.demo) await laurel.run('demo', 'trickle');
    else await aborted(stop);
  } finally {
    rmSync(ADDRESS_FILE, { force: true });
    console.log('\nEnding …');
    await laurel.stop();
    await stack.stop();
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      resolve();
    });
  });

const stop = new AbortController();
rmSync(ADDRESS_FILE, { force: true });
void firstSignal().then(() => {
  stop.abort();
});
try {
  await run(stop.signal);
} catch (error) {
  if (!stop.signal.aborted) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
// The wait for a signal keeps the process alive otherwise.
process.exit();
