import { randomBytes } from 'node:crypto';
import { TestDatabase } from '@laurel/clickhouse/fixture';
import { classifyClickHouseFailure, PriceKeeper, recordErasure, userHashOf } from '@laurel/clickhouse';
import {
  deadLetter,
  outcomeReaderForSchema,
  outcomeRecorded,
  topics,
  usageReaderForSchema,
  usageRecorded,
  usageStored,
  type DeadLetter,
  type UsageEvent,
  type UsageStored,
} from '@laurel/events';
import {
  applyTopics,
  classifyKafkaFailure,
  kafkaClient,
  readToEnd,
  RecordProducer,
  RegistrySchemas,
  SchemaRegistry,
} from '@laurel/kafka';
import { acceptBatch, type LedgerEntry, type PackedRecords, type RecordBatch } from '@laurel/stream';
import { dayOf, minuteOf, minuteOfDay } from '@laurel/usage';
import { outcomeEvent, usageEvent } from '@laurel/usage/fixture';
import { DATASET, PriceCatalogue } from '@laurel/usage/price-list';
import { IngestPorts } from './ingest-ports.js';
import { OutcomeStore } from './stores/outcome-store.js';
import { UsageStore } from './stores/usage-store.js';

const NOW = Date.UTC(2026, 4, 14, 10);
const brokers = process.env['LAUREL_TEST_KAFKA_BROKERS'];
if (brokers === undefined) throw new Error('run: node deploy/local/dist/with-stack.js -- <this command>');
const kafka = kafkaClient({ brokers: brokers.split(','), clientId: 'laurel-test' });
const policy = {
  classify: (error: unknown) =>
    classifyKafkaFailure(error) === 'retriable' ? 'retriable' : classifyClickHouseFailure(error),
} as const;

