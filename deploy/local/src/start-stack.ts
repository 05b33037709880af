import { chooseStack } from './choose.js';
import { startLocalStack } from './local-stack.js';

/** Kafka and ClickHouse, running. */
export interface Stack {
  readonly kafka: { readonly brokers: readonly string[] };
  readonly clickhouse: { readonly url: string; readonly username: string; readonly password: string };
  /** Ends both cleanly. Data stays. */
  stop(): Promise<void>;
}

export interface StackOptions {
  /** Holds, or with containers only names, the data. Made if absent. */
  readonly dataDir: string;
  /** What becomes of data: kept across runs (default), removed before the start, or not kept beyond `stop()` at all. */
  readonly data?: 'keep' | 'fresh' | 'passing';
  /** On 127.0.0.1. Default: a free one. */
  readonly kafkaPort?: number;
  /** HTTP, on 127.0.0.1. Default: a free one. */
  readonly clickhousePort?: number;
  readonly onProgress?: (line: string) => void;
}

/** Starts Kafka and ClickHouse, in containers or without them; callers can't tell. */
export async function startStack(options: StackOptions): Promise<Stack> {
  if ((await chooseStack()) === 'local') return startLocalStack(options);
  // Loaded only where it is used: the library takes a second.
  const { startDockerStack } = await import('./docker-stack.js');
  return startDockerStack(options);
}
