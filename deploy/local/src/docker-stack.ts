import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GenericContainer, getContainerRuntimeClient, Wait, type StartedTestContainer } from 'testcontainers';
import { serverEnvironment } from './kafka/properties.js';
import { brokerIsReady } from './kafka/ready.js';
import { freePort } from './ports.js';
import type { Stack, StackOptions } from './start-stack.js';

const KAFKA_IMAGE = 'apache/kafka:4.3.0';
const CLICKHOUSE_IMAGE = 'clickhouse/clickhouse-server:26.7';
const CLICKHOUSE_USER = { username: 'laurel', password: 'laurel' };
const READY_TIMEOUT_MS = 60_000;

/**
 * Both as containers. Data lives in volumes named after the data directory: the images' users could not write there, and
 * what they wrote there would not be the caller's to remove.
 */
export async function startDockerStack(options: StackOptions): Promise<Stack> {
  const { dataDir, data = 'keep', onProgress = () => undefined } = options;
  const name = createHash('sha256').update(resolve(dataDir)).digest('hex').slice(0, 16);
  const volumes = { kafka: `laurel-${name}-kafka`, clickhouse: `laurel-${name}-clickhouse` };
  if (data === 'fresh') await removeVolumes(Object.values(volumes));
  const mount = (volume: string, target: string): Mount[] => (data === 'passing' ? [] : [{ source: volume, target }]);
  const kafkaPort = options.kafkaPort ?? (await freePort());
  const clickhousePort = options.clickhousePort ?? (await freePort());
  onProgress(`Starting ${KAFKA_IMAGE} on port ${kafkaPort} and ${CLICKHOUSE_IMAGE} on port ${clickhousePort} …`);
  const started = await startAll([
    () => startKafkaContainer(kafkaPort, mount(volumes.kafka, '/var/lib/kafka/data')),
    () => startClickHouseContainer(clickhousePort, mount(volumes.clickhouse, '/var/lib/clickhouse')),
  ]);
  return {
    kafka: { brokers: [`127.0.0.1:${kafkaPort}`] },
    clickhouse: { url: `http://127.0.0.1:${clickhousePort}`, ...CLICKHOUSE_USER },
    async stop() {
      await stopAll(started);
    },
  };
}

interface Mount {
  readonly source: string;
  readonly target: string;
}

/** The port is the same inside and outside, so that the advertised address is right for clients and for the broker. */
async function startKafkaContainer(port: number, mounts: Mount[]): Promise<StartedTestContainer> {
  const place = { logDir: '/var/lib/kafka/data', host: '0.0.0.0', port, controllerPort: port === 9093 ? 9094 : 9093 };
  const container = await new GenericContainer(KAFKA_IMAGE)
    .withEnvironment(serverEnvironment(place))
    .withExposedPorts({ container: port, host: port })
    .withBindMounts(mounts)
    .withWaitStrategy(Wait.forListeningPorts())
    .start();
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (!(await brokerIsReady(port))) {
    if (Date.now() > deadline) {
      await container.stop();
      throw new Error(`Kafka's container was not ready after ${READY_TIMEOUT_MS} ms`);
    }
    await sleep(100);
  }
  return container;
}

async function startClickHouseContainer(port: number, mounts: Mount[]): Promise<StartedTestContainer> {
  const { username, password } = CLICKHOUSE_USER;
  return new GenericContainer(CLICKHOUSE_IMAGE)
    .withEnvironment({
      CLICKHOUSE_USER: username,
      CLICKHOUSE_PASSWORD: password,
      CLICKHOUSE_DEFAULT_ACCESS_MANAGEMENT: '1',
    })
    .withExposedPorts({ container: 8123, host: port })
    .withUlimits({ nofile: { soft: 262_144, hard: 262_144 } })
    .withBindMounts(mounts)
    .withWaitStrategy(Wait.forHttp('/ping', 8123).forStatusCode(200))
    .withStartupTimeout(READY_TIMEOUT_MS)
    .start();
}

/** Starts side by side. When one fails, none stays. */
async function startAll(starts: readonly (() => Promise<StartedTestContainer>)[]): Promise<StartedTestContainer[]> {
  const results = await Promise.allSettled(starts.map((start) => start()));
  const started = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed === undefined) return started;
  await stopAll(started);
  throw failed.reason;
}

/** Ten seconds each for a clean end, then the engine kills. */
async function stopAll(containers: readonly StartedTestContainer[]): Promise<void> {
  await Promise.all(containers.map((container) => container.stop({ timeout: 10_000 })));
}

async function removeVolumes(names: readonly string[]): Promise<void> {
  const { dockerode } = (await getContainerRuntimeClient()).container;
  for (const name of names) {
    await dockerode
      .getVolume(name)
      .remove()
      .catch((error: unknown) => {
        if (!(typeof error === 'object' && error !== null && 'statusCode' in error && error.statusCode === 404))
          throw error;
      });
  }
}
