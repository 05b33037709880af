import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ClickHouseClient } from '@laurel/clickhouse';
import type { BenchStack } from '../bench-stack.js';
import { pythonFile, pythonWithKafka } from '../fill.js';
import { CpuMeter, type Cost } from '../processes.js';
import { checkTotals, type FilledTopic, type Peer } from './peer.js';
import { sourceTable, targetTables, viewOfEvents, viewsOfSource } from './peer-tables.js';

const run = promisify(execFile);
const POLL_MS = 200;

let groups = 0;
/** Of a consumer that has read nothing yet. */
const newGroup = (): string => `bench-${process.pid}-${(groups += 1)}`;

async function create(client: ClickHouseClient, statements: readonly string[]): Promise<void> {
  for (const query of statements) await client.command({ query });
}

async function check(client: ClickHouseClient, filled: FilledTopic): Promise<void> {
  await checkTotals(client, '(SELECT 1 AS events, input_tokens, output_tokens FROM events)', filled.totals);
  await checkTotals(client, 'minutes', filled.totals);
}

/** ClickHouse's own consumer: what it does is the least that its engine takes for this. */
export const tableEngine = (consumers: number): Peer => ({
  name: `Kafka table engine, ${consumers} consumer${consumers === 1 ? '' : 's'}`,
  does: 'two materialized views; no validation, one bad record stops it or is skipped',
  framings: ['json'],
  run: (stack, filled) =>
    stack.inDatabase('engine_run', async (client) => {
      const settings = [
        `kafka_broker_list = '${stack.brokers.join(',')}'`,
        `kafka_topic_list = '${filled.topic}'`,
        `kafka_group_name = '${newGroup()}'`,
        `kafka_format = 'JSONEachRow'`,
        `kafka_num_consumers = ${consumers}`,
        `kafka_thread_per_consumer = ${consumers > 1 ? 1 : 0}`,
        `date_time_input_format = 'best_effort'`,
      ];
      await create(client, [...targetTables, sourceTable(`Kafka SETTINGS ${settings.join(', ')}`)]);
      const meter = new CpuMeter({ clickhouse: stack.pids.clickhouse });
      await create(client, viewsOfSource);
      await untilThere(client, filled.events);
      const cost = meter.stop();
      await check(client, filled);
      return cost;
    }),
});

/** The figures of the second view come before those of the first or after: both are awaited. */
async function untilThere(client: ClickHouseClient, events: number): Promise<void> {
  for (;;) {
    const result = await client.query({
      query: 'SELECT (SELECT count() FROM events) AS events, (SELECT sum(events) FROM minutes) AS summed',
      format: 'JSONEachRow',
    });
    const [row] = await result.json<{ events: string; summed: string }>();
    if (Number(row?.events) >= events && Number(row?.summed) >= events) return;
    await sleep(POLL_MS);
  }
}

/** A client that is a process of its own, and prints its CPU seconds when it is done. */
async function runClient(stack: BenchStack, command: string, args: readonly string[]): Promise<Cost> {
  const meter = new CpuMeter({ clickhouse: stack.pids.clickhouse });
  const { stdout } = await run(command, args);
  const cost = meter.stop();
  return { ...cost, cpu: { ...cost.cpu, client: Number(stdout) } };
}

const script = (name: string): string => fileURLToPath(new URL(`../../../dist/bench/ingest/${name}`, import.meta.url));

export const handwrittenLoop: Peer = {
  name: 'Hand-written loop (kafkajs)',
  does: 'JSON.parse, JSONEachRow inserts of 10,000, a materialized view; no validation',
  framings: ['json'],
  run: (stack, filled) =>
    stack.inDatabase('loop_run', async (client) => {
      await create(client, [...targetTables, viewOfEvents]);
      const args = [
        stack.brokers.join(','),
        filled.topic,
        newGroup(),
        stack.clickhouseUrl,
        'loop_run',
        String(filled.events),
      ];
      const cost = await runClient(stack, process.execPath, [script('handwritten-loop.js'), ...args]);
      await check(client, filled);
      return cost;
    }),
};

/** Makes the tables, and has the undecoded loop fill them. */
export async function fillUndecoded(
  stack: BenchStack,
  { topic, events }: FilledTopic,
  client: ClickHouseClient,
  database: string,
): Promise<Cost> {
  await create(client, [...targetTables, sourceTable('Null'), ...viewsOfSource]);
  const args = [stack.brokers.join(','), topic, newGroup(), stack.clickhouseUrl, database, String(events)];
  return runClient(stack, pythonWithKafka(), [pythonFile('undecoded.py'), ...args]);
}

export const undecodedLoop: Peer = {
  name: 'Undecoded loop (Python, librdkafka)',
  does: 'bodies joined as they are, inserts of 100,000, two materialized views; no validation',
  framings: ['json'],
  run: (stack, filled) =>
    stack.inDatabase('undecoded_run', async (client) => {
      const cost = await fillUndecoded(stack, filled, client, 'undecoded_run');
      await check(client, filled);
      return cost;
    }),
};

export const consumeOnly: readonly Peer[] = [
  {
    name: 'Consume only (kafkajs)',
    does: 'reads the topic and does nothing',
    framings: ['avro', 'json'],
    run: (stack, filled) => {
      const args = [stack.brokers.join(','), filled.topic, newGroup(), String(filled.events)];
      return runClient(stack, process.execPath, [script('consume-only.js'), ...args]);
    },
  },
  {
    name: 'Consume only (librdkafka)',
    does: 'reads the topic and does nothing',
    framings: ['avro', 'json'],
    run: (stack, filled) => {
      const args = [stack.brokers.join(','), filled.topic, newGroup(), String(filled.events)];
      return runClient(stack, pythonWithKafka(), [pythonFile('consume.py'), ...args]);
    },
  },
];
