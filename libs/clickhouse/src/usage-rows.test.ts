import fc from 'fast-check';
import {
  tokenFields,
  usageOriginValues,
  usageStatusValues,
  versionOf,
  type JsonObject,
  type UsageEvent,
} from '@laurel/events';
import { usageEvent } from '@laurel/usage/fixture';
import { TestDatabase } from './test-database.fixture.js';
import { UsageRows } from './usage-rows.js';

const id = fc
  .oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
    fc.constantFrom('x'.repeat(256), 'ß'.repeat(128), '😀'.repeat(64), "o'b\\r\0"),
  )
  // What validity refuses is not stored.
  .filter((text) => Buffer.byteLength(text) <= 256 && !text.includes('\uFFFD') && text.isWellFormed());
const count = fc.oneof(
  fc.constantFrom(0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 40),
  fc.integer({ min: 0, max: 2 ** 40 }),
);

const anEvent: fc.Arbitrary<UsageEvent> = fc
  .record({
    event_id: id,
    source: id,
    user_id: id.map((text) => text.replaceAll('@', 'a')),
    provider: id,
    model: id,
    team: fc.option(id),
    session_id: fc.option(id),
    occurred_at: fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2020, 0, 3) }),
    revision: fc.oneof(fc.constantFrom(0, 2 ** 31 - 1), fc.nat(9)),
    retracted: fc.boolean(),
    status: fc.constantFrom(...usageStatusValues),
    origin: fc.constantFrom(...usageOriginValues),
    cost_micro_usd: fc.option(fc.constantFrom(0, 1, 2 ** 40, 2 ** 50)),
    attributes: fc.dictionary(id, id, { maxKeys: 5 }),
    tokens: fc.record({
      input: count,
      cache_read: count,
      cache_write_5m: count,
      cache_write_1h: count,
      cache_write: count,
      output: fc.constantFrom(2 ** 40, 5),
      reasoning: fc.nat(5),
    }),
  })
  .map((fields: JsonObject) => usageEvent(fields));

describe('UsageRows', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  afterAll(() => database.drop());

  it('stores every field of every event, and where it stood in the log', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anEvent, { minLength: 1, maxLength: 20 }),
        fc.constantFrom(0, 2 ** 32, 2 ** 53 - 100),
        async (events, base) => {
          await database.truncate(['usage_events']);
          const rows = new UsageRows();
          events.forEach((event, index) => {
            rows.push(event, {
              topic: 'tß.usage',
              partition: index,
              offset: base + index,
              timestampMs: event.occurred_at + 7,
            });
          });
          expect(rows.length).toBe(events.length);
          await rows.insert(database.client);
          const stored = await database.rows<Record<string, unknown>>(
            `SELECT * EXCEPT (occurred_at, recorded_at, ingested_at, version, attributes), toUnixTimestamp64Milli(occurred_at) AS occurred_ms,
             toUnixTimestamp64Milli(recorded_at) AS recorded_ms, toString(version) AS version, CAST(attributes, 'Array(Tuple(String, String))') AS attributes
           FROM usage_events ORDER BY kafka_partition`,
          );
          expect(
            stored.map(({ attributes, ...rest }) => ({
              ...rest,
              attributes: (attributes as [string, string][]).sort(),
            })),
          ).toEqual(
            events.map(({ tokens, team, session_id, occurred_at, attributes, cost_micro_usd, ...rest }, index) => ({
              ...rest,
              ...Object.fromEntries(tokenFields.map((field) => [`${field}_tokens`, String(tokens[field])])),
              team: team ?? '',
              session_id: session_id ?? '',
              cost_micro_usd: cost_micro_usd === null ? null : String(cost_micro_usd),
              occurred_ms: String(occurred_at),
              recorded_ms: String(occurred_at + 7),
              version: String(versionOf(events[index] ?? usageEvent())),
              attributes: Object.entries(attributes).sort(),
              kafka_topic: 'tß.usage',
              kafka_partition: index,
              kafka_offset: String(base + index),
            })),
          );
        },
      ),
      { numRuns: 30, interruptAfterTimeLimit: 60_000 },
    );
  });

  it('keeps of one identity the greatest version, whatever the order of inserts', async () => {
    await database.truncate(['usage_events']);
    const insert = async (event: UsageEvent): Promise<void> => {
      const rows = new UsageRows();
      rows.push(event, { topic: 't', partition: 0, offset: 0, timestampMs: event.occurred_at });
      await rows.insert(database.client);
    };
    await insert(usageEvent({ revision: 3, tokens: { input: 3 } }));
    await insert(usageEvent({ revision: 1, tokens: { input: 1 } }));
    await insert(usageEvent({ revision: 3, tokens: { input: 3 } }));
    const left = () => database.rows('SELECT revision, toUInt32(input_tokens) AS input FROM usage_events FINAL');
    expect(await left()).toEqual([{ revision: 3, input: 3 }]);
    await database.client.command({ query: 'OPTIMIZE TABLE usage_events FINAL' });
    expect(await left()).toEqual([{ revision: 3, input: 3 }]);
  });

  it('says so when the server does not take the rows', async () => {
    const rows = new UsageRows();
    rows.push(usageEvent(), { topic: 't', partition: 0, offset: 0, timestampMs: 0 });
    await database.client.command({ query: 'RENAME TABLE usage_events TO elsewhere' });
    try {
      await expect(rows.insert(database.client)).rejects.toMatchObject({ code: '60' });
    } finally {
      await database.client.command({ query: 'RENAME TABLE elsewhere TO usage_events' });
    }
  });
});
