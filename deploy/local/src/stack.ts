#!/usr/bin/env node
import { Command } from 'commander';
import { DATA_DIR, firstSignal, portFor, portNumber } from './command-line.js';
import { startStack, type Stack } from './start-stack.js';

interface Flags {
  readonly dataDir: string;
  readonly kafkaPort: number;
  readonly clickhousePort: number;
  readonly fresh: boolean;
}

const flags = new Command('npm run stack --')
  .description(
    "Runs Laurel's Kafka and ClickHouse alone, until Ctrl-C. Containers where Docker answers, else processes.",
  )
  .option('--data-dir <path>', 'where their data is kept', DATA_DIR)
  .option('--kafka-port <number>', 'port for Kafka; the next free one if it is taken', portNumber, 9092)
  .option('--clickhouse-port <number>', 'port for ClickHouse over HTTP; likewise', portNumber, 8123)
  .option('--fresh', 'remove their data first', false)
  .parse()
  .opts<Flags>();

function printAddresses({ kafka, clickhouse }: Stack): void {
  const { url, username, password } = clickhouse;
  const login = password === '' ? '' : ` --user ${username}:${password}`;
  console.log(`
Kafka       ${kafka.brokers.join(',')}
ClickHouse  ${url}   (user ${username}, ${password === '' ? 'no password' : `password ${password}`})

Try:        curl${login} '${url}/?default_format=PrettyCompact' --data 'SELECT version(), uptime()'

Ctrl-C ends both; their data stays in ${flags.dataDir}.`);
}

try {
  const stopWanted = firstSignal();
  const stack = await startStack({
    dataDir: flags.dataDir,
    data: flags.fresh ? 'fresh' : 'keep',
    kafkaPort: await portFor('Kafka', flags.kafkaPort),
    clickhousePort: await portFor('ClickHouse', flags.clickhousePort),
    onProgress: (line) => console.log(line),
  });
  printAddresses(stack);
  await stopWanted;
  console.log('\nEnding Kafka and ClickHouse …');
  await stack.stop();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
