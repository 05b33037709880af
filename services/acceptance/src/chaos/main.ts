#!/usr/bin/env node
import { writeFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { runCampaign, type CampaignOptions } from './campaign.js';
import { catalogue } from './faults/catalogue.js';
import { importOf, mutationNamed, runMutations } from './mutations/run.js';
import { mutations } from './mutations/mutations.js';
import { parts } from './parts/catalogue.js';
import { reportText } from './report.js';

interface Flags {
  readonly minutes: number;
  readonly seed: number;
  readonly rate: number;
  readonly each: number;
  readonly only?: readonly string[];
  readonly times?: number;
  readonly atOnce: number;
  readonly report?: string;
  readonly logs?: string;
  readonly list: boolean;
  readonly mutation?: string;
  readonly mutations: boolean;
}

const positive = (text: string): number => {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('not a number above 0');
  return value;
};
const whole = (text: string): number => {
  const value = positive(text);
  if (!Number.isInteger(value)) throw new InvalidArgumentError('not a whole number');
  return value;
};

const flags = new Command('npm run chaos --')
  .description('Puts a whole Laurel under traffic and faults, then compares everything with the reference model.')
  .option('--minutes <number>', 'how long faults go on at least', positive, 5)
  .option('--seed <number>', 'decides the traffic, the faults and their order', whole, 1)
  .option('--rate <number>', 'records a second', positive, 2000)
  .option('--each <number>', 'how often each fault bites at least, however long that takes', whole, 3)
  .option('--only <faults>', 'only faults whose names begin so, comma-separated', (text: string) => text.split(','))
  .option('--times <number>', 'so many injections, instead of as many as there is time for; of a part each', whole)
  .option('--at-once <number>', 'faults at once, on different targets', whole, 2)
  .option('--report <file>', 'where to write the report as JSON')
  .option('--logs <folder>', 'where to keep the logs of the services')
  .option('--list', 'print every fault and what it stands for, then end', false)
  .option('--mutation <name>', 'break Laurel on purpose: the campaign has to fail')
  .option('--mutations', 'break it in every way, one after the other: status 0 when each was noticed', false)
  .parse()
  .opts<Flags>();

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const began = Date.now();
const onProgress = (line: string): void => print(`${((Date.now() - began) / 1000).toFixed(0).padStart(5)} s  ${line}`);

const isWanted = ({ name }: { readonly name: string }): boolean =>
  flags.only?.some((beginning) => name.startsWith(beginning)) ?? true;

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    onProgress('ending: no more faults; once more to end at once');
    stop.abort();
    // What was started ends with this process.
    process.once(signal, () => process.exit(130));
  });
}

async function main(): Promise<number> {
  if (flags.list) {
    for (const { name, simulates } of [...catalogue, ...parts]) print(`${name.padEnd(36)} ${simulates}`);
    for (const { name, breaks } of mutations) print(`mutation ${name.padEnd(27)} ${breaks}`);
    return 0;
  }
  const options: CampaignOptions = {
    seed: flags.seed,
    minutes: flags.times === undefined ? flags.minutes : Infinity,
    rounds: flags.times === undefined ? flags.each : 0,
    rate: flags.rate,
    faults: catalogue.filter(isWanted),
    ...(flags.times === undefined ? {} : { times: flags.times }),
    atOnce: flags.atOnce,
    recoveryMs: 60_000,
    pauseMs: 6000,
    settleMs: 300_000,
    parts: parts.filter(isWanted),
    partTimes: flags.times ?? flags.each,
    ...(flags.logs === undefined ? {} : { logs: flags.logs }),
    command: `npm run chaos -- ${process.argv.slice(2).join(' ')}`,
    onProgress,
    signal: stop.signal,
  };
  if (flags.mutations) return (await runMutations(options)) ? 0 : 1;
  const mutation = flags.mutation === undefined ? undefined : mutationNamed(flags.mutation);
  const report = await runCampaign(mutation === undefined ? options : { ...options, imports: [importOf(mutation)] });
  print(reportText(report));
  if (flags.report !== undefined) writeFileSync(flags.report, `${JSON.stringify(report, null, 2)}\n`);
  return report.passed ? 0 : 1;
}

process.exit(await main());
