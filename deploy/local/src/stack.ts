#!/usr/bin/env node
import { Command, InvalidArgumentError } from 'commander';
import { fileURLToPath } from 'node:url';
import { freePortFrom } from './ports.js';
import { startStack, type Stack } from './start-stack.js';

const DATA_DIR = fileURLToPath(new URL('../../../.laurel/data', import.meta.url));

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

function portNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 65_535) throw new InvalidArgumentError('not a port');
  return value;
}

async function portFor(name: string, wanted: number): Promise<number> {
  const port = await freePortFrom(wanted);
  if (port !== wanted) console.log(`Port ${wanted} is taken: ${name} gets ${port}.`);
  return port;
}

function printAddresses({ kafka, clickhouse }: Stack): void {
  const { url, username, password } = clickhouse;
  const login = password === '' ? '' : ` --user ${username}:${password}`;
  console.log(`
Kafka       ${kafka.brokers.join(',')}
ClickHouse  ${url}   (user ${username}, ${password === '' ? 'no password' : `password ${password}`})

Try:        curl${login} '${url}/?default_format=PrettyCompact' --data 'SELECT version(), uptime()'

Ctrl-C ends both; their data stays in ${flags.dataDir}.`);
}

/** Resolves at the first signal; a second one doesn't wait for a clean end. Keeps the process alive until then. */
function firstSignal(): Promise<void> {
  const alive = setInterval(() => undefined, 60_000);
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(signal, () => {
        clearInterval(alive);
        resolve();
        process.on(signal, () => process.exit(1));
      });
    }
  });
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
