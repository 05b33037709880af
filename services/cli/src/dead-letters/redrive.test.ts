import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { topics } from '@laurel/events';
import { applyTopics, FencedWriter, kafkaClient, readToEnd, RecordProducer, type Kafka } from '@laurel/kafka';
import { keepTrying } from '@laurel/stream';
import { letter, written } from './letters.fixture.js';
import { foldLetters } from './read-letters.js';
import { redrive, TRANSACTIONAL_ID } from './redrive.js';
import { marker } from './redriven.js';

function testKafka(): Kafka {
  const brokers = process.env['LAUREL_TEST_KAFKA_BROKERS'];
  if (brokers === undefined)
    throw new Error(
      'LAUREL_TEST_KAFKA_BROKERS is not set; run: node deploy/local/dist/with-stack.js -- <this command>',
    );
  return kafkaClient({ brokers: brokers.split(','), clientId: 'laurel-cli-test' });
}

const kafka = testKafka();

describe('a redrive', () => {
  const LETTERS = 20;
  let topicPrefix: string;
  let events: string;

  beforeEach(async () => {
    topicPrefix = `cli-test-${randomUUID()}.`;
    events = topicPrefix + topics.usageEvents.name;
    const declared = [topics.usageEvents, topics.deadLetters];
    await applyTopics(kafka, declared, { prefix: topicPrefix, replicationFactor: -1 });
    for (const { name } of declared) await led(topicPrefix + name);
    await write(Array.from({ length: LETTERS }, (_, offset) => letter({ topic: events, offset, value: text(offset) })));
  });

  /** Waits until a new topic has leaders, which only they can say. */
  async function led(topic: string): Promise<void> {
    const admin = kafka.admin();
    await admin.connect();
    const ask = () => admin.fetchTopicOffsets(topic);
    await keepTrying('leaders', ask, { classify: () => 'retriable', withinMs: 30_000 });
    await admin.disconnect();
  }

  const text = (serial: number): Buffer => Buffer.from(String(serial));

  async function write(letters: readonly ReturnType<typeof letter>[]): Promise<void> {
    const producer = new RecordProducer(kafka, topicPrefix);
    await producer.connect();
    await producer.send(topics.deadLetters.name, letters.map(written));
    await producer.close();
  }

  async function sentValues(): Promise<readonly number[]> {
    const values: number[] = [];
    await readToEnd(kafka, {
      topic: events,
      groupPrefix: topicPrefix,
      onRecord: ({ value }) => void values.push(Number(Buffer.from(value ?? []).toString())),
    });
    return values.sort((a, b) => a - b);
  }

  /** The broker answers a commit before its readers see it. */
  async function expectSent(values: readonly number[]): Promise<void> {
    const deadline = Date.now() + 20_000;
    while ((await sentValues()).length < values.length && Date.now() < deadline) await sleep(20);
    expect(await sentValues()).toEqual(values);
  }

  const all = Array.from({ length: LETTERS }, (_, serial) => serial);
  const lettersOf = async () => (await foldLetters({ kafka, topicPrefix })).letters();

  it('sees what another one sent up to the moment that it was shut out', async () => {
    const chosen = await lettersOf();
    const former = await FencedWriter.claim(kafka, topicPrefix + TRANSACTIONAL_ID, topicPrefix);
    // The former one sends a letter while the later one is already on its way to the claim.
    const sendOne = async (): Promise<void> => {
      const one = chosen.find(({ offset }) => offset === 3);
      if (one === undefined) throw new Error('there is no letter');
      await former.write({
        [topics.usageEvents.name]: [{ key: 'u-ada', value: text(3) }],
        [topics.deadLetters.name]: [marker(one, Date.now())],
      });
    };
    const later = new Proxy(kafka, {
      get: (target, name) => {
        if (name !== 'producer') return Reflect.get(target, name) as unknown;
        return (...options: Parameters<Kafka['producer']>) => {
          const producer = target.producer(...options);
          const connect = producer.connect.bind(producer);
          return { ...producer, connect: () => sendOne().then(connect) };
        };
      },
    });
    try {
      const { sent, sentBefore } = await redrive({ kafka: later, topicPrefix }, chosen);
      expect([sent.length, sentBefore.map(({ offset }) => offset)]).toEqual([LETTERS - 1, [3]]);
      await expectSent(all);
    } finally {
      await former.close();
    }
  });

  it.each([
    ['goes alone', 600_000],
    ['goes with others', 100_000],
  ])('sends the others when a topic takes one no more that %s, and names that one', async (_, size) => {
    const strict = { ...topics.usageEvents, config: { ...topics.usageEvents.config, 'max.message.bytes': '20000' } };
    await applyTopics(kafka, [strict], { prefix: topicPrefix, replicationFactor: -1 });
    const noise = Buffer.from(Array.from({ length: size }, () => Math.floor(Math.random() * 256)));
    await write([letter({ topic: events, offset: LETTERS, value: noise })]);
    const { sent, tooLarge } = await redrive({ kafka, topicPrefix }, await lettersOf());
    expect([sent.length, tooLarge.map(({ offset }) => offset)]).toEqual([LETTERS, [LETTERS]]);
    await expectSent(all);
    const open = (await lettersOf()).filter(({ redrivenAtMs }) => redrivenAtMs === undefined);
    expect(open.map(({ offset }) => offset)).toEqual([LETTERS]);
  });

  it('never sends a record of which only the beginning was kept', async () => {
    const cut = written(letter({ topic: events, offset: LETTERS, value: text(LETTERS) }));
    const producer = new RecordProducer(kafka, topicPrefix);
    await producer.connect();
    await producer.send(topics.deadLetters.name, [{ ...cut, headers: { ...cut.headers, truncated: '90000' } }]);
    await producer.close();
    const { sent, truncated } = await redrive({ kafka, topicPrefix }, await lettersOf());
    expect([sent.length, truncated.map(({ offset }) => offset)]).toEqual([LETTERS, [LETTERS]]);
    await expectSent(all);
  });

  it('never sends a whole batch of the log that could not be read, and names it', async () => {
    const batch = written(letter({ topic: events, offset: LETTERS, value: text(LETTERS) }));
    const producer = new RecordProducer(kafka, topicPrefix);
    await producer.connect();
    await producer.send(topics.deadLetters.name, [{ ...batch, headers: { ...batch.headers, 'batch-from': '17' } }]);
    await producer.close();
    const { sent, batches } = await redrive({ kafka, topicPrefix }, await lettersOf());
    expect([sent.length, batches.map(({ batchFrom }) => batchFrom)]).toEqual([LETTERS, [17]]);
    await expectSent(all);
  });

  it('keeps to the rate that it is given', async () => {
    const progress: number[] = [];
    const startedAtMs = Date.now();
    await redrive({ kafka, topicPrefix }, await lettersOf(), {
      perSecond: 8,
      onProgress: (sent, total) => progress.push(sent / total),
    });
    expect(Date.now() - startedAtMs).toBeGreaterThanOrEqual((LETTERS / 8) * 1000);
    expect(progress).toEqual([0.2, 0.4, 0.6, 0.8, 1]);
    await expectSent(all);
  });

  it('refuses topics that are not ours or not there, before it sends anything', async () => {
    await write([letter({ topic: 'someone.else', offset: 1 })]);
    await expect(redrive({ kafka, topicPrefix }, await lettersOf())).rejects.toMatchObject({ code: 'not_ours' });
    const awards = topicPrefix + topics.titleAwards.name;
    await write([letter({ topic: awards, offset: 1 })]);
    const award = (await lettersOf()).filter(({ topic }) => topic === awards);
    await expect(redrive({ kafka, topicPrefix }, award)).rejects.toMatchObject({ code: 'not_ours' });
    await write([letter({ topic: topicPrefix + topics.usageOutcomes.name, offset: 1 })]);
    const outcomes = (await lettersOf()).filter(({ topic }) => topic.endsWith(topics.usageOutcomes.name));
    await expect(redrive({ kafka, topicPrefix }, outcomes)).rejects.toMatchObject({ code: 'missing_topic' });
    expect(await sentValues()).toEqual([]);
  });

  it('names letters that the topic has no more', async () => {
    const chosen = await lettersOf();
    const gone = { ...chosen[0], place: `${events}/0/999`, offset: 999 } as (typeof chosen)[number];
    const result = await redrive({ kafka, topicPrefix }, [...chosen, gone]);
    expect([result.sent.length, result.gone.map(({ offset }) => offset)]).toEqual([LETTERS, [999]]);
  });
});
