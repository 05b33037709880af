import { deadLetter, noTokens, topics, usageRecorded, type DeadLetter, type DeadLetterCode } from '@laurel/events';
import kafkajs from 'kafkajs';
import { readToEnd } from '@laurel/kafka';
import { Pipeline } from './pipeline/pipeline.js';
import { toJson, usage } from './pipeline/usage.js';

/** A record that must not be accepted, the code it must get, and the headers it is sent with. */
interface Garbage {
  readonly kind: string;
  readonly code: DeadLetterCode;
  readonly value: (serial: number) => Buffer | null;
  readonly headers?: Readonly<Record<string, string>>;
}

const json = (change: (event: Record<string, unknown>) => unknown) => (): Buffer =>
  Buffer.from(JSON.stringify(change(JSON.parse(toJson(usage())) as Record<string, unknown>)));
const withTokens = (tokens: Record<string, unknown>) => json((event) => ({ ...event, tokens }));
const without = (field: string) =>
  json((event) => Object.fromEntries(Object.entries(event).filter(([name]) => name !== field)));

const kinds: readonly Garbage[] = [
  { kind: 'truncated Avro', code: 'malformed_avro', value: () => usageRecorded.encode(usage()).subarray(0, 40) },
  {
    kind: 'Avro with bytes after its end',
    code: 'malformed_avro',
    value: () => Buffer.concat([usageRecorded.encode(usage()), Buffer.of(1)]),
  },
  {
    kind: 'an unknown fingerprint',
    code: 'unknown_schema',
    value: () => Buffer.concat([Buffer.of(0xc3, 1), Buffer.alloc(8, 7), Buffer.alloc(60)]),
  },
  {
    kind: 'a registry id without a registry',
    code: 'unknown_schema',
    value: () => Buffer.concat([Buffer.of(0, 0, 0, 0, 9), Buffer.alloc(60)]),
  },
  { kind: 'a string for a count', code: 'wrong_type', value: withTokens({ input: 'many' }) },
  { kind: 'a list for tokens', code: 'wrong_type', value: json((event) => ({ ...event, tokens: [1] })) },
  { kind: 'a negative count', code: 'count_out_of_range', value: withTokens({ input: -1 }) },
  { kind: 'half a token', code: 'count_out_of_range', value: withTokens({ output: 0.5 }) },
  {
    kind: 'a negative count in Avro',
    code: 'count_out_of_range',
    value: () => usageRecorded.encode(usage({ tokens: { input: -5 } })),
  },
  {
    kind: '2^63',
    code: 'count_out_of_range',
    value: () => Buffer.from(toJson(usage({ tokens: { input: 77 } })).replace(':77', ':9223372036854775808')),
  },
  {
    kind: '2^53 + 1',
    code: 'count_out_of_range',
    value: () => Buffer.from(toJson(usage({ tokens: { input: 77 } })).replace(':77', ':9007199254740993')),
  },
  { kind: 'an empty user', code: 'invalid_id', value: () => usageRecorded.encode(usage({ user_id: '' })) },
  {
    kind: 'an e-mail address as user',
    code: 'user_id_is_email',
    value: () => usageRecorded.encode(usage({ user_id: 'ada@example.org' })),
  },
  { kind: 'no id', code: 'missing_field', value: without('event_id') },
  { kind: 'no model', code: 'missing_field', value: without('model') },
  { kind: 'a date in 1970', code: 'time_out_of_range', value: () => usageRecorded.encode(usage({ occurred_at: 0 })) },
  {
    kind: 'a date in 2126',
    code: 'time_out_of_range',
    value: json((event) => ({ ...event, occurred_at: '2126-01-01T00:00:00Z' })),
  },
  { kind: 'words for a date', code: 'wrong_type', value: json((event) => ({ ...event, occurred_at: 'yesterday' })) },
  { kind: 'an unknown token class', code: 'unknown_token_class', value: withTokens({ input: 1, imagined: 2 }) },
  {
    kind: 'more reasoning than output',
    code: 'reasoning_exceeds_output',
    value: withTokens({ output: 1, reasoning: 2 }),
  },
  {
    kind: '1 MB of attributes',
    code: 'attributes_too_large',
    value: () => usageRecorded.encode(usage({ attributes: { big: 'x'.repeat(1_000_000) } })),
  },
  {
    kind: 'invalid UTF-8',
    code: 'invalid_utf8',
    value: () => Buffer.concat([Buffer.from('{"event_id":"'), Buffer.of(0xff, 0xfe), Buffer.from('"}')]),
  },
  { kind: 'JSON null', code: 'wrong_type', value: () => Buffer.from('null') },
  { kind: 'half a JSON object', code: 'malformed_json', value: () => Buffer.from('{"event_id": "x", ') },
  { kind: 'neither Avro nor JSON', code: 'unknown_framing', value: () => Buffer.from('PK\u0003\u0004 a zip file') },
  { kind: 'a tombstone', code: 'empty_record', value: () => null },
  {
    kind: 'a CloudEvent of another type',
    code: 'wrong_event_type',
    value: () =>
      Buffer.from(JSON.stringify({ specversion: '1.0', type: 'com.example.order', id: '1', source: 'shop', data: {} })),
    headers: { 'content-type': 'application/cloudevents+json' },
  },
  {
    kind: 'a CloudEvent of another version',
    code: 'malformed_cloud_event',
    value: () => Buffer.from('{}'),
    headers: { ce_specversion: '0.3', ce_type: 'laurel.usage.recorded.v1', ce_id: '1', ce_source: 's' },
  },
];

