import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startClickHouse } from './clickhouse/start.js';
import { startKafka } from './kafka/start.js';
import type { Stack, StackOptions } from './start-stack.js';

/** Both as processes of this machine, side by side. When one doesn't start, the other doesn't stay. */
export async function startLocalStack(options: StackOptions): Promise<Stack> {
  const { dataDir, data = 'keep', kafkaPort, clickhousePort, onProgress } = options;
  const parts = [join(dataDir, 'kafka'), join(dataDir, 'clickhouse')] as const;
  const removeData = () => Promise.all(parts.map((part) => rm(part, { recursive: true, force: true })));
  if (data === 'fresh') await removeData();
  const progress = onProgress === undefined ? {} : { onProgress };
  const [kafka, clickhouse] = await Promise.allSettled([
    startKafka({
      dataDir: parts[0],
      ...(kafkaPort === undefined ? {} : { port: kafkaPort }),
      ...progress,
    }),
    startClickHouse({
      dataDir: parts[1],
      ...(clickhousePort === undefined ? {} : { port: clickhousePort }),
      ...progress,
    }),
  ]);
  if (kafka.status === 'rejected') {
    if (clickhouse.status === 'fulfilled') await clickhouse.value.stop();
    throw kafka.reason;
  }
  if (clickhouse.status === 'rejected') {
    await kafka.value.stop();
    throw clickhouse.reason;
  }
  const { url, username, password } = clickhouse.value;
  return {
    kafka: { brokers: kafka.value.brokers },
    clickhouse: { url, username, password },
    async stop() {
      await Promise.all([kafka.value.stop(), clickhouse.value.stop()]);
      if (data === 'passing') await removeData();
    },
  };
}
