/**
 * Follows Laurel's titles: every award, and who holds what now. It knows the schemas and nothing else of Laurel.
 * See README.md for how to run it.
 */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import avro from 'avsc';
import kafkajs from 'kafkajs';
import { compressFrame, decompressFrame } from 'lz4-napi';

const USAGE = `Usage: node examples/dist/subscriber.js [options]

  --brokers <host:port,…>    default: KAFKA_BROKERS, or localhost:9092
  --schemas <folder>         with AwardEvent.avsc and TitleHolders.avsc; default: schemas/avro
  --group <name>             go on where this group stopped; default: begin at the beginning
  --max <n>                  stop after n records
  --idle-seconds <seconds>   stop when nothing came for so long
  --help

Prints one line of JSON for each record, and at the end one with the holders: {"holders": {"<key>": [...]}}.
`;

const { values: options } = parseArgs({
  options: {
    brokers: { type: 'string', default: process.env['KAFKA_BROKERS'] ?? 'localhost:9092' },
    schemas: { type: 'string', default: 'schemas/avro' },
    group: { type: 'string', default: `laurel-example-${randomUUID()}` },
    max: { type: 'string', default: 'Infinity' },
    'idle-seconds': { type: 'string', default: 'Infinity' },
    help: { type: 'boolean', default: false },
  },
});

const AWARDS = 'titles.awards.v1';
const HOLDERS = 'titles.holders.v1';
const print = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

interface Holders {
  readonly holders: readonly { readonly user_id: string; readonly value: number }[];
}

/** CRC-64-AVRO of a schema's Parsing Canonical Form, as a record carries it (Avro specification, "Schema Fingerprints"). */
function fingerprintOf(type: avro.Type): Buffer {
  const empty = 0xc15d213aa4d7a795n;
  let crc = empty;
  for (const byte of Buffer.from(JSON.stringify(type.schema()))) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >> 1n) ^ (empty & -(crc & 1n) & 0xffff_ffff_ffff_ffffn);
  }
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(crc);
  return bytes;
}

/** Reads Avro's single-object encoding: C3 01, the schema's fingerprint, the value. */
async function reader(name: string): Promise<(bytes: Buffer) => unknown> {
  const schema = JSON.parse(await readFile(join(options.schemas, `${name}.avsc`), 'utf8')) as avro.Schema;
  const type = avro.Type.forSchema(schema);
  const header = Buffer.concat([Buffer.from([0xc3, 0x01]), fingerprintOf(type)]);
  return (bytes) => {
    if (!bytes.subarray(0, header.length).equals(header)) throw new Error(`not a ${name} of the schema at hand`);
    return type.fromBuffer(bytes.subarray(header.length)) as unknown;
  };
}

/** avsc names the branch of a union with several numbers, as {"long": 7}; JSON readers want 7. */
function withoutBranches(award: unknown): unknown {
  const { evidence, ...rest } = award as { evidence: Record<string, Record<string, unknown>> };
  const plain = Object.entries(evidence).map(([name, branch]) => [name, Object.values(branch)[0]]);
  return { ...rest, evidence: Object.fromEntries(plain) as unknown };
}

async function main(): Promise<void> {
  const readAward = await reader('AwardEvent');
  const readHolders = await reader('TitleHolders');
  // kafkajs brings gzip alone; Laurel writes lz4.
  kafkajs.CompressionCodecs[kafkajs.CompressionTypes.LZ4] = () => ({
    compress: (encoder: { buffer: Buffer }) => compressFrame(encoder.buffer),
    decompress: (bytes: Buffer) => decompressFrame(bytes),
  });
  const kafka = new kafkajs.Kafka({
    brokers: options.brokers.split(','),
    clientId: 'laurel-example',
    logLevel: kafkajs.logLevel.ERROR,
  });
  // Awards are written in transactions: read_committed, kafkajs' default, hides what was aborted.
  const consumer = kafka.consumer({ groupId: options.group, readUncommitted: false });
  const holders = new Map<string, Holders['holders']>();
  const max = Number(options.max);
  let count = 0;
  let lastAt = performance.now();

  await consumer.connect();
  await consumer.subscribe({ topics: [AWARDS, HOLDERS], fromBeginning: true });
  const done = new Promise<void>((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      // After other crashes, such as a broker that restarts, kafkajs begins again by itself.
      if (!payload.restart) reject(payload.error);
    });
    consumer.on(consumer.events.GROUP_JOIN, () => (lastAt = performance.now()));
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
    const idleMs = Number(options['idle-seconds']) * 1000;
    const watch = setInterval(() => {
      if (performance.now() - lastAt < idleMs) return;
      clearInterval(watch);
      resolve();
    }, 50).unref();
    void consumer.run({
      eachMessage: ({ topic, partition, message: { offset, key, value } }) => {
        count += 1;
        lastAt = performance.now();
        const name = key?.toString() ?? '';
        let decoded: unknown = null;
        if (topic === AWARDS && value !== null) decoded = withoutBranches(readAward(value));
        if (topic === HOLDERS) {
          // The last record of a key is the present state; one without a value says that nobody holds the title.
          const now = value === null ? null : (readHolders(value) as Holders);
          if (now === null) holders.delete(name);
          else holders.set(name, now.holders);
          decoded = now;
        }
        print({ topic, partition, offset: Number(offset), key: name, value: decoded });
        if (count >= max) {
          // What is left of the batch is then neither handed over nor committed.
          consumer.pause([{ topic: AWARDS }, { topic: HOLDERS }]);
          resolve();
        }
        return Promise.resolve();
      },
    });
  });
  try {
    await done;
  } finally {
    await consumer.disconnect();
  }
  print({ holders: Object.fromEntries([...holders].sort(([a], [b]) => (a < b ? -1 : 1))) });
}

if (options.help) process.stdout.write(USAGE);
else await main();