describe('a batch of events, on the real Kafka and ClickHouse', () => {
  let database: TestDatabase;
  let prefix: string;
  let producer: RecordProducer;
  let ports: IngestPorts<UsageEvent>;

  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  beforeEach(async () => {
    await database.truncate();
    prefix = `t${randomBytes(4).toString('hex')}.`;
    await applyTopics(kafka, [topics.deadLetters, topics.usageStored], { prefix, replicationFactor: -1 });
    producer = new RecordProducer(kafka, prefix);
    await producer.connect();
    ports = portsOfUsage();
  });
  afterEach(() => producer.close());
  afterAll(() => database.drop());

  function portsOfUsage(): IngestPorts<UsageEvent> {
    const schemas = new RegistrySchemas(new SchemaRegistry(undefined), usageReaderForSchema);
    const prices = new PriceKeeper(database.client, new PriceCatalogue());
    return new IngestPorts(database.client, producer, new UsageStore(database.client, schemas, prices, policy), prefix);
  }

  /** Records from this offset on; a text is garbage. */
  const batchOf = (
    from: number,
    events: readonly (Parameters<typeof usageEvent>[0] | string)[],
    partition = 2,
  ): RecordBatch => ({
    topic: topics.usageEvents.name,
    partition,
    highWatermark: from + events.length,
    records: events.map((event, index) => ({
      offset: from + index,
      key: null,
      value: Buffer.from(
        typeof event === 'string' ? event : usageRecorded.encode(usageEvent({ occurred_at: NOW, ...event })),
      ),
      headers: {},
      timestampMs: NOW + index,
    })),
  });
  const accept = (batch: RecordBatch): Promise<LedgerEntry> =>
    acceptBatch(batch, ports, policy, { signal: new AbortController().signal });

  async function read<T>(topic: string, decode: (value: Uint8Array) => T): Promise<T[]> {
    const found: T[] = [];
    await readToEnd(kafka, {
      topic: prefix + topic,
      groupPrefix: prefix,
      onRecord: ({ value }) => {
        if (value !== null) found.push(decode(value));
      },
    });
    return found;
  }
  const deadLetters = (): Promise<DeadLetter[]> => read(topics.deadLetters.name, (value) => deadLetter.decode(value));
  const announcements = (): Promise<UsageStored[]> =>
    read(topics.usageStored.name, (value) => usageStored.decode(value));
  const stored = () =>
    database.rows<{ event_id: string; at: string }>(
      "SELECT event_id, concat(kafka_topic, '/', toString(kafka_partition), '/', toString(kafka_offset)) AS at FROM usage_events FINAL ORDER BY kafka_offset",
    );

  it('is stored, dead-lettered, announced by day and written to the ledger', async () => {
    const entry = await accept(
      batchOf(10, [{ event_id: 'a' }, 'garbage', { event_id: 'b', occurred_at: NOW - 86_400_000 }, { event_id: 'a' }]),
    );
    expect(entry).toMatchObject({ from: 10, to: 13, rows: 3, duplicates: 1, dead: 1 });
    expect((await stored()).map(({ event_id }) => event_id).sort()).toEqual(['a', 'b']);
    expect(
      (await deadLetters()).map(({ topic, partition, offset, value }) => [topic, partition, offset, value]),
    ).toEqual([[`${prefix}usage.events.v1`, 2, 11, Buffer.from('garbage')]]);
    const minute = minuteOfDay(minuteOf(NOW));
    expect((await announcements()).sort((a, b) => a.day - b.day)).toMatchObject([
      { day: dayOf(NOW) - 1, minutes: [minute], oldest_record_at: NOW },
      { day: dayOf(NOW), minutes: [minute], oldest_record_at: NOW },
    ]);
    expect(await database.rows('SELECT provider, model, from_day, input, source FROM model_prices')).toEqual([
      {
        provider: 'anthropic',
        model: 'claude-sonnet-4-5',
        from_day: '1970-01-01',
        input: '3000000',
        source: DATASET,
      },
    ]);
    expect(
      await database.rows(
        'SELECT topic, partition, from_offset, to_offset, rows, duplicates, dead, erased FROM ingest_ledger',
      ),
    ).toEqual([
      {
        topic: `${prefix}usage.events.v1`,
        partition: 2,
        from_offset: '10',
        to_offset: '13',
        rows: '3',
        duplicates: '1',
        dead: '1',
        erased: '0',
      },
    ]);
  });

  it('loses only the rows that ClickHouse refuses, to the dead letters', async () => {
    await database.client.command({
      query: 'ALTER TABLE usage_events ADD CONSTRAINT never_13 CHECK input_tokens != 13',
    });
    try {
      const events = Array.from({ length: 21 }, (_, index) => ({
        event_id: `e-${index}`,
        // On two days, so that a day's insert can have succeeded before the other's fails.
        occurred_at: NOW - (index % 2) * 86_400_000,
        tokens: { input: [3, 4, 20].includes(index) ? 13 : 1 },
      }));
      const entry = await accept(batchOf(100, events));
      expect(entry).toMatchObject({ from: 100, to: 120, rows: 18, duplicates: 0, dead: 3 });
      const refused = await deadLetters();
      expect(refused.map(({ code, offset }) => [code, offset]).sort()).toEqual([
        ['storage_rejected', 103],
        ['storage_rejected', 104],
        ['storage_rejected', 120],
      ]);
      expect(refused[0]?.message).toContain('never_13');
      expect((await stored()).map(({ at }) => at)).toEqual(
        events.flatMap((_, index) => ([3, 4, 20].includes(index) ? [] : [`${prefix}usage.events.v1/2/${100 + index}`])),
      );
    } finally {
      await database.client.command({ query: 'ALTER TABLE usage_events DROP CONSTRAINT never_13' });
    }
  });

  it('keeps the beginning of a dead letter that its topic does not take whole, and the others as they are', async () => {
    const small = { ...topics.deadLetters, config: { ...topics.deadLetters.config, 'max.message.bytes': '100000' } };
    prefix = `t${randomBytes(4).toString('hex')}.`;
    await applyTopics(kafka, [small, topics.usageStored], { prefix, replicationFactor: -1 });
    await producer.close();
    producer = new RecordProducer(kafka, prefix);
    await producer.connect();
    ports = portsOfUsage();
    const large = randomBytes(150_000).toString('base64');
    const entry = await accept(batchOf(1, ['garbage', large, { event_id: 'a' }]));
    expect(entry).toMatchObject({ rows: 1, dead: 2 });
    const letters = await deadLetters();
    expect(new Map(letters.map(({ offset, value }) => [offset, value?.length]))).toEqual(
      new Map([
        [1, 'garbage'.length],
        [2, 65_536],
      ]),
    );
    const kept = letters.find(({ offset }) => offset === 2)?.value?.toString() ?? '';
    expect(large.startsWith(kept)).toBe(true);
  });

  it('keeps a batch of the log that is broken as one dead letter, and stores what came with it', async () => {
    const { records, ...batch } = batchOf(10, [{ event_id: 'a' }, { event_id: 'b' }]);
    const chunk = (bytes: Uint8Array, count: number, from: number, own: RecordBatch['records']): PackedRecords => ({
      ...{ bytes, count, baseOffset: from, firstOffset: from, lastOffset: from + count - 1, records: own },
      ...{ firstTimestampMs: NOW, appendedAtMs: NOW },
      recordAt: () => {
        throw new Error('none of them can be read by itself');
      },
    });
    const broken = Buffer.from('\x7fnot what Kafka calls a record');
    const packed = [
      chunk(broken, 3, 7, [
        {
          offset: 9,
          key: null,
          value: broken,
          headers: {},
          timestampMs: NOW,
          unreadable: { why: 'it is broken', firstOffset: 7 },
        },
      ]),
      chunk(broken, 2, 10, records),
    ];
    const entry = await accept({ ...batch, records: packed.flatMap((one) => one.records), packed });
    expect(entry).toMatchObject({ from: 7, to: 11, rows: 2, dead: 1 });
    expect(await deadLetters()).toMatchObject([
      { code: 'unknown_framing', message: 'it is broken', offset: 9, value: broken },
    ]);
    expect((await stored()).map(({ event_id }) => event_id)).toEqual(['a', 'b']);
  });

  it('loses nothing of an erased person’s batch but their events', async () => {
    await recordErasure(database.client, userHashOf('u-erased'));
    const entry = await accept(
      batchOf(1, [{ event_id: 'a' }, { event_id: 'b', user_id: 'u-erased' }, 'garbage', { event_id: 'c' }]),
    );
    expect(entry).toMatchObject({ rows: 2, dead: 1, erased: 1 });
    expect((await stored()).map(({ event_id }) => event_id)).toEqual(['a', 'c']);
  });

  it('changes nothing but the announcements when it is repeated', async () => {
    const batch = batchOf(5, [{ event_id: 'a' }, { event_id: 'b' }, 'garbage']);
    await accept(batch);
    const before = await stored();
    await accept(batch);
    expect(await stored()).toEqual(before);
    expect(await database.rows('SELECT from_offset, rows FROM ingest_ledger FINAL')).toEqual([
      { from_offset: '5', rows: '2' },
    ]);
    // Under one key, so that the repeat of a dead letter is recognised.
    expect((await deadLetters()).map(({ offset }) => offset)).toEqual([7, 7]);
  });

  describe('of outcomes', () => {
    const outcomesFrom = (
      from: number,
      events: readonly (Parameters<typeof outcomeEvent>[0] | string)[],
    ): RecordBatch => ({
      topic: topics.usageOutcomes.name,
      partition: 1,
      highWatermark: from + events.length,
      records: events.map((event, index) => ({
        offset: from + index,
        key: null,
        value: Buffer.from(
          typeof event === 'string' ? event : outcomeRecorded.encode(outcomeEvent({ occurred_at: NOW, ...event })),
        ),
        headers: {},
        timestampMs: NOW + index,
      })),
    });
    const acceptOutcomes = (batch: RecordBatch): Promise<LedgerEntry> => {
      const schemas = new RegistrySchemas(new SchemaRegistry(undefined), outcomeReaderForSchema);
      const store = new OutcomeStore(database.client, schemas, policy);
      const own = new IngestPorts(database.client, producer, store, prefix);
      return acceptBatch(batch, own, policy, { signal: new AbortController().signal });
    };
    const storedOutcomes = () =>
      database.rows<{ event_id: string; at: string }>(
        "SELECT event_id, concat(kafka_topic, '/', toString(kafka_partition), '/', toString(kafka_offset)) AS at FROM outcome_events FINAL ORDER BY event_id",
      );

    it('is stored, dead-lettered, announced by day and written to the ledger, beside usage at the same offsets', async () => {
      await accept(batchOf(10, [{ event_id: 'usage' }]));
      const entry = await acceptOutcomes(
        outcomesFrom(10, [
          { event_id: 'a' },
          'garbage',
          { event_id: 'b', occurred_at: NOW - 86_400_000 },
          { event_id: 'a' },
        ]),
      );
      expect(entry).toMatchObject({
        topic: topics.usageOutcomes.name,
        from: 10,
        to: 13,
        rows: 3,
        duplicates: 1,
        dead: 1,
      });
      expect((await storedOutcomes()).map(({ event_id }) => event_id)).toEqual(['a', 'b']);
      expect(await deadLetters()).toMatchObject([
        { topic: `${prefix}usage.outcomes.v1`, partition: 1, offset: 11, code: 'unknown_framing' },
      ]);
      const told = (await announcements()).filter(({ outcomes }) => outcomes);
      expect(told.sort((a, b) => a.day - b.day)).toMatchObject([
        { day: dayOf(NOW) - 1, minutes: [], oldest_record_at: NOW },
        { day: dayOf(NOW), minutes: [], oldest_record_at: NOW },
      ]);
      expect(
        await database.rows('SELECT topic, partition, from_offset, rows FROM ingest_ledger ORDER BY topic'),
      ).toEqual([
        { topic: `${prefix}usage.events.v1`, partition: 2, from_offset: '10', rows: '1' },
        { topic: `${prefix}usage.outcomes.v1`, partition: 1, from_offset: '10', rows: '3' },
      ]);
      expect((await stored()).map(({ event_id }) => event_id)).toEqual(['usage']);
    });

    it('changes nothing but the announcements when it is repeated', async () => {
      const batch = outcomesFrom(5, [{ event_id: 'a' }, { event_id: 'b', quantity: 3 }, 'garbage']);
      await acceptOutcomes(batch);
      const before = await storedOutcomes();
      await acceptOutcomes(batch);
      expect(await storedOutcomes()).toEqual(before);
      expect(await database.rows('SELECT from_offset, rows FROM ingest_ledger FINAL')).toEqual([
        { from_offset: '5', rows: '2' },
      ]);
      expect((await deadLetters()).map(({ offset }) => offset)).toEqual([7, 7]);
    });

    it('loses only the rows that ClickHouse refuses, and nothing of an erased person’s batch but their outcomes', async () => {
      await recordErasure(database.client, userHashOf('u-erased'));
      await database.client.command({
        query: 'ALTER TABLE outcome_events ADD CONSTRAINT never_13 CHECK quantity != 13',
      });
      try {
        const events = Array.from({ length: 9 }, (_, index) => ({
          event_id: `e-${index}`,
          occurred_at: NOW - (index % 2) * 86_400_000,
          quantity: [3, 8].includes(index) ? 13 : 1,
          ...(index === 5 ? { user_id: 'u-erased' } : {}),
        }));
        expect(await acceptOutcomes(outcomesFrom(100, events))).toMatchObject({ rows: 6, dead: 2, erased: 1 });
        expect((await deadLetters()).map(({ code, offset }) => [code, offset]).sort()).toEqual([
          ['storage_rejected', 103],
          ['storage_rejected', 108],
        ]);
        expect((await storedOutcomes()).map(({ at }) => at.split('/').at(-1))).toEqual(
          [0, 1, 2, 4, 6, 7].map((index) => String(100 + index)),
        );
      } finally {
        await database.client.command({ query: 'ALTER TABLE outcome_events DROP CONSTRAINT never_13' });
      }
    });
  });

  it('knows the next offset of a partition from its ledger, and none where it has no entry', async () => {
    expect(await ports.recordedOffset(topics.usageEvents.name, 2)).toBeUndefined();
    await accept(batchOf(5, [{ event_id: 'a' }, { event_id: 'b' }]));
    await accept(batchOf(3, [{ event_id: 'c' }]));
    expect(await ports.recordedOffset(topics.usageEvents.name, 2)).toBe(7);
    expect(await ports.recordedOffset(topics.usageEvents.name, 1)).toBeUndefined();
  });
});
