import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { deadLetter, topics, usageRecorded, type DeadLetterCode } from '@laurel/events';
import { readToEnd, RecordProducer } from '@laurel/kafka';
import type { Message } from 'kafkajs';
import { eventually } from './pipeline/eventually.js';
import { Pipeline } from './pipeline/pipeline.js';
import { toJson, usage } from './pipeline/usage.js';

const LAUREL = fileURLToPath(new URL('../../cli/dist/main.js', import.meta.url));

interface Ended {
  /** null after a signal. */
  readonly status: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** `laurel dead-letters …` in a process of its own. */
function command(
  pipeline: Pick<Pipeline, 'environment'>,
  ...args: readonly string[]
): { ended: Promise<Ended>; kill: () => void } {
  const child = spawn(process.execPath, [LAUREL, 'dead-letters', ...args], {
    env: { ...process.env, ...pipeline.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  const ended = (once(child, 'close') as Promise<[number | null]>).then(([status]) => ({
    status,
    stdout: Buffer.concat(out),
    stderr: Buffer.concat(err).toString(),
  }));
  return { ended, kill: () => child.kill('SIGKILL') };
}

const run = (pipeline: Pick<Pipeline, 'environment'>, ...args: readonly string[]): Promise<Ended> =>
  command(pipeline, ...args).ended;

interface LetterJson {
  readonly place: string;
  readonly code: DeadLetterCode;
  readonly key: string | null;
  readonly redriven_at: string | null;
  readonly redriven_from: string | null;
}

async function json<T>(ended: Promise<Ended>): Promise<T> {
  const { stdout, stderr } = await ended;
  if (stdout.length === 0) throw new Error(`nothing was printed: ${stderr}`);
  return JSON.parse(stdout.toString()) as T;
}

interface Groups {
  readonly open: number;
  readonly redriven: number;
  readonly groups: readonly { readonly code: string; readonly open: number; readonly redriven: number }[];
}

interface Letters {
  readonly matched: number;
  readonly letters: readonly LetterJson[];
}

interface RedriveJson {
  readonly sent: number;
  readonly sent_before: number;
  readonly letters: readonly LetterJson[];
}

interface Sent {
  readonly partition: number;
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** What is committed in the topic of events. */
async function committed(pipeline: Pipeline): Promise<Sent[]> {
  const found: Sent[] = [];
  await readToEnd(pipeline.kafka, {
    topic: pipeline.topic(topics.usageEvents.name),
    groupPrefix: pipeline.prefix,
    onRecord: ({ offset, key, value, headers }, partition) => {
      const texts = Object.entries(headers).map(([name, one]) => [name, Buffer.from(one ?? []).toString()]);
      const bytes = (part: Uint8Array | null): Buffer | null => (part === null ? null : Buffer.from(part));
      found.push({
        partition,
        offset,
        key: bytes(key),
        value: bytes(value),
        headers: Object.fromEntries(texts) as never,
      });
    },
  });
  // Partitions are read in any order.
  return found.sort((a, b) => a.partition - b.partition);
}

const SCHEMA_ID = 7;

/** A registry that knows one schema. */
async function startRegistry(): Promise<{ readonly url: string; readonly server: Server }> {
  const server = createServer((request, response) => {
    const isKnown = request.url === `/schemas/ids/${SCHEMA_ID}`;
    const schema = JSON.stringify(usageRecorded.type.schema({ exportAttrs: true }));
    response.statusCode = isKnown ? 200 : 404;
    response.end(JSON.stringify(isKnown ? { schema } : { error_code: 40403 }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

describe('dead letters', () => {
  const FRAMED = 40;
  let pipeline: Pipeline;
  let registry: Awaited<ReturnType<typeof startRegistry>>;
  const framed = Array.from({ length: FRAMED }, (_, serial) =>
    usage({ event_id: `framed-${serial}`, user_id: `u-${serial % 3}`, tokens: { input: serial } }),
  );
  const truncated = usageRecorded.encode(usage()).subarray(0, 40);
  const tooPrecise = toJson(usage({ event_id: 'precise', tokens: { input: 77 } })).replace(':77', ':9007199254740993');
  const list = (...args: readonly string[]): Promise<Letters> => json(run(pipeline, 'list', '--json', ...args));
  const groups = async (): Promise<Record<string, readonly [open: number, redriven: number]>> => {
    const listed = await json<Groups>(run(pipeline, 'list', '--json'));
    return Object.fromEntries(listed.groups.map(({ code, open, redriven }) => [code, [open, redriven]]));
  };

  beforeAll(async () => {
    registry = await startRegistry();
    pipeline = await Pipeline.create(['usage-ingest']);
    const producer = pipeline.kafka.producer();
    await producer.connect();
    const header = Buffer.alloc(5);
    header.writeUInt32BE(SCHEMA_ID, 1);
    const messages: Message[] = [
      ...framed.map((event, serial) => ({
        key: event.user_id,
        value: Buffer.concat([header, usageRecorded.encode(event).subarray(10)]),
        headers: { trace: Buffer.of(0xff, serial) },
        // Not where the key would take it.
        partition: serial % 6,
      })),
      ...Array.from({ length: 4 }, (_, serial) => ({ key: `half-${serial}`, value: '{"event_id": ', partition: 1 })),
      { key: Buffer.of(0xff, 0xfe), value: truncated, partition: 2 },
      { key: 'u-precise', value: tooPrecise, partition: 3 },
      { key: null, value: null, partition: 4 },
    ];
    await producer.send({ topic: pipeline.topic(topics.usageEvents.name), messages });
    await producer.disconnect();
    await pipeline.publish([usage({ event_id: 'good', tokens: { input: 1 } })]);
    await pipeline.ingested();
    await repeatLetters();
  });

  /** What a batch does that is repeated after a crash: the same letters under the same keys. */
  async function repeatLetters(): Promise<void> {
    const copies: Message[] = [];
    const topic = pipeline.topic(topics.deadLetters.name);
    await readToEnd(pipeline.kafka, {
      topic,
      groupPrefix: pipeline.prefix,
      onRecord: ({ key, value }) => {
        if (value === null) return;
        const again = { ...deadLetter.decode(value), rejected_at: Date.now() };
        copies.push({ key: Buffer.from(key ?? []), value: deadLetter.encode(again) });
      },
    });
    const producer = pipeline.kafka.producer();
    await producer.connect();
    await producer.send({ topic, messages: copies });
    await producer.disconnect();
  }

  afterAll(async () => {
    await pipeline.close();
    registry.server.close();
  });

  it('are counted by code, each once though it is there twice', async () => {
    expect(await groups()).toEqual({
      unknown_schema: [FRAMED, 0],
      malformed_json: [4, 0],
      malformed_avro: [1, 0],
      count_out_of_range: [1, 0],
      empty_record: [1, 0],
    });
    const { stdout, status } = await run(pipeline, 'list');
    expect(status).toBe(0);
    expect(stdout.toString()).toMatch(/unknown_schema.* 40 /);
    expect(stdout.toString()).toContain('47 open, 0 redriven');
  });

  it('are listed newest first, by code, key, topic, time and number', async () => {
    const { matched, letters } = await list('--code', 'unknown_schema', '--limit', '5');
    expect([matched, letters.length]).toEqual([FRAMED, 5]);
    expect(new Set(letters.map(({ code }) => code))).toEqual(new Set(['unknown_schema']));
    expect((await list('--key', 'u-1')).matched).toBe(framed.filter(({ user_id }) => user_id === 'u-1').length);
    expect((await list('--topic', topics.usageEvents.name, '--since', '1h')).matched).toBe(47);
    expect((await list('--since', String(Date.now() + 1000))).matched).toBe(0);
    expect((await list('--until', '1h')).matched).toBe(0);
    const times = (await list('--limit', '100')).letters.map(
      (letter) => (letter as unknown as { rejected_at: string }).rejected_at,
    );
    expect(times).toEqual([...times].sort().reverse());
    expect((await run(pipeline, 'list', '--code', 'too_late')).status).toBe(2);
  });

  it('are shown one at a time, decoded as far as can be, and raw to the byte', async () => {
    const placeOf = async (code: string): Promise<string> => (await list('--code', code)).letters[0]?.place ?? '';
    const [precise, cut, tombstone, half, schema] = await Promise.all(
      ['count_out_of_range', 'malformed_avro', 'empty_record', 'malformed_json', 'unknown_schema'].map(placeOf),
    );
    const shown = async (place = '', ...args: readonly string[]): Promise<string> =>
      (await run(pipeline, 'show', place, ...args)).stdout.toString();
    // The very number that it was rejected for, which JSON.parse would round.
    expect(await shown(precise)).toContain('"input": 9007199254740993,');
    expect(await shown(cut)).toContain('|');
    expect(await shown(cut)).toContain('00000000  c3 01 ');
    expect(await shown(cut)).toContain('0xfffe');
    expect(await shown(tombstone)).toMatch(/value +\(none\)/);
    expect(await shown(half)).toContain('{"event_id": ');
    expect(await shown(schema)).toMatch(/schema id 7; LAUREL_SCHEMA_REGISTRY_URL is not set/);
    expect((await run(pipeline, 'show', cut ?? '', '--raw')).stdout).toEqual(truncated);
    expect((await run(pipeline, 'show', 'no/1/2')).status).toBe(2);
  });

  it('are decoded by the registry once there is one', async () => {
    const place = (await list('--code', 'unknown_schema', '--key', 'u-2')).letters[0]?.place ?? '';
    const overridden = { environment: { ...pipeline.environment, LAUREL_SCHEMA_REGISTRY_URL: registry.url } };
    const { stdout } = await run(overridden, 'show', place);
    expect(stdout.toString()).toContain('"user_id": "u-2"');
  });

  it('stay where they are in a dry run, without consent, and when the choice is unclear or wrong', async () => {
    const before = await committed(pipeline);
    const dry = await json<{ would_send: number }>(run(pipeline, 'redrive', '--all', '--dry-run', '--json'));
    expect(dry.would_send).toBe(47);
    expect(await run(pipeline, 'redrive', '--all')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('--yes') as string,
    });
    expect(await run(pipeline, 'redrive', '--yes')).toMatchObject({ status: 1 });
    expect(await run(pipeline, 'redrive', '--yes', '--all', '--code', 'too_late')).toMatchObject({ status: 1 });
    const [known] = (await list('--limit', '1')).letters;
    const wrong = await run(pipeline, 'redrive', '--yes', known?.place ?? '', 'no/such/place');
    expect(wrong).toMatchObject({ status: 2, stderr: expect.stringContaining('no/such/place') as string });
    expect(await committed(pipeline)).toEqual(before);
  });

  it('count exactly once when they are sent again after the fault is gone, and are sent but once', async () => {
    const before = await committed(pipeline);
    await pipeline.service('usage-ingest').end('SIGTERM');
    await pipeline.start('usage-ingest', { LAUREL_SCHEMA_REGISTRY_URL: registry.url });
    const redriven = await json<RedriveJson>(run(pipeline, 'redrive', '--code', 'unknown_schema', '--yes', '--json'));
    expect(redriven.sent).toBe(FRAMED);
    await pipeline.ingested();
    const stored =
      "SELECT count() AS events, sum(input_tokens) AS input FROM usage_events FINAL WHERE event_id LIKE 'framed-%'";
    const whole = { events: String(FRAMED), input: String((FRAMED * (FRAMED - 1)) / 2) };
    expect(await pipeline.rows(stored)).toEqual([whole]);

    const again = await json<RedriveJson>(run(pipeline, 'redrive', '--code', 'unknown_schema', '--yes', '--json'));
    expect(again).toMatchObject({ sent: 0, sent_before: FRAMED });
    expect((await run(pipeline, 'redrive', '--code', 'unknown_schema', '--yes')).status).toBe(2);
    const one = redriven.letters[0]?.place ?? '';
    expect(await json(run(pipeline, 'redrive', one, '--yes', '--json'))).toMatchObject({ sent: 0, sent_before: 1 });

    const after = await committed(pipeline);
    const resent = after.filter(({ headers }) => headers['redriven-from'] !== undefined);
    expect(after.length - before.length).toBe(FRAMED);
    expect(resent).toHaveLength(FRAMED);
    const plain = ({ partition, key, value, headers: { trace } }: Sent): string =>
      JSON.stringify([partition, key, value, trace]);
    // But for the header they are what they were, and where.
    expect(resent.map(plain).sort()).toEqual(
      before
        .filter(({ headers }) => 'trace' in headers)
        .map(plain)
        .sort(),
    );
    for (const { headers } of resent) expect(Object.keys(headers).sort()).toEqual(['redriven-from', 'trace']);
    expect(await groups()).toMatchObject({ unknown_schema: [0, FRAMED], malformed_json: [4, 0] });
  });

  it('stay sent when the batch that they came from is repeated after the redrive', async () => {
    await repeatLetters();
    expect(await groups()).toMatchObject({ unknown_schema: [0, FRAMED], malformed_json: [4, 0] });
    expect((await run(pipeline, 'redrive', '--code', 'unknown_schema', '--yes')).status).toBe(2);
  });

  it('come back as new ones, with their history, when the fault is still there', async () => {
    const [first] = (await list('--code', 'malformed_json')).letters;
    const place = first?.place ?? '';
    expect(await json(run(pipeline, 'redrive', place, '--yes', '--json'))).toMatchObject({ sent: 1 });
    await pipeline.ingested();
    const successor = (await list('--code', 'malformed_json')).letters.find((one) => one.redriven_from === place);
    expect(successor?.place).not.toBe(place);
    expect(await groups()).toMatchObject({ malformed_json: [4, 1] });
    expect((await run(pipeline, 'show', place)).stdout.toString()).toContain(successor?.place ?? 'none');
    expect((await run(pipeline, 'show', successor?.place ?? '')).stdout.toString()).toMatch(
      /sent from +\S+ \(malformed_json\)/,
    );
    expect(await json(run(pipeline, 'redrive', successor?.place ?? '', '--yes', '--json'))).toMatchObject({ sent: 1 });
  });

  it('are never sent to a topic that is not ours, or not there', async () => {
    const producer = new RecordProducer(pipeline.kafka, pipeline.prefix);
    await producer.connect();
    await producer.send(topics.deadLetters.name, [letterOf('billing.orders.v1', 0, 'someone else’s')]);
    await producer.close();
    const refused = await run(pipeline, 'redrive', '--all', '--yes');
    expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining('billing.orders.v1') as string });
    // The others can still be chosen.
    const ours = await json<{ would_send: number }>(
      run(pipeline, 'redrive', '--topic', topics.usageEvents.name, '--dry-run', '--json'),
    );
    expect(ours.would_send).toBeGreaterThan(0);

    const bare = { ...pipeline.environment, LAUREL_TOPIC_PREFIX: `${pipeline.prefix}bare.` };
    const missing = await run({ environment: bare }, 'list');
    expect(missing).toMatchObject({ status: 1, stderr: expect.stringContaining('laurel topics apply') as string });
  });
});

/** A letter as ingest writes it, of a record at `offset`. */
function letterOf(topic: string, offset: number, value: string) {
  const partition = offset % 6;
  return {
    key: `${topic}/${partition}/${offset}`,
    headers: { code: 'storage_rejected' },
    value: deadLetter.encode({
      code: 'storage_rejected',
      message: 'made by a test',
      field: null,
      topic,
      partition,
      offset,
      record_timestamp: Date.UTC(2026, 9, 1) + offset,
      key: Buffer.from(`u-${offset % 10}`),
      value: Buffer.from(value),
      headers: [],
      rejected_at: Date.now(),
    }),
  };
}

describe('a redrive', () => {
  const LETTERS = 1500;
  /** About 25 a transaction, so that there are many. */
  const PADDING = 'x'.repeat(20_000);
  let pipeline: Pipeline;
  /** Records of the topic of events that were seen, committed or not. */
  let seen = 0;
  let onSeen = (): void => undefined;
  let watcher: { disconnect: () => Promise<void> };

  beforeEach(async () => {
    pipeline = await Pipeline.create([]);
    const events = pipeline.topic(topics.usageEvents.name);
    // Only leaders can say where a new topic ends, and nothing can be written before it has them.
    for (const { name } of [topics.usageEvents, topics.deadLetters])
      await eventually(`leaders of ${name}`, () => pipeline.endOffsets(name).catch(() => undefined));
    const producer = new RecordProducer(pipeline.kafka, pipeline.prefix);
    await producer.connect();
    await producer.send(
      topics.deadLetters.name,
      Array.from({ length: LETTERS }, (_, serial) => letterOf(events, serial, `${serial} ${PADDING}`)),
    );
    await producer.close();
    seen = 0;
    onSeen = () => undefined;
    const consumer = pipeline.kafka.consumer({
      groupId: `${pipeline.prefix}watcher`,
      readUncommitted: true,
      maxWaitTimeInMs: 50,
    });
    await consumer.connect();
    await consumer.subscribe({ topic: events, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: ({ batch }) => {
        seen += batch.messages.length;
        onSeen();
        return Promise.resolve();
      },
    });
    watcher = consumer;
  });

  afterEach(async () => {
    await watcher.disconnect();
    await pipeline.close();
  });

  /** How often each letter was sent, read committed: the counts that there are, and how many have each. */
  async function sendings(): Promise<Record<number, number>> {
    const times = new Map<number, number>();
    for (const { value } of await committed(pipeline)) {
      const serial = Number.parseInt(String(value), 10);
      times.set(serial, (times.get(serial) ?? 0) + 1);
    }
    const counts: Record<number, number> = {};
    for (const count of times.values()) counts[count] = (counts[count] ?? 0) + 1;
    return counts;
  }

  it('that is killed within its transactions, again and again, sends each letter once in the end', async () => {
    for (let kills = 0, wasted = 0; kills < 4 || wasted === 0; kills += 1) {
      if (kills === 12) throw new Error('no kill met an open transaction');
      const start = seen;
      const killed = command(pipeline, 'redrive', '--all', '--yes');
      // After the first transaction, as soon as the next one's records are there: before its markers and its commit.
      onSeen = () => seen > start + 30 && killed.kill();
      expect((await killed.ended).status).toBe(null);
      onSeen = () => undefined;
      // What the watcher has seen and nobody else ever will.
      wasted += seen - Object.entries(await sendings()).reduce((sum, [times, of]) => sum + Number(times) * of, 0);
    }
    const partly = await sendings();
    expect(partly[1]).toBeGreaterThan(0);
    expect(partly[1]).toBeLessThan(LETTERS);
    const { sent, sent_before } = await json<RedriveJson>(run(pipeline, 'redrive', '--all', '--yes', '--json'));
    expect(sent).toBeGreaterThan(0);
    expect(sent + sent_before).toBe(LETTERS);
    expect(await sendings()).toEqual({ 1: LETTERS });
    expect((await run(pipeline, 'redrive', '--all', '--yes')).status).toBe(2);
    expect(await sendings()).toEqual({ 1: LETTERS });
  });

  it('that begins while another one runs takes over, and each letter is sent once', async () => {
    const former = [run(pipeline, 'redrive', '--all', '--yes', '--rate', '40')];
    await eventually('it to send some', () => Promise.resolve(seen > 30));
    for (let takeovers = 1; takeovers < 4; takeovers += 1) {
      const before = former.at(-1);
      former.push(run(pipeline, 'redrive', '--all', '--yes', '--rate', '40'));
      // So the next one begins only when this one has taken over, however long a process takes to start.
      await before;
    }
    const last = await Promise.all([1, 2].map(() => run(pipeline, 'redrive', '--all', '--yes')));
    for (const one of await Promise.all(former))
      expect(one).toMatchObject({ status: 1, stderr: expect.stringContaining('another redrive') as string });
    expect(last.filter(({ status }) => status === 0).length).toBeGreaterThan(0);
    expect(await sendings()).toEqual({ 1: LETTERS });
  });
});
