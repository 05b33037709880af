import type { ClickHouseClient } from '@laurel/clickhouse';
import type { BenchStack } from '../bench-stack.js';
import type { Cost } from '../processes.js';

export type Framing = 'avro' | 'json';

/** A topic that holds all events already. */
export interface FilledTopic {
  readonly framing: Framing;
  /** Put before `usage.events.v1`, and before every other topic and group of this run. */
  readonly prefix: string;
  readonly topic: string;
  readonly events: number;
  readonly totals: Totals;
}

/** What has to come out. */
export interface Totals {
  readonly events: number;
  readonly input: number;
  readonly output: number;
}

/** One way from the topic to tables. */
export interface Peer {
  readonly name: string;
  /** As a heading of what it does, for the report. */
  readonly does: string;
  readonly framings: readonly Framing[];
  /**
   * Takes in the whole topic, once, and checks what came of it.
   *
   * @returns the cost from an empty database until all of it can be queried; without the broker's.
   * @throws Error when a total differs.
   */
  run(stack: BenchStack, filled: FilledTopic): Promise<Cost>;
}

/** @throws Error that says which. */
export async function checkTotals(client: ClickHouseClient, from: string, expected: Totals): Promise<void> {
  const result = await client.query({
    query: `SELECT toUInt64(sum(events)) AS events, toUInt64(sum(input_tokens)) AS input,
      toUInt64(sum(output_tokens)) AS output FROM ${from}`,
    format: 'JSONEachRow',
  });
  const [row] = await result.json<Record<keyof Totals, string>>();
  for (const name of ['events', 'input', 'output'] as const) {
    if (Number(row?.[name]) !== expected[name]) {
      throw new Error(`${from} has ${name} ${row?.[name]} and not ${expected[name]}`);
    }
  }
}
