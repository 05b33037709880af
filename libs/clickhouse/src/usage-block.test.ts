import fc from 'fast-check';
import {
  decodeUsage,
  identityOf,
  tokenFields,
  usageLimits,
  usageRecorded,
  usageOriginValues,
  usageStatusValues,
  versionOf,
  type JsonObject,
  type UsageEvent,
} from '@laurel/events';
import type { PackedRecords, StreamRecord } from '@laurel/stream';
import { usageEvent } from '@laurel/usage/fixture';
import { TestDatabase } from './test-database.fixture.js';
import { UsageBlock } from './usage-block.js';
import { UsageRows } from './usage-rows.fixture.js';

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

describe('a block of usage events', () => {
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
              partition: 7,
              offset: base + index,
              timestampMs: event.occurred_at + 7,
            });
          });
          expect(rows.length).toBe(events.length);
          await rows.insert(database.client);
          const stored = await database.rows<Record<string, unknown>>(
            `SELECT * EXCEPT (occurred_at, recorded_at, ingested_at, version, attributes), toUnixTimestamp64Milli(occurred_at) AS occurred_ms,
             toUnixTimestamp64Milli(recorded_at) AS recorded_ms, toString(version) AS version, CAST(attributes, 'Array(Tuple(String, String))') AS attributes
           FROM usage_events ORDER BY kafka_offset`,
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
              kafka_partition: 7,
              kafka_offset: String(base + index),
            })),
          );
        },
      ),
      { numRuns: 30 },
    );
  });

  it('gives each row its own of texts that come in runs, that come back, and that never come again', async () => {
    await database.truncate(['usage_events']);
    const ROWS = 5000;
    const events = Array.from({ length: ROWS }, (_, index) =>
      usageEvent({
        event_id: String(index),
        occurred_at: Date.UTC(2026, 4, 14),
        source: `source-${Math.floor(index / 1000)}`,
        provider: `provider-${index % 7}`,
        model: `model-${index}`,
        // One is the beginning of the next, and one is absent.
        team: index % 4 === 0 ? null : 't'.repeat(index % 4),
      }),
    );
    const rows = new UsageRows();
    events.forEach((event, offset) =>
      rows.push(event, { topic: 't', partition: 0, offset, timestampMs: event.occurred_at }),
    );
    await rows.insert(database.client);
    expect(
      await database.rows('SELECT event_id, source, provider, model, team FROM usage_events ORDER BY kafka_offset'),
    ).toEqual(
      events.map(({ event_id, source, provider, model, team }) => ({
        event_id,
        source,
        provider,
        model,
        team: team ?? '',
      })),
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

/** A record as it lies in the log. */
interface Lying {
  readonly value: Uint8Array | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timestampMs: number;
}

const AT = Date.UTC(2020, 0, 3);
const BASE_OFFSET = 2 ** 33;

/** As Kafka's clients write them (Kafka protocol guide, "Record"), with times of their own. */
function packed(records: readonly Lying[], firstOffset = BASE_OFFSET): PackedRecords {
  const varint = (value: number): Buffer => {
    const bytes: number[] = [];
    let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
    for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    return Buffer.from([...bytes, Number(rest)]);
  };
  const sized = (bytes: Uint8Array | null): Buffer =>
    bytes === null ? varint(-1) : Buffer.concat([varint(bytes.length), bytes]);
  const places: number[] = [];
  let end = 0;
  const parts = records.map(({ value, headers = {}, timestampMs }, index) => {
    const pairs = Object.entries(headers).flatMap(([name, text]) => [
      sized(Buffer.from(name)),
      sized(Buffer.from(text)),
    ]);
    const body = Buffer.concat([
      Buffer.of(0),
      varint(timestampMs - AT),
      varint(index),
      sized(Buffer.from('key')),
      sized(value),
      varint(pairs.length / 2),
      ...pairs,
    ]);
    places.push(end);
    const whole = sized(body);
    end += whole.length;
    return whole;
  });
  const recordAt = (place: number): StreamRecord => {
    const index = places.indexOf(place);
    const { value, headers = {}, timestampMs } = records[index] ?? { value: null, timestampMs: 0 };
    const bytes = Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)]);
    return { offset: BASE_OFFSET + index, key: null, value, headers: Object.fromEntries(bytes) as never, timestampMs };
  };
  return {
    bytes: Buffer.concat(parts),
    count: records.length,
    baseOffset: BASE_OFFSET,
    firstTimestampMs: AT,
    appendedAtMs: undefined,
    firstOffset,
    lastOffset: BASE_OFFSET + records.length - 1,
    records: places.map(recordAt),
    recordAt,
  };
}

