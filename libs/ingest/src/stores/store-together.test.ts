import { PriceKeeper, recordErasure, userHashOf } from '@laurel/clickhouse';
import { TestDatabase } from '@laurel/clickhouse/fixture';
import { outcomeReaderForSchema, outcomeRecorded, topics, usageReaderForSchema, usageRecorded } from '@laurel/events';
import { RegistrySchemas, SchemaRegistry } from '@laurel/kafka';
import type { RecordBatch, RetryPolicy } from '@laurel/stream';
import { dayOf, minuteOf } from '@laurel/usage';
import { outcomeEvent, usageEvent } from '@laurel/usage/fixture';
import { PriceCatalogue } from '@laurel/usage/price-list';
import { batchInLog } from './batch-in-log.fixture.js';
import { OutcomeStore } from './outcome-store.js';
import { UsageStore } from './usage-store.js';

const NOW = Date.UTC(2026, 4, 14, 10);
const policy: RetryPolicy = { classify: () => 'fatal' };
/** Nobody answers there, and nobody is to be asked. */
const registry = { url: 'http://127.0.0.1:1' };
/** A record in the registry's framing, of a schema that was never asked for. */
const UNKNOWN_SCHEMA = Buffer.of(0, 0, 0, 0, 7, 1, 2, 3);

describe('batches of several partitions, on the real ClickHouse', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  beforeEach(() => database.truncate());
  afterAll(() => database.drop());

  const placesIn = async (table: string): Promise<readonly string[]> => {
    const rows = await database.rows<{ at: string }>(
      `SELECT concat(event_id, ' ', kafka_topic, '/', toString(kafka_partition), '/', toString(kafka_offset)) AS at FROM ${table} ORDER BY at`,
    );
    return rows.map(({ at }) => at);
  };
  /** However they were merged since. */
  const partsWritten = async (table: string): Promise<number> => {
    const [row] = await database.rows<{ parts: string }>(
      `SELECT sum(max_block_number - min_block_number + 1) AS parts FROM system.parts
       WHERE database = currentDatabase() AND table = '${table}' AND active`,
    );
    return Number(row?.parts);
  };

  describe('of usage', () => {
    const store = (): UsageStore =>
      new UsageStore(
        database.client,
        new RegistrySchemas(new SchemaRegistry(registry), usageReaderForSchema),
        new PriceKeeper(database.client, new PriceCatalogue()),
        policy,
      );
    const together = (batches: readonly RecordBatch[]) => store().storeTogether('t', batches);
    const batchOf = (partition: number, from: number, events: readonly (Parameters<typeof usageEvent>[0] | Buffer)[]) =>
      batchInLog(
        { topic: topics.usageEvents.name, partition, from, atMs: NOW + partition },
        events.map((event) =>
          Buffer.isBuffer(event) ? event : usageRecorded.encode(usageEvent({ occurred_at: NOW, ...event })),
        ),
      );

    it('become one part, each row with its own place, whether or not it was taken as it lay in the log', async () => {
      // What is not ASCII is decoded by itself, after the others of its batch.
      const stored = await together([
        batchOf(0, 10, [{ event_id: 'a', user_id: 'ü' }, { event_id: 'b' }]),
        batchOf(4, 70, [{ event_id: 'c', user_id: 'ü', occurred_at: NOW + 60_000 }, Buffer.from('garbage')]),
        batchOf(2, 10, [{ event_id: 'd' }, { event_id: 'b' }]),
      ]);
      expect(await placesIn('usage_events')).toEqual(['a t/0/10', 'b t/0/11', 'b t/2/11', 'c t/4/70', 'd t/2/10']);
      expect(await partsWritten('usage_events')).toBe(1);
      expect(stored?.batches).toMatchObject([
        { rows: 2, duplicates: 0, erased: 0, rejected: [] },
        { rows: 1, duplicates: 0, erased: 0, rejected: [{ record: { offset: 71 } }] },
        { rows: 2, duplicates: 1, erased: 0, rejected: [] },
      ]);
      expect([...(stored?.touched.minutes ?? [])].sort()).toEqual([minuteOf(NOW), minuteOf(NOW) + 1]);
      expect(stored?.touched.oldestRecordAtMs).toBe(NOW);
    });

    it('are not stored where one of them has to wait for a schema', async () => {
      const stored = await together([batchOf(0, 10, [{ event_id: 'a' }]), batchOf(1, 10, [UNKNOWN_SCHEMA])]);
      expect(stored).toBeUndefined();
      expect(await placesIn('usage_events')).toEqual([]);
    });

    it('lose nothing but the events of people who were erased', async () => {
      await recordErasure(database.client, userHashOf('u-erased'));
      const stored = await together([
        batchOf(0, 10, [{ event_id: 'a' }, { event_id: 'b', user_id: 'u-erased' }]),
        batchOf(1, 20, [{ event_id: 'c', user_id: 'u-erased' }, { event_id: 'd' }, Buffer.from('garbage')]),
      ]);
      expect(await placesIn('usage_events')).toEqual(['a t/0/10', 'd t/1/21']);
      expect(stored?.batches).toMatchObject([
        { rows: 1, erased: 1, rejected: [] },
        { rows: 1, erased: 1, rejected: [{ record: { offset: 22 } }] },
      ]);
    });
  });

  describe('of outcomes', () => {
    const store = (): OutcomeStore =>
      new OutcomeStore(
        database.client,
        new RegistrySchemas(new SchemaRegistry(registry), outcomeReaderForSchema),
        policy,
      );
    const batchOf = (
      partition: number,
      from: number,
      events: readonly (Parameters<typeof outcomeEvent>[0] | Buffer)[],
    ) =>
      batchInLog(
        { topic: topics.usageOutcomes.name, partition, from, atMs: NOW + partition },
        events.map((event) =>
          Buffer.isBuffer(event) ? event : outcomeRecorded.encode(outcomeEvent({ occurred_at: NOW, ...event })),
        ),
      );

    it('become one part, each row with its own place and each identity once', async () => {
      await recordErasure(database.client, userHashOf('u-erased'));
      const stored = await store().storeTogether('t', [
        batchOf(3, 10, [{ event_id: 'a' }, Buffer.from('garbage'), { event_id: 'b' }]),
        batchOf(1, 10, [{ event_id: 'c', user_id: 'u-erased' }, { event_id: 'a' }]),
      ]);
      expect(await placesIn('outcome_events')).toEqual(['a t/1/11', 'b t/3/12']);
      expect(await partsWritten('outcome_events')).toBe(1);
      expect(stored).toMatchObject({
        batches: [
          { rows: 2, duplicates: 0, erased: 0, rejected: [{ record: { offset: 11 } }] },
          { rows: 1, duplicates: 1, erased: 1, rejected: [] },
        ],
        touched: { minutes: [], outcomeDays: [dayOf(NOW)], oldestRecordAtMs: NOW + 1 },
      });
    });

    it('are not stored where one of them has to wait for a schema', async () => {
      const batches = [batchOf(0, 10, [{ event_id: 'a' }]), batchOf(1, 10, [UNKNOWN_SCHEMA])];
      expect(await store().storeTogether('t', batches)).toBeUndefined();
      expect(await placesIn('outcome_events')).toEqual([]);
    });
  });
});
