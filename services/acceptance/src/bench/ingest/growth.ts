import type { BenchStack } from '../bench-stack.js';
import { benchIngest, type IngestRun } from './run.js';

const PARTITIONS = 6;
const ONE_INSTANCE = ['Laurel'] as const;

export interface GrowthRun extends IngestRun {
  readonly partitions: number;
}

/** Laurel alone, in Avro, one instance: a hundredth, a tenth and all of the events; and all of them over 1, 4 and 16 partitions. */
export async function benchGrowth(
  stack: BenchStack,
  { events, runs }: { readonly events: number; readonly runs: number },
  onProgress: (line: string) => void,
): Promise<readonly GrowthRun[]> {
  const shapes = [
    ...[100, 10, 1].map((part) => ({ events: Math.round(events / part), partitions: PARTITIONS })),
    ...[1, 4, 16].map((partitions) => ({ events, partitions })),
  ];
  const found: GrowthRun[] = [];
  for (const shape of shapes) {
    const options = { ...shape, runs, only: ONE_INSTANCE, exactly: true, framings: ['avro'] as const };
    const measured = await benchIngest(stack, options, onProgress);
    found.push(...measured.map((run) => ({ ...run, partitions: shape.partitions })));
  }
  return found;
}