function begun(records: PackedRecords): UsageBlock {
  const block = new UsageBlock();
  const bytes = records.bytes.length + 64 * records.count;
  block.begin(records.count, bytes, bytes);
  return block;
}
const decode = (record: StreamRecord) => decodeUsage(record, { byRegistryId: () => 'unknown' });
const lying = (event: UsageEvent): Lying => ({
  value: usageRecorded.encode(event),
  timestampMs: event.occurred_at + 7,
});
/** JSON without the member that a pair of name and value would be a second of. */
function without(json: string, pair: string): string {
  const name = pair.slice(1, pair.indexOf('"', 1));
  const members = Object.entries(JSON.parse(json) as Record<string, unknown>);
  return JSON.stringify(Object.fromEntries(members.filter(([own]) => own !== name)));
}
const whole = (block: UsageBlock): Buffer => Buffer.concat(block.bytes('t', [{ partition: 7, rows: block.rows }]));

describe('the records of a batch', () => {
  const letters = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 90 });
  const asciiId = letters.map((text) => text.replaceAll('@', 'a'));
  const plainEvent = anEvent.chain((event) =>
    fc
      .record({
        event_id: asciiId,
        source: asciiId,
        user_id: asciiId,
        provider: asciiId,
        model: asciiId,
        team: fc.option(asciiId),
        session_id: fc.option(asciiId),
        attributes: fc.dictionary(
          asciiId.map((name) => `a${name}`),
          letters,
          { maxKeys: 1 },
        ),
      })
      .map((texts) => usageEvent({ ...event, ...texts })),
  );

  it('that are plainly valid become the very bytes that their events become, without being decoded', () => {
    fc.assert(
      fc.property(fc.array(plainEvent, { minLength: 1, maxLength: 30 }), (events) => {
        const records = packed(events.map(lying));
        const quick = begun(records);
        expect(quick.takeRecords(records)).toEqual([]);
        const slow = begun(records);
        events.forEach((event, index) =>
          slow.takeEvent(event, { offset: BASE_OFFSET + index, timestampMs: event.occurred_at + 7 }),
        );
        expect(whole(quick).equals(whole(slow))).toBe(true);
        expect(quick.rows).toBe(events.length);
        expect(quick.duplicates).toBe(events.length - new Set(events.map(identityOf)).size);
        expect([...quick.minutes()].sort()).toEqual(
          [...new Set(events.map((event) => Math.floor(event.occurred_at / 60_000)))].sort(),
        );
        expect([...quick.users()].sort()).toEqual([...new Set(events.map((event) => event.user_id))].sort());
        expect(quick.oldestRecordAtMs).toBe(Math.min(...events.map((event) => event.occurred_at + 7)));
      }),
    );
  });

  /** Bytes that are an event no more, or not quite, or still. */
  const bent = anEvent.chain((event) => {
    const bytes = usageRecorded.encode(event);
    return fc.oneof(
      fc.constant(bytes),
      fc.nat(bytes.length).map((length) => bytes.subarray(0, length)),
      fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)).map(([at, byte]) => Buffer.from(bytes).fill(byte, at, at + 1)),
      fc
        .tuple(fc.integer({ min: 10, max: bytes.length }), fc.uint8Array({ minLength: 1, maxLength: 12 }))
        .map(([at, more]) => Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)])),
      fc.constant(Buffer.from(JSON.stringify(event))),
      fc.uint8Array({ maxLength: 40 }).map((one) => Buffer.from(one)),
    );
  });

  it('are taken only where decoding them accepts them, and then as the same row', () => {
    fc.assert(
      fc.property(bent, fc.integer({ min: -2, max: 2 }), (value, days) => {
        const record = { value, timestampMs: AT + days * 86_400_000 };
        const records = packed([record]);
        const quick = begun(records);
        const left = quick.takeRecords(records);
        expect(left).toEqual(quick.rows === 1 ? [] : [0]);
        if (quick.rows === 0) return;
        const decoded = decode(records.recordAt(0));
        if (!decoded.ok) throw new Error(`${JSON.stringify(decoded)} was taken`);
        const slow = begun(records);
        slow.takeEvent(decoded.value, { offset: BASE_OFFSET, timestampMs: record.timestampMs });
        expect(whole(quick).equals(whole(slow))).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  const word = letters.map((text) => text.replaceAll(/[@"\\]/g, 'a'));
  /** Names as tools choose them, in any order. */
  const name = fc.stringMatching(/^[a-z_.-]{1,12}$/);
  const plainText = anEvent.chain((event) =>
    fc
      .record({
        event_id: word,
        source: word,
        user_id: word,
        provider: word,
        model: word,
        team: fc.option(word),
        session_id: fc.option(word),
        attributes: fc.dictionary(name, word, { maxKeys: 5 }),
      })
      .map((texts) => usageEvent({ ...event, ...texts })),
  );

  /** The documented JSON form as different tools write it: what is absent left out or null, times as text or number, any order. */
  const jsonOf = (event: UsageEvent): fc.Arbitrary<string> =>
    fc
      .record({
        isTight: fc.boolean(),
        space: fc.constantFrom(0, 1, '\t'),
        time: fc.constantFrom(
          event.occurred_at,
          new Date(event.occurred_at).toISOString(),
          new Date(event.occurred_at).toISOString().replace('Z', '999Z'),
          new Date(event.occurred_at).toISOString().replace(/0{1,2}Z$/, 'Z'),
        ),
        order: fc.shuffledSubarray(Object.keys(event), { minLength: Object.keys(event).length }),
      })
      .map(({ isTight, space, time, order }) => {
        const absent: Readonly<Record<string, unknown>> = {
          revision: 0,
          retracted: false,
          status: 'ok',
          origin: 'unknown',
        };
        const written: Record<string, unknown> = {
          ...event,
          occurred_at: time,
          tokens: isTight
            ? Object.fromEntries(Object.entries(event.tokens).filter(([, one]) => one > 0))
            : event.tokens,
        };
        const fields = order
          .map((field) => [field, written[field]] as const)
          .filter(([field, value]) => !isTight || (value !== null && value !== absent[field]));
        return JSON.stringify(Object.fromEntries(fields), undefined, space);
      });
  const jsonHeaders = fc.constantFrom<Readonly<Record<string, string>>>(
    {},
    { 'content-type': 'application/json' },
    { traceparent: '00-4bf9', 'content-type': 'application/json; charset=utf-8' },
  );

  it('that are plainly valid JSON become the very bytes that their events become, without being decoded', () => {
    const lyingJson = plainText.chain((event) =>
      fc.record({ event: fc.constant(event), json: jsonOf(event), headers: jsonHeaders }),
    );
    fc.assert(
      fc.property(fc.array(lyingJson, { minLength: 1, maxLength: 10 }), (events) => {
        const records = packed(
          events.map(({ event, json, headers }) => ({
            value: Buffer.from(json),
            headers,
            timestampMs: event.occurred_at + 7,
          })),
        );
        const quick = begun(records);
        expect(quick.takeRecords(records)).toEqual([]);
        const slow = begun(records);
        events.forEach(({ event }, index) =>
          slow.takeEvent(event, { offset: BASE_OFFSET + index, timestampMs: event.occurred_at + 7 }),
        );
        expect(whole(quick).equals(whole(slow))).toBe(true);
        expect(quick.duplicates).toBe(slow.duplicates);
      }),
      { numRuns: 500 },
    );
  });

  /** JSON that is an event no more, or not quite, or still, or in another way than it says. */
  const bentJson = plainText
    .chain((event) => jsonOf(event))
    .chain((json) =>
      fc.oneof(
        fc.nat(json.length).map((length) => json.slice(0, length)),
        fc
          .tuple(
            fc.nat(json.length),
            fc.nat(3),
            fc.oneof(
              fc.constantFrom('"', '\\', '{', '}', '[', ']', ':', ',', '-', '+', '.', ' ', '@', '\n', '\0', 'é'),
              fc.constantFrom('0', '1', '9', 'e', 'E', 't', 'f', 'n', 'null', '\\u0041', '""', '1e3'),
            ),
          )
          .map(([at, cut, more]) => json.slice(0, at) + more + json.slice(at + cut)),
        fc
          .constantFrom(
            '"specversion":"1.0"',
            '"colour":"green"',
            '"user_id":"another"',
            '"tokens":{"input":1,"input":2}',
            '"tokens":{"inputs":1}',
            '"tokens":{"input":-0}',
            '"tokens":{"input":1.0}',
            '"tokens":{"input":01}',
            '"tokens":{"input":9007199254740993}',
            '"attributes":{"a":"1","a":"2"}',
            '"attributes":{"2":"a","1":"b"}',
            '"attributes":{"__proto__":"x","b":"y"}',
            '"attributes":{"a":null}',
            '"attributes":[]',
            '"team":""',
            '"team":1',
            '"occurred_at":"2020-02-30T00:00:00Z"',
            '"occurred_at":"2020-01-02T24:00:00Z"',
            '"occurred_at":"2020-01-02T23:59:60Z"',
            '"occurred_at":"2020-01-02T00:00:00+01:00"',
            '"occurred_at":"2020-01-02t00:00:00z"',
            '"occurred_at":"2020-01-02T00:00:00.Z"',
            '"occurred_at":"2020-01-02T00:00:00.1234567890Z"',
            '"occurred_at":"2020-1-02T00:00:00.5Z"',
            '"occurred_at":1577923200000.5',
            '"retracted":1',
            '"status":"OK"',
            '"origin":null',
            '"revision":"1"',
          )
          .chain((pair) =>
            fc.tuple(fc.boolean(), fc.boolean()).map(([isAlone, isFirst]) => {
              const rest = isAlone ? without(json, pair) : json;
              return isFirst ? `{${pair},${rest.slice(1)}` : `${rest.slice(0, -1)},${pair}}`;
            }),
          ),
      ),
    );

  it('are taken as JSON only where decoding it accepts it, and then as the same row', () => {
    const headers = fc.oneof(
      { weight: 3, arbitrary: jsonHeaders },
      {
        weight: 1,
        arbitrary: fc.constantFrom<Readonly<Record<string, string>>>(
          { 'content-type': 'application/cloudevents+json' },
          { 'content-type': 'application/json;profile=application/cloudevents+json' },
          { 'content-type': '' },
          { ce_specversion: '1.0' },
        ),
      },
    );
    fc.assert(
      fc.property(bentJson, headers, (json, given) => {
        const records = packed([{ value: Buffer.from(json), headers: given, timestampMs: AT }]);
        const quick = begun(records);
        expect(quick.takeRecords(records)).toEqual(quick.rows === 1 ? [] : [0]);
        if (quick.rows === 0) return;
        const decoded = decode(records.recordAt(0));
        if (!decoded.ok) throw new Error(`${json}: ${JSON.stringify(decoded)} was taken`);
        const slow = begun(records);
        slow.takeEvent(decoded.value, { offset: BASE_OFFSET, timestampMs: AT });
        expect(whole(quick).equals(whole(slow))).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });

  const bounds: readonly (readonly [string, Readonly<Record<string, unknown>>, boolean])[] = [
    ['the largest count', { tokens: { input: usageLimits.maxCount, output: 1 } }, true],
    ['more than the largest count', { tokens: { input: usageLimits.maxCount + 1 } }, false],
    ['more reasoning than output', { tokens: { output: 1, reasoning: 2 } }, false],
    ['the largest revision', { revision: usageLimits.maxRevision }, true],
    ['the largest cost', { cost_micro_usd: usageLimits.maxCostMicroUsd }, true],
    ['more than the largest cost', { cost_micro_usd: usageLimits.maxCostMicroUsd + 1 }, false],
    ['the longest id', { event_id: 'x'.repeat(usageLimits.maxIdBytes) }, true],
    ['a longer id', { event_id: 'x'.repeat(usageLimits.maxIdBytes + 1) }, false],
    ['no id', { event_id: '' }, false],
    ['an empty team', { team: '' }, false],
    ['an e-mail address', { user_id: 'a@b.de' }, false],
    ['the earliest time', { occurred_at: usageLimits.minOccurredAtMs }, true],
    ['an earlier time', { occurred_at: usageLimits.minOccurredAtMs - 1 }, false],
    ['the latest time', { occurred_at: AT + usageLimits.maxAheadOfRecordMs }, true],
    ['a later time', { occurred_at: AT + usageLimits.maxAheadOfRecordMs + 1 }, false],
    ['text beyond ASCII', { model: 'größer' }, false],
    [
      'the most attributes, in order',
      {
        attributes: Object.fromEntries(
          Array.from({ length: 32 }, (_, index) => [`k${String(index).padStart(2, '0')}`, 'v']),
        ),
      },
      true,
    ],
    ['attributes out of order', { attributes: { b: '1', a: '2' } }, false],
    ['two attributes whose names are numbers', { attributes: { '10': '1', '9': '2' } }, false],
    ['the most bytes of attributes', { attributes: { a: 'v'.repeat(usageLimits.maxAttributeBytes - 1) } }, true],
    ['more bytes of attributes', { attributes: { a: 'v'.repeat(usageLimits.maxAttributeBytes) } }, false],
  ];

  it.each(bounds)('with %s are taken or left as the bounds say', (_, fields, isTaken) => {
    const event = { ...usageEvent({ occurred_at: AT }), ...fields };
    const tokens = { ...usageEvent().tokens, ...(fields['tokens'] ?? {}) };
    const records = packed([{ value: usageRecorded.encode({ ...event, tokens }), timestampMs: AT }]);
    expect(begun(records).takeRecords(records)).toEqual(isTaken ? [] : [0]);
  });

  it('are left where a header makes them CloudEvents, and not for any other header', () => {
    const value = usageRecorded.encode(usageEvent({ occurred_at: AT }));
    const with_ = (headers: Record<string, string>): Lying => ({ value, headers, timestampMs: AT });
    const records = packed([
      with_({ traceparent: '00-4bf9', ce_id: '1' }),
      with_({ traceparent: '', ce_specversion: '1.0' }),
      with_({ ce_specversions: '1.0' }),
    ]);
    expect(
      begun(records)
        .takeRecords(records)
        ?.map((place) => records.recordAt(place).offset),
    ).toEqual([BASE_OFFSET + 1]);
  });

  it('before the wanted one are passed over, and the time of the log counts where the topic takes it', () => {
    const values = ['1', '2', '3'].map((event_id) => lying(usageEvent({ event_id, occurred_at: AT })));
    const records = { ...packed(values, BASE_OFFSET + 2), appendedAtMs: AT + 99 };
    const block = begun(records);
    expect(block.takeRecords(records)).toEqual([]);
    expect([block.rows, block.oldestRecordAtMs]).toEqual([1, AT + 99]);
  });

  it('that are not in Kafka’s format are told apart from those that are merely left', () => {
    const records = packed([lying(usageEvent({ occurred_at: AT }))]);
    const cut = { ...records, bytes: records.bytes.subarray(0, -2) };
    expect(begun(cut).takeRecords(cut)).toBeUndefined();
  });

  it('are refused a block beyond what can be addressed, which is whole again for the next', () => {
    const block = new UsageBlock();
    for (const bytes of [206, 415, 1000].map((mebibytes) => mebibytes * 1024 * 1024)) {
      expect(() => block.begin(1, bytes, bytes)).toThrow('no memory');
    }
    const records = packed([lying(usageEvent({ occurred_at: AT }))]);
    block.begin(1, records.bytes.length, records.bytes.length);
    expect(block.takeRecords(records)).toEqual([]);
    expect(block.rows).toBe(1);
  });

  it('fill a block again and again, whatever was in it before', () => {
    const block = new UsageBlock();
    for (const size of [1000, 1, 5000, 300]) {
      const events = Array.from({ length: size }, (_, index) => usageEvent({ event_id: `${index}`, occurred_at: AT }));
      const records = packed(events.map(lying));
      block.begin(size, records.bytes.length, records.bytes.length);
      expect(block.takeRecords(records)).toEqual([]);
      expect([block.rows, block.duplicates, block.users().length]).toEqual([size, 0, 1]);
      const fresh = begun(records);
      fresh.takeRecords(records);
      expect(whole(block).equals(whole(fresh))).toBe(true);
    }
  });
});
