import { topics } from '@laurel/events';
import { ServiceProcess } from '../../pipeline/service-process.js';
import type { BenchStack } from '../bench-stack.js';
import { CpuMeter, type Cost } from '../processes.js';
import { setUp, untilProjected } from './laurel.js';
import { checkTotals, type Totals } from './peer.js';
import { addEvents, anHourOf, PARTITIONS, PEOPLE, type IngestRun } from './run.js';

export interface GrowthRun extends IngestRun {
  readonly partitions: number;
  readonly people: number;
}

interface Size {
  readonly events: number;
  readonly people: number;
  readonly partitions: number;
}

/** So that V8 has compiled what is hot, and a small company's figure is not that of two processes' start. */
const WARM_UP_EVENTS = 300_000;
const WARM_UP_SEED = 1_000;
/** Longer than it takes to fill the topic, so that the groups don't take the services for dead meanwhile, in ms. */
const SESSION_TIMEOUT_MS = 600_000;

/**
 * Laurel alone, in Avro, one instance of each service: companies of a hundredth, a tenth and all of the people and events; and the
 * whole one over 1, 4 and 16 partitions. The services run already, and stand still (SIGSTOP) while the topic is filled.
 */
export async function benchGrowth(
  stack: BenchStack,
  { events, runs }: { readonly events: number; readonly runs: number },
  onProgress: (line: string) => void,
): Promise<readonly GrowthRun[]> {
  const whole: Size = { events, people: PEOPLE, partitions: PARTITIONS };
  const sizes: readonly Size[] = [
    ...[100, 10].map((part) => ({
      ...whole,
      events: Math.round(events / part),
      people: Math.round(PEOPLE / part),
    })),
    whole,
    ...[1, 4, 16].map((partitions) => ({ ...whole, partitions })),
  ];
  const found: GrowthRun[] = [];
  for (const size of sizes) {
    const costs = await backlogsOf(stack, size, runs, onProgress);
    found.push({ peer: 'Laurel', does: 'while its services are warm', framing: 'avro', ...size, costs });
  }
  return found;
}

/** @returns what each of so many backlogs, one after the other in the same tables, took until all of it was projected. */
async function backlogsOf(
  stack: BenchStack,
  { events, people, partitions }: Size,
  runs: number,
  onProgress: (line: string) => void,
): Promise<readonly Cost[]> {
  return stack.inDatabase('growth_run', async (client) => {
    const prefix = `growth-${events}-${partitions}-${Date.now()}.`;
    const topic = prefix + topics.usageEvents.name;
    const environment = {
      ...stack.environment(prefix, 'growth_run'),
      LAUREL_KAFKA_SESSION_TIMEOUT_MS: String(SESSION_TIMEOUT_MS),
    };
    await stack.createTopic(topic, partitions, topics.usageEvents.config);
    await setUp(environment);
    const names = ['usage-projector', 'usage-ingest'] as const;
    const services = await Promise.all(names.map((name) => ServiceProcess.start(name, environment)));
    const pids = Object.fromEntries(services.map(({ name, pid }) => [name, pid]));
    let totals: Totals = { events: 0, input: 0, output: 0 };
    const backlog = async (size: number, seed: number): Promise<Cost> => {
      for (const service of services) service.signal('SIGSTOP');
      const added = await addEvents(stack, topic, 'avro', anHourOf(size, people, seed), onProgress);
      totals = sumOf(totals, added);
      const meter = new CpuMeter({ clickhouse: stack.pids.clickhouse, ...pids });
      for (const service of services) service.signal('SIGCONT');
      await untilProjected(stack, { prefix, topic });
      return meter.stop();
    };
    try {
      await backlog(WARM_UP_EVENTS, WARM_UP_SEED);
      const costs: Cost[] = [];
      for (let run = 1; run <= runs; run += 1) {
        const cost = await backlog(events, run);
        costs.push(cost);
        const cpu = Object.entries(cost.cpu).map(([name, seconds]) => `${name} ${seconds.toFixed(2)} s`);
        onProgress(`${run}/${runs}: ${cost.wallSeconds.toFixed(1)} s; CPU ${cpu.join(', ')}`);
      }
      await checkTotals(client, 'usage', totals);
      return costs;
    } finally {
      await Promise.all(services.map((service) => service.end('SIGTERM')));
    }
  });
}

const sumOf = (a: Totals, b: Totals): Totals => ({
  events: a.events + b.events,
  input: a.input + b.input,
  output: a.output + b.output,
});
