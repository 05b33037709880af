import { Command } from 'commander';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { resolve } from 'node:path';
import { portNumber } from '../command-line.js';
import { Analyst } from './analyst/analyst.js';
import { Engine } from './engine/engine.js';
import { Scratch } from './engine/scratch.js';
import { createHandler } from './http/handler.js';

/** What SIGTERM grants to the requests that are running, ms. */
const DRAIN_MS = 20_000;

interface Flags {
  readonly port: number;
  readonly host: string;
  readonly dataDir: string;
  readonly user: string;
  readonly analyst: string;
}

const { port, host, dataDir, user, analyst } = new Command('clickhouse')
  .description(
    "ClickHouse's engine behind its HTTP interface, for development and tests. Passwords are taken from " +
      'LAUREL_CLICKHOUSE_PASSWORD and LAUREL_CLICKHOUSE_ANALYST_PASSWORD (default: none).',
  )
  .requiredOption('--data-dir <path>', 'where the databases live; made if absent')
  .option('--port <number>', 'port for HTTP', portNumber, 8123)
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--user <name>', 'the user who may do everything', 'default')
  .option('--analyst <name>', 'the user who reads the views for analysts, and nothing else', 'analyst')
  .parse()
  .opts<Flags>();

async function serve(): Promise<void> {
  const engine = Engine.open(resolve(dataDir));
  const scratch = await Scratch.create(resolve(dataDir));
  process.on('exit', () => scratch.remove());
  const handler = createHandler({
    engine,
    scratch,
    user,
    password: process.env['LAUREL_CLICKHOUSE_PASSWORD'] ?? '',
    analyst: { user: new Analyst(analyst), password: process.env['LAUREL_CLICKHOUSE_ANALYST_PASSWORD'] ?? '' },
  });
  // Bodies may take as long as they take; connections idle for as long as the real server lets them.
  const server = createServer(
    { keepAliveTimeout: 10_000, requestTimeout: 0 },
    (req, res) => void handler.handle(req, res),
  );
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  const listening = typeof address === 'object' && address !== null ? address.port : port;
  console.log(`ClickHouse ${engine.version} at http://${host}:${listening}, data in ${resolve(dataDir)}`);

  await new Promise((ended) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, ended);
  });
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  await handler.drain(DRAIN_MS);
  server.closeAllConnections();
  await closed;
  await engine.close();
}

try {
  await serve();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
