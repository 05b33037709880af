/**
 * Publishes so many events as fast as it goes, by one client, and prints the seconds and CPU seconds that it took.
 *
 *     node programs.js <sdk|kafkajs> <brokers> <topic> <events> <compression>
 */
import kafkajs from 'kafkajs';
import { usageRecorded } from '@laurel/events';
import { createPublisher, type Compression } from '@laurel/publisher';
import { benchEvents, compactJson } from '../events.js';

const [client = '', brokers = '', topic = '', count = '0', compression = 'none'] = process.argv.slice(2);
const events = Number(count);
/** Made before anything is timed, and published again and again under other ids. */
const made = [...benchEvents({ events: 50_000, people: 5_000, fromMs: Date.now() - 1000, toMs: Date.now(), seed: 7 })];
const eventAt = (index: number) => {
  const event = made[index % made.length];
  if (event === undefined) throw new Error('there are no events');
  return { ...event, event_id: `${event.event_id}-${index}` };
};

/** Laurel's: validated, encoded, batched and acknowledged. */
async function bySdk(): Promise<void> {
  const publisher = createPublisher({
    kafka: { brokers: brokers.split(',') },
    topic,
    source: 'bench',
    compression: compression as Compression,
  });
  for (let index = 0; index < events; index += 1) {
    if (publisher.full) await publisher.ready();
    const result = publisher.record(eventAt(index));
    if (!result.accepted) throw result.error;
  }
  await publisher.flush({ timeoutMs: 120_000 });
  await publisher.close();
}

const LOT = 1000;

/** What a team would write: no validation, lots made by hand, one after the other. */
async function byKafkajs(encode: (event: ReturnType<typeof eventAt>) => Buffer): Promise<void> {
  const producer = new kafkajs.Kafka({ brokers: brokers.split(','), logLevel: kafkajs.logLevel.ERROR }).producer({
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  for (let from = 0; from < events; from += LOT) {
    const messages = Array.from({ length: Math.min(LOT, events - from) }, (_, index) => {
      const event = eventAt(from + index);
      return { key: event.user_id, value: encode(event) };
    });
    await producer.send({ topic, messages, acks: -1 });
  }
  await producer.disconnect();
}

const ways: Readonly<Record<string, () => Promise<void>>> = {
  sdk: bySdk,
  'kafkajs-avro': () => byKafkajs((event) => usageRecorded.encode(event)),
  'kafkajs-json': () => byKafkajs((event) => Buffer.from(compactJson(event))),
};
const way = ways[client];
if (way === undefined) throw new Error(`there is no client ${client}`);
const before = process.cpuUsage();
const began = performance.now();
await way();
const { user, system } = process.cpuUsage(before);
process.stdout.write(`${(performance.now() - began) / 1000} ${(user + system) / 1e6}\n`);
process.exit(0);
