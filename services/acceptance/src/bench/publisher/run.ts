import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { usageRecorded } from '@laurel/events';
import type { BenchStack } from '../bench-stack.js';
import { benchEvents } from '../events.js';
import { fillTopic } from '../fill.js';

const run = promisify(execFile);
const PROGRAMS = fileURLToPath(new URL('../../../dist/bench/publisher/programs.js', import.meta.url));
const PARTITIONS = 6;

export interface PublisherRun {
  readonly client: string;
  readonly does: string;
  readonly events: number;
  /** Events a second, until the broker had acknowledged the last. */
  readonly rates: readonly number[];
  /** Of the client, for a million events; where it can be told. */
  readonly cpuSecondsPerMillion: readonly number[];
}

const CLIENTS = [
  ['Laurel’s publisher, lz4', 'validates each event, encodes, batches; its default', 'sdk', 'lz4'],
  ['Laurel’s publisher, uncompressed', 'the same', 'sdk', 'none'],
  ['kafkajs, Avro', 'no validation; lots of 1,000 made by hand, uncompressed', 'kafkajs-avro', 'none'],
  ['kafkajs, JSON', 'no validation; lots of 1,000 made by hand, uncompressed', 'kafkajs-json', 'none'],
] as const;

/** Each client publishes the same events in turn, and that so many times. */
export async function benchPublisher(
  stack: BenchStack,
  { events, runs }: { readonly events: number; readonly runs: number },
  onProgress: (line: string) => void,
): Promise<readonly PublisherRun[]> {
  const found = new Map<string, { readonly does: string; readonly rates: number[]; readonly cpu: number[] }>();
  const note = (client: string, does: string, rate: number, cpu?: number): void => {
    const known = found.get(client) ?? { does, rates: [], cpu: [] };
    found.set(client, known);
    known.rates.push(rate);
    if (cpu !== undefined) known.cpu.push(cpu);
    onProgress(`${client}: ${Math.round(rate)} events/s`);
  };
  for (let round = 1; round <= runs; round += 1) {
    for (const [client, does, way, compression] of CLIENTS) {
      const topic = await newTopic(stack, `${way}-${compression}-${round}`);
      const args = [PROGRAMS, way, stack.brokers.join(','), topic, String(events), compression];
      const { stdout } = await run(process.execPath, args);
      const [seconds = NaN, cpu = NaN] = stdout.split(' ').map(Number);
      note(client, does, events / seconds, (cpu / events) * 1e6);
    }
    const shape = { events, people: 5_000, fromMs: Date.now() - 1000, toMs: Date.now(), seed: 7 };
    const ready = [...benchEvents(shape)].map((event) => ({ key: event.user_id, value: usageRecorded.encode(event) }));
    const topic = await newTopic(stack, `librdkafka-${round}`);
    const does = 'bytes that are ready, from Python, uncompressed';
    note('librdkafka', does, await fillTopic(stack.brokers, topic, events, ready));
  }
  return [...found].map(([client, { does, rates, cpu }]) => ({
    ...{ client, does, events, rates },
    cpuSecondsPerMillion: cpu,
  }));
}

async function newTopic(stack: BenchStack, name: string): Promise<string> {
  const topic = `publish-${name}`;
  await stack.createTopic(topic, PARTITIONS);
  return topic;
}
