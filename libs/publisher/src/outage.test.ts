import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { startKafka, type LocalKafka } from '@laurel/local-stack';
import { usageRecorded } from '@laurel/events';
import { createPublisher } from './index.js';
import { REPORT_DELAY_EVERY_MS } from './publisher.js';
import { newTopic, readTopic } from './testing/topics.js';
import { usage } from './testing/usage.js';

const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;

let dataDir: string;
let kafka: LocalKafka | undefined;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'laurel-outage-'));
  kafka = await startKafka({ dataDir, heapMiB: 384 });
}, 120_000);

afterAll(async () => {
  await kafka?.kill('SIGKILL');
  await rm(dataDir, { recursive: true, force: true });
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What is held: the heap and the buffers outside it, without what only waits to be collected, as of the test runner's. */
function heldBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

it('loses nothing when the broker is killed under load and comes back, and its memory stays bounded', async () => {
  if (kafka === undefined) throw new Error('no broker');
  const { brokers } = kafka;
  const port = Number(brokers[0]?.split(':')[1]);
  const topic = await newTopic(brokers);
  const errors = new Map<string, number>();
  const startedAt = performance.now();
  const publisher = createPublisher({
    kafka: { brokers, connectionTimeoutMs: 1_000 },
    source: 'outage-test',
    topic,
    maxBufferedBytes: MAX_BUFFERED_BYTES,
    maxRetryDelayMs: 500,
    onError: ({ code }) => errors.set(code, (errors.get(code) ?? 0) + 1),
  });
  let recorded = 0;
  const recordOne = (): boolean => {
    const result = publisher.record(usage({ user_id: `u-${recorded % 50}`, event_id: `e-${recorded}` }));
    if (result.accepted) recorded += 1;
    return result.accepted;
  };

  // 1. All is well, then the broker dies with requests in flight.
  for (let at = 0; at < 5_000; at += 1) recordOne();
  await publisher.flush();
  for (let at = 0; at < 2_000; at += 1) recordOne();
  await kafka.kill('SIGKILL');

  // 2. The tool goes on until the buffer is full; then it goes on trying, and the memory does not grow.
  while (!publisher.full) expect(recordOne()).toBe(true);
  const waiting = publisher.stats().buffered;
  const full = heldBytes();
  for (let at = 0; at < 200_000; at += 1) expect(recordOne()).toBe(false);
  expect(publisher.stats()).toMatchObject({ buffered: waiting, rejected: 200_000 });
  expect(publisher.stats().bufferedBytes).toBeLessThanOrEqual(MAX_BUFFERED_BYTES);
  expect(heldBytes() - full).toBeLessThan(8 * 1024 * 1024);
  await expect(publisher.flush({ timeoutMs: 4_000 })).rejects.toMatchObject({ code: 'timeout', retryable: true });
  expect(publisher.stats().delayedSinceMs).not.toBeNull();
  const { delivery_delayed: delays, ...others } = Object.fromEntries(errors);
  expect(others).toEqual({ buffer_full: 200_000 });
  expect(delays).toBeGreaterThanOrEqual(1);
  expect(delays).toBeLessThanOrEqual(1 + (performance.now() - startedAt) / REPORT_DELAY_EVERY_MS);

  // 3. It comes back on the same port, and everything arrives.
  kafka = await startKafka({ dataDir, port, heapMiB: 384 });
  await publisher.ready();
  for (let at = 0; at < 1_000; at += 1) expect(recordOne()).toBe(true);
  expect(await publisher.close()).toEqual({ undelivered: [] });
  expect(publisher.stats()).toMatchObject({ recorded, acknowledged: recorded, undelivered: 0, buffered: 0 });

  const found = new Set<string>();
  let read = 0;
  const records = await readTopic(brokers, topic, (all) => {
    for (; read < all.length; read += 1) {
      const record = all[read];
      if (record !== undefined) found.add(usageRecorded.decode(record.value).event_id);
    }
    return found.size >= recorded;
  });
  expect(found.size).toBe(recorded);
  // A request whose answer was lost is repeated whole: the same events again, so each user's order of firsts stands.
  const firsts = new Map<string, number>();
  for (const { key, value } of records) {
    const at = Number(usageRecorded.decode(value).event_id.slice(2));
    const last = firsts.get(key) ?? -1;
    if (at > last) {
      expect(at - last).toBe(last === -1 ? Number(key.slice(2)) + 1 : 50);
      firsts.set(key, at);
    }
  }
}, 180_000);
