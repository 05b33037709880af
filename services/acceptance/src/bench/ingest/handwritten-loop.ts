/**
 * The consumer that a TypeScript team would write: each batch parsed, inserted in lots of 10,000, then committed. No validation, no
 * dead letters, and what is inserted twice stays so until a merge.
 *
 * Ends when it has inserted so many records, and prints its own CPU seconds.
 *
 *     node handwritten-loop.js <brokers> <topic> <group> <ClickHouse's URL> <database> <records>
 */
import { createClient } from '@clickhouse/client';
import kafkajs from 'kafkajs';
import { TOKEN_CLASSES } from './peer-tables.js';

interface UsageJson extends Readonly<Record<string, unknown>> {
  readonly occurred_at: string;
  readonly tokens: Readonly<Record<string, number>>;
}

const LOT = 10_000;
const [brokers = '', topic = '', groupId = '', url = '', database = '', count = '0'] = process.argv.slice(2);

const clickhouse = createClient({ url, database, clickhouse_settings: { date_time_input_format: 'best_effort' } });
const kafka = new kafkajs.Kafka({ brokers: brokers.split(','), logLevel: kafkajs.logLevel.ERROR });
// Its default of 1 MiB would make the lots small.
const consumer = kafka.consumer({ groupId, maxBytesPerPartition: 8 * 1024 * 1024, maxBytes: 16 * 1024 * 1024 });
let inserted = 0;
let finish: () => void = () => undefined;
const finished = new Promise<void>((resolve) => (finish = resolve));

function rowOf(value: Buffer | null): Record<string, unknown> {
  const { tokens, ...rest } = JSON.parse(value?.toString() ?? '') as UsageJson;
  return { ...rest, ...Object.fromEntries(TOKEN_CLASSES.map(([name, column]) => [column, tokens[name] ?? 0])) };
}

await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
await consumer.run({
  autoCommit: false,
  eachBatch: async (payload) => {
    const { batch } = payload;
    for (let from = 0; from < batch.messages.length; from += LOT) {
      const lot = batch.messages.slice(from, from + LOT);
      await clickhouse.insert({
        table: 'events',
        values: lot.map(({ value }) => rowOf(value)),
        format: 'JSONEachRow',
      });
      const last = lot.at(-1);
      if (last === undefined) continue;
      const offset = String(BigInt(last.offset) + 1n);
      await consumer.commitOffsets([{ topic, partition: batch.partition, offset }]);
      inserted += lot.length;
      await payload.heartbeat();
    }
    if (inserted >= Number(count)) finish();
  },
});
await finished;
const { user, system } = process.cpuUsage();
process.stdout.write(`${(user + system) / 1e6}\n`);
process.exit(0);
