/**
 * kafkajs reading a topic and doing nothing with it. Ends after so many records, and prints its own CPU seconds.
 *
 *     node consume-only.js <brokers> <topic> <group> <records>
 */
import kafkajs from 'kafkajs';

const [brokers = '', topic = '', groupId = '', count = '0'] = process.argv.slice(2);
const kafka = new kafkajs.Kafka({ brokers: brokers.split(','), logLevel: kafkajs.logLevel.ERROR });
const consumer = kafka.consumer({ groupId, maxBytesPerPartition: 8 * 1024 * 1024, maxBytes: 16 * 1024 * 1024 });
let consumed = 0;
let finish: () => void = () => undefined;
const finished = new Promise<void>((resolve) => (finish = resolve));

await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
await consumer.run({
  eachBatch: ({ batch }) => {
    consumed += batch.messages.length;
    if (consumed >= Number(count)) finish();
    return Promise.resolve();
  },
});
await finished;
const { user, system } = process.cpuUsage();
process.stdout.write(`${(user + system) / 1e6}\n`);
process.exit(0);
