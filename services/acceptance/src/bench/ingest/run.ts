import { topics, usageRecorded } from '@laurel/events';
import type { BenchStack } from '../bench-stack.js';
import { benchEvents, compactJson, type Shape } from '../events.js';
import { fillTopic, type KeyedValue } from '../fill.js';
import type { Cost } from '../processes.js';
import { insertOnly } from './insert-only.js';
import { laurel } from './laurel.js';
import type { FilledTopic, Framing, Peer, Totals } from './peer.js';
import { consumeOnly, handwrittenLoop, tableEngine, undecodedLoop } from './peers.js';

export const peers: readonly Peer[] = [
  laurel(1),
  laurel(2),
  tableEngine(1),
  tableEngine(2),
  handwrittenLoop,
  undecodedLoop,
  ...consumeOnly,
  insertOnly,
];

export interface IngestOptions {
  readonly events: number;
  readonly runs: number;
  readonly partitions: number;
  /** Peers whose names begin so; all when it is empty. */
  readonly only: readonly string[];
  readonly framings: readonly Framing[];
}

export interface IngestRun {
  readonly peer: string;
  readonly does: string;
  readonly framing: Framing;
  readonly events: number;
  readonly costs: readonly Cost[];
}

/** Of the usual topic, and of a company of the usual size. */
export const PARTITIONS = 6;
export const PEOPLE = 20_000;
/** What a backlog of an hour is made of. */
const SPAN_MS = 3_600_000;

/** An hour of a company's usage, up to now. */
export function anHourOf(events: number, people = PEOPLE, seed = 1): Shape {
  const nowMs = Date.now();
  return { events, people, fromMs: nowMs - SPAN_MS, toMs: nowMs, seed };
}

/** Every peer takes in the same topic in turn, and that so many times, so that what befalls the machine befalls all. */
export async function benchIngest(
  stack: BenchStack,
  { events, runs, partitions, only, framings }: IngestOptions,
  onProgress: (line: string) => void,
): Promise<readonly IngestRun[]> {
  const isChosen = ({ name }: Peer): boolean => only.length === 0 || only.some((one) => name.startsWith(one));
  const chosen = peers.filter(isChosen);
  const costs = new Map<string, { readonly peer: Peer; readonly framing: Framing; readonly costs: Cost[] }>();
  for (const framing of framings) {
    const filled = await fill(stack, framing, anHourOf(events), partitions, onProgress);
    for (let run = 1; run <= runs; run += 1) {
      for (const peer of chosen.filter((one) => one.framings.includes(framing))) {
        const cost = await peer.run(stack, filled);
        const key = `${framing} ${peer.name}`;
        const known = costs.get(key) ?? { peer, framing, costs: [] };
        costs.set(key, known);
        known.costs.push(cost);
        const cpu = Object.entries(cost.cpu).map(([name, seconds]) => `${name} ${seconds.toFixed(1)} s`);
        onProgress(`${framing} ${run}/${runs} ${peer.name}: ${cost.wallSeconds.toFixed(1)} s; CPU ${cpu.join(', ')}`);
      }
    }
  }
  return [...costs.values()].map(({ peer, framing, costs: all }) => ({
    peer: peer.name,
    does: peer.does,
    framing,
    events,
    costs: all,
  }));
}

/** Laurel alone, once, with V8's sampling profiler on, whose files go to a folder when the services end. */
export async function profileIngest(
  stack: BenchStack,
  { events, framing, folder }: { readonly events: number; readonly framing: Framing; readonly folder: string },
  onProgress: (line: string) => void,
): Promise<void> {
  const filled = await fill(stack, framing, anHourOf(events), PARTITIONS, onProgress);
  await laurel(1, ['--cpu-prof', `--cpu-prof-dir=${folder}`]).run(stack, filled);
}

async function fill(
  stack: BenchStack,
  framing: Framing,
  shape: Shape,
  partitions: number,
  onProgress: (line: string) => void,
): Promise<FilledTopic> {
  const { name, config } = topics.usageEvents;
  const prefix = `${framing}-${shape.events}-${partitions}-${Date.now()}.`;
  await stack.createTopic(prefix + name, partitions, config);
  const totals = await addEvents(stack, prefix + name, framing, shape, onProgress);
  return { framing, prefix, topic: prefix + name, events: shape.events, totals };
}

/** Adds events to a topic as fast as it goes. @returns what they add up to. */
export async function addEvents(
  stack: BenchStack,
  topic: string,
  framing: Framing,
  shape: Shape,
  onProgress: (line: string) => void,
): Promise<Totals> {
  const totals = { events: 0, input: 0, output: 0 };
  let bytes = 0;
  function* records(): Generator<KeyedValue, void> {
    for (const event of benchEvents(shape)) {
      totals.events += 1;
      totals.input += event.tokens.input;
      totals.output += event.tokens.output;
      const value = framing === 'avro' ? usageRecorded.encode(event) : Buffer.from(compactJson(event));
      bytes += value.length;
      yield { key: event.user_id, value };
    }
  }
  onProgress(`Filling ${topic} with ${shape.events} events …`);
  const rate = await fillTopic(stack.brokers, topic, shape.events, records());
  onProgress(`${rate} records/s, ${Math.round(bytes / shape.events)} bytes each`);
  return totals;
}
