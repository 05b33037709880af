import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { startDaemon, type Daemon } from '../processes/daemon.js';
import { takeLock } from '../processes/lock.js';
import { freePort, requireFreePort } from '../ports.js';
import { installKafka, LOG4J_CONFIGURATION } from './install.js';
import { serverProperties, type Detour } from './properties.js';
import { brokerIsReady } from './ready.js';

const run = promisify(execFile);

/** Where and how to run a local broker. */
export interface KafkaOptions {
  /** Kept across runs; made if absent. */
  readonly dataDir: string;
  /** On 127.0.0.1. Default: a free one. */
  readonly port?: number;
  /** Java heap in MiB. Default 768. */
  readonly heapMiB?: number;
  /** Further ports for clients that are to come by a proxy. Default none. */
  readonly detours?: readonly Detour[];
  /** Settings of the broker in place of the usual ones, by their names. */
  readonly settings?: Readonly<Record<string, string | number>>;
  readonly onProgress?: (line: string) => void;
}

/** A running broker. `kill` and `stop` resolve when its process is gone. */
export interface LocalKafka extends Daemon {
  readonly brokers: readonly string[];
  /** The broker's own log. */
  readonly logFile: string;
}

/** A quick start counts for more here than peak throughput. */
const JVM_FLAGS = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xshare:auto', '-Djava.awt.headless=true'];

/**
 * Starts one Kafka node (KRaft, broker and controller in one) on the given data directory.
 *
 * @throws Error that names what is missing (Java, Maven), or shows the end of the log when the broker doesn't start.
 */
export async function startKafka(options: KafkaOptions): Promise<LocalKafka> {
  const { onProgress = () => undefined, heapMiB = 768, detours = [], settings = {} } = options;
  const jars = await installKafka(onProgress);
  const dataDir = resolve(options.dataDir);
  await mkdir(dataDir, { recursive: true });
  const lock = await takeLock(join(dataDir, 'kafka.lock'), `Kafka's data directory ${dataDir}`);
  const port = await (options.port === undefined ? freePort() : requireFreePort(options.port));
  const logDir = join(dataDir, 'log');
  const config = join(dataDir, 'server.properties');
  const place = { logDir, host: '127.0.0.1', port, controllerPort: await freePort(), detours, overrides: settings };
  await writeFile(config, serverProperties(place));
  const java = [...JVM_FLAGS, `-Dlog4j2.configurationFile=${LOG4J_CONFIGURATION}`, '-cp', join(jars, '*')];
  if (!existsSync(join(logDir, 'meta.properties'))) await format(java, config);

  const logFile = join(dataDir, 'kafka.log');
  onProgress(`Starting Kafka on port ${port} …`);
  const daemon = await startDaemon({
    name: 'Kafka',
    command: 'java',
    args: [`-Xms256m`, `-Xmx${heapMiB}m`, ...java, 'kafka.Kafka', config],
    logFile,
    spawned: (pid) => lock.handOver(pid),
    ready: () => brokerIsReady(port),
  });
  return { ...daemon, brokers: [`127.0.0.1:${port}`], logFile };
}

/** Writes the cluster's id and first metadata; Kafka refuses a data directory without them. */
async function format(java: readonly string[], config: string): Promise<void> {
  const args = [...java, 'kafka.tools.StorageTool', 'format', '--cluster-id', newClusterId(), '--config', config];
  await run('java', args).catch((cause: unknown) => {
    const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr) : '';
    throw new Error(`Kafka's data directory could not be formatted:\n${said}`, { cause });
  });
}

/** 16 random bytes in base64url; the first bit is 0, so that the text can't begin with the dash of an option. */
function newClusterId(): string {
  const bytes = randomBytes(16);
  bytes.writeUInt8(bytes.readUInt8(0) & 0x7f, 0);
  return bytes.toString('base64url');
}
