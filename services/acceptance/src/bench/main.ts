#!/usr/bin/env node
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { BenchStack } from './bench-stack.js';
import { benchBoard } from './board/run.js';
import { benchLoad, type LoadOptions } from './board/load.js';
import { benchPage, type PageOptions } from './board/page.js';
import { benchFreshness } from './freshness/run.js';
import { benchGrowth } from './ingest/growth.js';
import type { Framing } from './ingest/peer.js';
import { profiles } from './ingest/profiles.js';
import { benchIngest, peers } from './ingest/run.js';
import { thisMachine } from './machine.js';
import { benchPublisher } from './publisher/run.js';
import {
  boardTables,
  freshnessTable,
  growthTable,
  ingestTable,
  loadTable,
  pageTables,
  publisherTable,
} from './tables.js';

const whole = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('not a whole number above 0');
  return value;
};
const share = (text: string): number => {
  const value = Number(text);
  if (!(value > 0 && value <= 1)) throw new InvalidArgumentError('not above 0 and at most 1');
  return value;
};
const list = (text: string): string[] => text.split(',');
const progress = (line: string): void => void process.stderr.write(`${line}\n`);

const program = new Command('npm run bench --')
  .description('Measures Laurel beside what a team would use instead, in one run on one machine.')
  .option('--out <folder>', 'where each part’s results go, as JSON and as a table');

/** Every part has servers of its own, prints its table, and keeps it where `--out` says. */
async function part<T>(
  name: string,
  options: object,
  work: (stack: BenchStack) => Promise<T>,
  table: (of: T) => string,
) {
  const stack = await BenchStack.start(progress);
  try {
    const result = await work(stack);
    const text = table(result);
    process.stdout.write(`${text}\n`);
    const { out } = program.opts<{ readonly out?: string }>();
    if (out === undefined) return;
    mkdirSync(out, { recursive: true });
    const machine = thisMachine(await stack.clickhouseVersion());
    writeFileSync(join(out, `${name}.json`), `${JSON.stringify({ machine, options, result }, null, 2)}\n`);
    writeFileSync(join(out, `${name}.md`), `${text}\n`);
  } finally {
    await stack.stop();
  }
}

program
  .command('ingest')
  .description('from events that are in Kafka to figures that can be queried')
  .option('--events <number>', 'how many', whole, 5_000_000)
  .option('--runs <number>', 'of each peer', whole, 3)
  .option('--partitions <number>', 'of the topic', whole, 6)
  .option('--only <names>', `peers whose names begin so: ${peers.map(({ name }) => name).join('; ')}`, list, [])
  .option('--framings <names>', 'avro, json', list, ['avro', 'json'])
  .action(
    async (flags: {
      readonly events: number;
      readonly runs: number;
      readonly partitions: number;
      readonly only: readonly string[];
      readonly framings: readonly Framing[];
    }) => part('ingest', flags, (stack) => benchIngest(stack, flags, progress), ingestTable),
  );

program
  .command('growth')
  .description('the same for a hundredth and a tenth of the events, and with 1, 4 and 16 partitions')
  .option('--events <number>', 'at full size', whole, 5_000_000)
  .option('--runs <number>', 'of each', whole, 3)
  .action(async (flags: { readonly events: number; readonly runs: number }) =>
    part('growth', flags, (stack) => benchGrowth(stack, flags, progress), growthTable),
  );

program
  .command('freshness')
  .description('from a publisher’s acknowledgement to a figure, and to an award')
  .option('--rates <numbers>', 'events a second', (text) => list(text).map(whole), [1000, 5000, 10_000])
  .option('--seconds <number>', 'of each of three steps at each rate', whole, 120)
  .action(async (flags: { readonly rates: readonly number[]; readonly seconds: number }) =>
    part(
      'freshness',
      flags,
      async (stack) => {
        const runs = [];
        for (const rate of flags.rates) {
          progress(`${rate} events/s for ${flags.seconds} s …`);
          runs.push(await benchFreshness(stack, { rate, seconds: flags.seconds }));
        }
        return runs;
      },
      freshnessTable,
    ),
  );

program
  .command('board')
  .description('pages and titles at the size of the reported company: 85,000 people, 30 days')
  .option('--scales <numbers>', 'parts of that size', (text) => list(text).map(share), [0.01, 0.1, 1])
  .option('--simulation-minutes <number>', 'how long a month may be simulated at the most', whole, 15)
  .action(async (flags: { readonly scales: readonly number[]; readonly simulationMinutes: number }) =>
    part(
      'board',
      flags,
      async (stack) => {
        const runs = [];
        for (const scale of flags.scales) runs.push(await benchBoard(stack, { ...flags, scale }, progress));
        return runs;
      },
      boardTables,
    ),
  );

program
  .command('load')
  .description('board reads at a steady rate while many follow streams')
  .option('--scale <number>', 'part of the reported company’s size', share, 1)
  .option('--rate <number>', 'requests a second', whole, 500)
  .option('--streams <number>', 'open all the time', whole, 200)
  .option('--seconds <number>', 'for how long', whole, 60)
  .action(async (flags: LoadOptions) =>
    part(
      'load',
      flags,
      (stack) => benchLoad(stack, flags, progress),
      (result) => loadTable([result]),
    ),
  );

program
  .command('page')
  .description('the page in a browser: first content, all figures, and how soon it answers to keys and clicks')
  .option('--scale <number>', 'part of the reported company’s size', share, 1)
  .option('--visits <number>', 'of each page', whole, 10)
  .action(async (flags: PageOptions) => part('page', flags, (stack) => benchPage(stack, flags, progress), pageTables));

program
  .command('publisher')
  .description('events a second of Laurel’s publisher, of kafkajs and of librdkafka')
  .option('--events <number>', 'how many', whole, 1_000_000)
  .option('--runs <number>', 'of each', whole, 3)
  .action(async (flags: { readonly events: number; readonly runs: number }) =>
    part('publisher', flags, (stack) => benchPublisher(stack, flags, progress), publisherTable),
  );

program
  .command('profile')
  .description('where the time of usage-ingest and usage-projector goes, as flame graphs')
  .option('--events <number>', 'how many', whole, 2_000_000)
  .option('--framings <names>', 'avro, json', list, ['avro', 'json'])
  .option('--folder <folder>', 'where they go', 'docs/benchmarks')
  .action(
    async (flags: { readonly events: number; readonly framings: readonly Framing[]; readonly folder: string }) => {
      const stack = await BenchStack.start(progress);
      try {
        await profiles(stack, flags, progress);
      } finally {
        await stack.stop();
      }
    },
  );

await program.parseAsync();
