import type { CheckResult } from '../model/differences.js';
import type { Random } from '../random.js';
import type { World } from '../world/world.js';

/** A fault that doesn't suit the main run, with a small pipeline of its own on the world's Kafka. */
export interface Part {
  readonly name: string;
  readonly simulates: string;
  /** Injects the fault so many times. */
  run(stage: Stage): Promise<PartResult>;
}

export interface Stage {
  readonly world: World;
  readonly random: Random;
  readonly times: number;
}

export interface PartResult {
  /** What shows each bite. */
  readonly bites: readonly string[];
  readonly checks: readonly CheckResult[];
}
