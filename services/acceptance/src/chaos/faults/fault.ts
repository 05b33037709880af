import type { Random } from '../random.js';
import type { Publishers } from '../traffic/publishers.js';
import type { World } from '../world/world.js';

/** What a fault works on. */
export interface Scene {
  readonly world: World;
  readonly publishers: Publishers;
  readonly random: Random;
}

/** What shows that a fault has really bitten, in words with figures. */
export type Bite = string;

/** Something did not happen within its time: the fault is tried again, or reported as not bitten. */
export class NotBitten extends Error {
  override readonly name = 'NotBitten';
}

/** What two faults may not work on at once. */
export type Target = 'usage-ingest' | 'usage-projector' | 'title-awarder' | 'clickhouse' | 'kafka' | 'traffic';

export interface Fault {
  readonly name: string;
  /** For a person: what of the real world it stands for. */
  readonly simulates: string;
  readonly target: Target;
  /** Takes longer than a short campaign has. */
  readonly isLong?: boolean;
  /** Resolves when it is over and everything that it ended runs again. @throws NotBitten */
  inject(scene: Scene): Promise<Bite>;
}