const GARBAGE = 1000;

describe('garbage between good events', () => {
  let pipeline: Pipeline;
  const good = Array.from({ length: 500 }, (_, index) =>
    usage({ event_id: `good-${index}`, user_id: `u-${index % 7}`, tokens: { input: index } }),
  );
  const letters: DeadLetter[] = [];
  /** The kind and bytes of each garbage record, by its key. */
  const sent = new Map<string, { readonly garbage: Garbage; readonly value: Buffer | null }>();

  beforeAll(async () => {
    pipeline = await Pipeline.create(['usage-ingest', 'usage-projector']);
    const producer = pipeline.kafka.producer();
    await producer.connect();
    const messages = Array.from({ length: GARBAGE }, (_, serial) => {
      const garbage = kinds[serial % kinds.length];
      if (garbage === undefined) throw new Error('no kinds');
      const key = `garbage-${serial}`;
      const value = garbage.value(serial);
      sent.set(key, { garbage, value });
      const bad = { key, value, ...(garbage.headers === undefined ? {} : { headers: garbage.headers }) };
      const sound = good[serial / 2];
      return sound === undefined ? [bad] : [bad, { key: sound.user_id, value: usageRecorded.encode(sound) }];
    }).flat();
    // One by one partition, and a few at a time, as a megabyte each adds up.
    for (let at = 0; at < messages.length; at += 25) {
      await producer.send({
        topic: pipeline.topic(topics.usageEvents.name),
        messages: messages.slice(at, at + 25).map((message) => ({ ...message, partition: 0 })),
        compression: kafkajs.CompressionTypes.GZIP,
      });
    }
    await producer.disconnect();
    await pipeline.settled();
    await readToEnd(pipeline.kafka, {
      topic: pipeline.topic(topics.deadLetters.name),
      groupPrefix: pipeline.prefix,
      onRecord: ({ value }) => {
        if (value !== null) letters.push(deadLetter.decode(value));
      },
    });
  });

  afterAll(() => pipeline.close());

  it('counts every good event', async () => {
    const [row] = await pipeline.rows('SELECT sum(events) AS events, sum(input_tokens) AS input FROM usage');
    expect(row).toEqual({ events: '500', input: String((499 * 500) / 2) });
  });

  it('keeps every bad record with its code, its bytes, its place and its headers', () => {
    const byKey = new Map(letters.map((letter) => [Buffer.from(letter.key ?? []).toString(), letter]));
    expect(byKey.size).toBe(GARBAGE);
    for (const [key, { garbage, value }] of sent) {
      const letter = byKey.get(key);
      expect({ kind: garbage.kind, code: letter?.code }).toEqual({ kind: garbage.kind, code: garbage.code });
      expect(letter).toMatchObject({ topic: pipeline.topic(topics.usageEvents.name), partition: 0 });
      expect(
        letter?.value === null || letter?.value === undefined
          ? null
          : Buffer.from(letter.value).equals(value ?? Buffer.alloc(0)),
      ).toBe(value === null ? null : true);
      const headers = Object.fromEntries(
        (letter?.headers ?? []).map((header) => [header.name, Buffer.from(header.value).toString()]),
      );
      expect(headers).toEqual(garbage.headers ?? {});
    }
    const offsets = new Set(letters.map(({ offset }) => offset));
    expect(offsets.size).toBe(GARBAGE);
  });

  it('goes on after it', async () => {
    await pipeline.publish([usage({ event_id: 'after', user_id: 'u-after', tokens: { ...noTokens, input: 1 } })]);
    await pipeline.settled();
    expect(await pipeline.rows("SELECT sum(events) AS events FROM usage WHERE user_id = 'u-after'")).toEqual([
      { events: '1' },
    ]);
    expect(
      await pipeline.service('usage-ingest').metric('laurel_dead_letters_total', 'code="wrong_type"'),
    ).toBeGreaterThan(0);
  });
});
