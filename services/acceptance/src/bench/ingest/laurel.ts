import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { topics } from '@laurel/events';
import { ServiceProcess } from '../../pipeline/service-process.js';
import type { BenchStack } from '../bench-stack.js';
import { CpuMeter } from '../processes.js';
import { checkTotals, type FilledTopic, type Peer } from './peer.js';

const LAUREL = fileURLToPath(new URL('../../../../cli/dist/main.js', import.meta.url));
const run = promisify(execFile);

const POLL_MS = 200;

/**
 * usage-ingest and one usage-projector with their default settings. What is timed begins with the processes and ends when all is
 * projected: so a second or two of Node's and Nest's start is in it.
 *
 * @param instances of usage-ingest.
 * @param options of Node's own, for the services.
 */
export const laurel = (instances: number, options: readonly string[] = []): Peer => ({
  name: instances === 1 ? 'Laurel' : `Laurel, ${instances} instances`,
  does: 'validates, deduplicates, keeps dead letters and a ledger; minutes, hours and days, exact',
  framings: ['avro', 'json'],
  run: (stack, filled) =>
    stack.inDatabase('laurel_run', async (client) => {
      const own = stack.environment(filled.prefix, 'laurel_run');
      await setUp(own);
      await beginAnew(stack, filled);

      const meter = new CpuMeter({ clickhouse: stack.pids.clickhouse });
      const names = ['usage-projector', ...Array.from({ length: instances }, () => 'usage-ingest' as const)] as const;
      const services = await Promise.all(names.map((name) => ServiceProcess.start(name, own, options)));
      try {
        await untilProjected(stack, filled);
        const begun = Object.fromEntries(services.map((service, index) => [`${service.name} ${index}`, service.pid]));
        const cost = meter.stop(begun);
        await checkTotals(client, 'usage', filled.totals);
        await checkTotals(client, 'usage_by_day', filled.totals);
        return cost;
      } finally {
        await Promise.all(services.map((service) => service.end('SIGTERM')));
      }
    }),
});

/** Topics and tables, where they aren't there yet. */
export async function setUp(environment: NodeJS.ProcessEnv): Promise<void> {
  for (const what of ['topics', 'migrate']) {
    await run(process.execPath, [LAUREL, what, 'apply'], { env: { ...process.env, ...environment } });
  }
}

const groupOf = ({ prefix }: Pick<FilledTopic, 'prefix'>, service: string): string => `${prefix}laurel-${service}`;

/** No group has read anything, but for announcements of an earlier run, which are past. */
async function beginAnew(stack: BenchStack, filled: FilledTopic): Promise<void> {
  const admin = stack.kafka.admin();
  await admin.connect();
  try {
    const groups = [groupOf(filled, 'usage-ingest'), groupOf(filled, 'usage-projector')];
    const { groups: known } = await admin.listGroups();
    const there = groups.filter((group) => known.some(({ groupId }) => groupId === group));
    if (there.length > 0) await admin.deleteGroups(there);
    const topic = filled.prefix + topics.usageStored.name;
    const ends = await admin.fetchTopicOffsets(topic);
    await admin.setOffsets({
      groupId: groupOf(filled, 'usage-projector'),
      topic,
      partitions: ends.map(({ partition, high }) => ({ partition, offset: high })),
    });
  } finally {
    await admin.disconnect();
  }
}

/** Resolves when both groups have committed all there is; a projector commits only what has its figures. */
export async function untilProjected(stack: BenchStack, filled: Pick<FilledTopic, 'prefix' | 'topic'>): Promise<void> {
  const admin = stack.kafka.admin();
  await admin.connect();
  const lag = async (service: string, topic: string): Promise<number> => {
    const [ends, [group]] = await Promise.all([
      admin.fetchTopicOffsets(topic),
      admin.fetchOffsets({ groupId: groupOf(filled, service), topics: [topic] }),
    ]);
    const committed = new Map(group?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
    return ends.reduce(
      (sum, { partition, high }) => sum + Number(high) - Math.max(0, committed.get(partition) ?? 0),
      0,
    );
  };
  try {
    while (
      (await lag('usage-ingest', filled.topic)) > 0 ||
      (await lag('usage-projector', filled.prefix + topics.usageStored.name)) > 0
    ) {
      await sleep(POLL_MS);
    }
  } finally {
    await admin.disconnect();
  }
}
