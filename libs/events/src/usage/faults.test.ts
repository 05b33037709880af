import avro from 'avsc';
import fc from 'fast-check';
import { parseSchema } from '../avro/bounded.js';
import { awardEvent, usageRecorded } from '../codecs.js';
import { usageRecordedSchema } from '../generated/schemas.js';
import { deadLetterCodeValues, type DeadLetterCode, type UsageRecorded } from '../generated/types.js';
import type { IncomingRecord, WriterSchemas } from '../framing/decode.js';
import { noTokens, tokenFields } from '../tokens.js';
import { USAGE_EVENT_TYPE } from './decode.js';
import { usageReaderForSchema } from './reader.js';
import { anEvent, avroWith, decode, jsonWith, recordOf, RECORDED_AT_MS, validEvents } from './usage.fixture.js';
import { usageLimits } from './validity.js';

type Case = readonly [
  what: string,
  code: DeadLetterCode,
  field: string | null,
  record: IncomingRecord,
  schemas?: WriterSchemas<UsageRecorded>,
];

const DAY_MS = 86_400_000;
const encoded = usageRecorded.encode(anEvent);
const withTokens = (tokens: unknown) => jsonWith({ tokens });
const without = (field: string) => jsonWith({ [field]: undefined });
const envelope = (changes: Readonly<Record<string, unknown>>) => {
  const { event_id: id, source, occurred_at, ...data } = anEvent;
  const time = new Date(occurred_at).toISOString();
  return recordOf(JSON.stringify({ specversion: '1.0', type: USAGE_EVENT_TYPE, id, source, time, data, ...changes }));
};
const binary = (headers: Readonly<Record<string, string>>, value = JSON.stringify(anEvent)) =>
  recordOf(value, { ce_specversion: '1.0', ce_type: USAGE_EVENT_TYPE, ce_id: '1', ce_source: 's', ...headers });
const confluentId7 = (body: Uint8Array) => recordOf(Buffer.concat([Buffer.of(0, 0, 0, 0, 7), body]));
const refusing: WriterSchemas<UsageRecorded> = {
  byRegistryId: () => {
    const reader = usageReaderForSchema('"string"');
    return reader.ok ? reader.value : () => reader;
  },
};

/** A body under our schema, but with every long as a BigInt, as a writer in another language may send it. */
const bigLong = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  },
  fromJSON: BigInt,
  toJSON: String,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
});
const bigType = parseSchema(usageRecordedSchema, bigLong);
function avroWithBig(changes: { readonly input?: bigint; readonly occurred_at?: bigint }): IncomingRecord {
  const { input = 0n, occurred_at = BigInt(anEvent.occurred_at) } = changes;
  const tokens = { ...Object.fromEntries(tokenFields.map((name) => [name, 0n])), input };
  const body = bigType.toBuffer({ ...anEvent, occurred_at, tokens, cost_micro_usd: null });
  return recordOf(Buffer.concat([encoded.subarray(0, 10), body]));
}

const replaced = (from: string, to: Uint8Array): IncomingRecord => {
  const at = encoded.indexOf(from);
  const bytes = Buffer.from(encoded);
  bytes.set(to, at);
  return recordOf(bytes);
};

const cases: readonly Case[] = [
  ['no value', 'empty_record', null, recordOf(null)],
  ['a value of no bytes', 'empty_record', null, recordOf('')],

  ['plain text', 'unknown_framing', null, recordOf('hello')],
  ['protobuf', 'unknown_framing', null, recordOf(Buffer.of(0x08, 0x96, 0x01))],
  ['the marker’s first byte without its second', 'unknown_framing', null, recordOf(Buffer.of(0xc3, 0x02, 1))],
  ['the marker’s first byte alone', 'unknown_framing', null, recordOf(Buffer.of(0xc3))],

  ['a fingerprint that nobody published', 'unknown_schema', null, recordOf(Buffer.from('c3010102030405060708', 'hex'))],
  [
    'an event of another topic',
    'unknown_schema',
    null,
    recordOf(Buffer.concat([Buffer.of(0xc3, 1), Buffer.from(awardEvent.fingerprint.toString(16), 'hex').reverse()])),
  ],
  ['a schema id that the registry does not have', 'unknown_schema', null, confluentId7(encoded.subarray(10))],
  ['a registered schema that is not ours', 'incompatible_schema', null, confluentId7(Buffer.of(0)), refusing],

  ['a fingerprint cut short', 'malformed_avro', null, recordOf(encoded.subarray(0, 9))],
  ['no body', 'malformed_avro', null, recordOf(encoded.subarray(0, 10))],
  ['a truncated body', 'malformed_avro', null, recordOf(encoded.subarray(0, -3))],
  ['trailing bytes', 'malformed_avro', null, recordOf(Buffer.concat([encoded, Buffer.of(0)]))],
  ['a registry id cut short', 'malformed_avro', null, recordOf(Buffer.of(0, 0, 0, 7))],
  [
    'a map that claims 2^50 entries',
    'malformed_avro',
    null,
    recordOf(
      Buffer.concat([
        usageRecorded.encode({ ...anEvent, attributes: {} }).subarray(0, -1),
        Buffer.from('80808080808080808001', 'hex'),
      ]),
    ),
  ],
  [
    'a map block of a negative size that leads back to itself',
    'malformed_avro',
    null,
    recordOf(
      Buffer.concat([usageRecorded.encode({ ...anEvent, attributes: {} }).subarray(0, -1), Buffer.of(0x01, 0x03)]),
    ),
  ],
  [
    'a string of a negative length',
    'malformed_avro',
    null,
    recordOf(Buffer.concat([encoded.subarray(0, 10), Buffer.of(0x03)])),
  ],

  ['half an object', 'malformed_json', null, recordOf('{"event_id":')],
  ['two objects', 'malformed_json', null, recordOf(`${JSON.stringify(anEvent)}${JSON.stringify(anEvent)}`)],
  ['NaN', 'malformed_json', null, recordOf('{"tokens":{"input":NaN}}')],
  ['text that says it is JSON', 'malformed_json', null, recordOf('hello', { 'content-type': 'application/json' })],

  ['JSON null', 'wrong_type', null, recordOf('null')],
  ['a JSON array', 'wrong_type', null, recordOf(`[${JSON.stringify(anEvent)}]`)],
  ['a JSON number', 'wrong_type', null, recordOf('17')],
  [
    'a batch of CloudEvents',
    'wrong_type',
    null,
    recordOf('[]', { 'content-type': 'application/cloudevents-batch+json' }),
  ],
  ['a number as id', 'wrong_type', 'event_id', jsonWith({ event_id: 17 })],
  ['a string as count', 'wrong_type', 'tokens.input', withTokens({ input: '10' })],
  ['a list as tokens', 'wrong_type', 'tokens', withTokens([1])],
  ['a number as attribute', 'wrong_type', 'attributes', jsonWith({ attributes: { a: 1 } })],
  ['a list as attributes', 'wrong_type', 'attributes', jsonWith({ attributes: ['a'] })],
  ['"yes" as retracted', 'wrong_type', 'retracted', jsonWith({ retracted: 'yes' })],
  ['a string as revision', 'wrong_type', 'revision', jsonWith({ revision: '1' })],
  ['a string as cost', 'wrong_type', 'cost_micro_usd', jsonWith({ cost_micro_usd: '1' })],
  ['a number as team', 'wrong_type', 'team', jsonWith({ team: 7 })],
  ['an unknown status', 'wrong_type', 'status', jsonWith({ status: 'OK' })],
  ['an unknown origin', 'wrong_type', 'origin', jsonWith({ origin: 'robot' })],
  ['a date without a time', 'wrong_type', 'occurred_at', jsonWith({ occurred_at: '2026-09-21' })],
  ['a time without an offset', 'wrong_type', 'occurred_at', jsonWith({ occurred_at: '2026-09-21T11:00:00' })],
  ['30 February', 'wrong_type', 'occurred_at', jsonWith({ occurred_at: '2026-02-30T11:00:00Z' })],
  ['29 February of a common year', 'wrong_type', 'occurred_at', jsonWith({ occurred_at: '2026-02-29T11:00:00Z' })],
  ['hour 24', 'wrong_type', 'occurred_at', jsonWith({ occurred_at: '2026-09-20T24:00:00Z' })],
  ['minute 60', 'wrong_type', 'occurred_at', jsonWith({ occurred_at: '2026-09-20T23:60:00Z' })],
  ['a fraction of a millisecond', 'wrong_type', 'occurred_at', jsonWith({ occurred_at: anEvent.occurred_at + 0.5 })],
  [
    'an infinite time',
    'wrong_type',
    'occurred_at',
    recordOf(JSON.stringify({ ...anEvent, occurred_at: 1 }).replace('"occurred_at":1', '"occurred_at":1e999')),
  ],

  ['no data in a CloudEvent', 'malformed_cloud_event', 'data', envelope({ data: undefined })],
  ['a string as data', 'malformed_cloud_event', 'data', envelope({ data: 'text' })],
  ['base64 data that is not JSON', 'malformed_cloud_event', 'data', envelope({ data: undefined, data_base64: 'AAAA' })],
  ['another specversion', 'malformed_cloud_event', 'specversion', envelope({ specversion: '0.3' })],
  ['a numeric specversion', 'malformed_cloud_event', 'specversion', envelope({ specversion: 1 })],
  ['another specversion in a header', 'malformed_cloud_event', 'specversion', binary({ ce_specversion: '2.0' })],
  [
    'a plain event that says it is a CloudEvent',
    'malformed_cloud_event',
    'specversion',
    recordOf(JSON.stringify(anEvent), { 'content-type': 'application/cloudevents+json' }),
  ],
  ['a CloudEvent of another type', 'wrong_event_type', 'type', envelope({ type: 'com.example.other' })],
  ['a CloudEvent without a type', 'wrong_event_type', 'type', envelope({ type: undefined })],
  ['a binary CloudEvent of another type', 'wrong_event_type', 'type', binary({ ce_type: 'com.example.other' })],
  ['a CloudEvent without an id', 'missing_field', 'event_id', envelope({ id: undefined })],
  ['a CloudEvent without any time', 'missing_field', 'occurred_at', envelope({ time: undefined })],
  ['a binary CloudEvent with an empty id', 'invalid_id', 'event_id', binary({ ce_id: '' })],
  ['Avro under CloudEvents headers', 'invalid_utf8', null, { ...binary({}), value: encoded }],

  [
    'JSON with a broken UTF-8 sequence',
    'invalid_utf8',
    null,
    recordOf(Buffer.concat([Buffer.from('{"event_id":"'), Buffer.of(0xc3, 0x28), Buffer.from('"}')])),
  ],
  [
    'a lone surrogate in an id',
    'invalid_utf8',
    'event_id',
    recordOf(JSON.stringify({ ...anEvent, event_id: 'X' }).replace('"X"', '"\\ud800"')),
  ],
  ['a replacement character in a model', 'invalid_utf8', 'model', jsonWith({ model: 'a\uFFFDb' })],
  [
    'broken UTF-8 in an Avro string',
    'invalid_utf8',
    'user_id',
    replaced('u-4711', Buffer.of(0x75, 0xc3, 0x28, 0x37, 0x31, 0x31)),
  ],
  ['broken UTF-8 in an attribute’s name', 'invalid_utf8', 'attributes', replaced('branch', Buffer.of(0xff))],
  [
    'broken UTF-8 in a header',
    'invalid_utf8',
    'event_id',
    { ...binary({}), headers: { ...binary({}).headers, ce_id: Buffer.of(0xff) } },
  ],

  ...['event_id', 'source', 'user_id', 'provider', 'model', 'occurred_at', 'tokens'].flatMap((field): Case[] => [
    [`no ${field}`, 'missing_field', field, without(field)],
    [`null as ${field}`, 'missing_field', field, jsonWith({ [field]: null })],
  ]),

  ['a misspelt token class', 'unknown_token_class', 'tokens', withTokens({ inputs: 10 })],
  ['a total among the classes', 'unknown_token_class', 'tokens', withTokens({ input: 1, total: 1 })],
  [
    '__proto__ among the classes',
    'unknown_token_class',
    'tokens',
    recordOf(JSON.stringify({ ...anEvent, tokens: 1 }).replace('"tokens":1', '"tokens":{"__proto__":1}')),
  ],

  ...tokenFields.flatMap((name): Case[] => {
    const field = `tokens.${name}`;
    const tokens = (count: number) => ({
      ...noTokens,
      ...(name === 'reasoning' ? { output: usageLimits.maxCount } : {}),
      [name]: count,
    });
    return [
      [`${field} of −1 in JSON`, 'count_out_of_range', field, withTokens(tokens(-1))],
      [`${field} of −1 in Avro`, 'count_out_of_range', field, avroWith({ tokens: tokens(-1) })],
      [`${field} of 2^40 + 1 in JSON`, 'count_out_of_range', field, withTokens(tokens(2 ** 40 + 1))],
      [`${field} of 2^40 + 1 in Avro`, 'count_out_of_range', field, avroWith({ tokens: tokens(2 ** 40 + 1) })],
      [`${field} of 0.5`, 'count_out_of_range', field, withTokens(tokens(0.5))],
    ];
  }),
  ...['9007199254740993', '9223372036854775808', '1e999', '-1e999'].map((count): Case => [
    `a count of ${count} in JSON`,
    'count_out_of_range',
    'tokens.input',
    recordOf(JSON.stringify({ ...anEvent, tokens: 1 }).replace('"tokens":1', `"tokens":{"input":${count}}`)),
  ]),
  ...[2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)].map((count): Case => [
    `a count of ${count} in Avro`,
    'count_out_of_range',
    'tokens.input',
    avroWithBig({ input: count }),
  ]),
  ['revision −1', 'count_out_of_range', 'revision', jsonWith({ revision: -1 })],
  ['revision 2^31', 'count_out_of_range', 'revision', jsonWith({ revision: 2 ** 31 })],
  ['revision −1 in Avro', 'count_out_of_range', 'revision', avroWith({ revision: -1 })],
  ['a negative cost', 'count_out_of_range', 'cost_micro_usd', avroWith({ cost_micro_usd: -1 })],
  ['a cost of 2^50 + 1', 'count_out_of_range', 'cost_micro_usd', avroWith({ cost_micro_usd: 2 ** 50 + 1 })],

  [
    'more reasoning than output',
    'reasoning_exceeds_output',
    'tokens.reasoning',
    withTokens({ output: 4, reasoning: 5 }),
  ],
  [
    'more reasoning than output in Avro',
    'reasoning_exceeds_output',
    'tokens.reasoning',
    avroWith({ tokens: { ...noTokens, reasoning: 1 } }),
  ],

  ...['event_id', 'source', 'user_id', 'provider', 'model'].flatMap((field): Case[] => [
    [`an empty ${field}`, 'invalid_id', field, jsonWith({ [field]: '' })],
    [`an empty ${field} in Avro`, 'invalid_id', field, avroWith({ [field]: '' })],
  ]),
  ...['event_id', 'source', 'user_id', 'provider', 'model', 'team', 'session_id'].flatMap((field): Case[] => [
    [`257 bytes of ${field}`, 'invalid_id', field, jsonWith({ [field]: 'x'.repeat(257) })],
    [`129 two-byte letters of ${field}`, 'invalid_id', field, avroWith({ [field]: 'ä'.repeat(129) })],
  ]),
  ['an e-mail address as user', 'user_id_is_email', 'user_id', jsonWith({ user_id: 'jane.doe@example.com' })],
  ['an e-mail address as user in Avro', 'user_id_is_email', 'user_id', avroWith({ user_id: 'j@x.de' })],

  ['a date in 1970', 'time_out_of_range', 'occurred_at', jsonWith({ occurred_at: '1970-01-01T00:00:00Z' })],
  ['a time in seconds', 'time_out_of_range', 'occurred_at', jsonWith({ occurred_at: 1_789_988_400 })],
  [
    'the last millisecond of 2019',
    'time_out_of_range',
    'occurred_at',
    avroWith({ occurred_at: Date.UTC(2020, 0, 1) - 1 }),
  ],
  ['24 h and 1 ms ahead', 'time_out_of_range', 'occurred_at', avroWith({ occurred_at: RECORDED_AT_MS + DAY_MS + 1 })],
  ['a time of 2^63 − 1', 'time_out_of_range', 'occurred_at', avroWithBig({ occurred_at: 2n ** 63n - 1n })],
  ['a date in 2126', 'time_out_of_range', 'occurred_at', jsonWith({ occurred_at: '2126-01-01T00:00:00Z' })],

  [
    '33 attributes',
    'attributes_too_large',
    'attributes',
    jsonWith({ attributes: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`a${i}`, ''])) }),
  ],
  [
    '8 KiB and 1 byte of attributes',
    'attributes_too_large',
    'attributes',
    jsonWith({ attributes: { a: 'x'.repeat(8192) } }),
  ],
  [
    '8 KiB and 1 byte of two-byte letters',
    'attributes_too_large',
    'attributes',
    avroWith({ attributes: { a: `${'ä'.repeat(4095)}xx` } }),
  ],
  ['1 MB of attributes', 'attributes_too_large', 'attributes', jsonWith({ attributes: { a: 'x'.repeat(1_000_000) } })],
];

describe('a record that is not accepted', () => {
  const named = cases.map(([what, code, field, record, schemas]) => ({ what, code, field, record, schemas }));

  it.each(named)('$what is $code', ({ code, field, record, schemas }) => {
    expect(decode(record, schemas)).toMatchObject({ ok: false, fault: { code, field } });
  });

  it('has every code shown above, but for those that storing gives', () => {
    const storing: readonly DeadLetterCode[] = ['too_late', 'storage_rejected'];
    expect(new Set([...cases.map(([, code]) => code), ...storing])).toEqual(new Set(deadLetterCodeValues));
  });

  it('never repeats more than a little of what was sent', () => {
    const name = 'x'.repeat(100_000);
    expect(JSON.stringify(decode(withTokens({ [name]: 1 }))).length).toBeLessThan(500);
  });
});

describe('the limits', () => {
  const atLimit: readonly (readonly [string, IncomingRecord])[] = [
    ...tokenFields.map(
      (name) => [`2^40 of ${name}`, avroWith({ tokens: { ...noTokens, output: 2 ** 40, [name]: 2 ** 40 } })] as const,
    ),
    ['no tokens at all', withTokens({})],
    ['all output as reasoning', withTokens({ output: 5, reasoning: 5 })],
    ['revision 2^31 − 1', jsonWith({ revision: 2 ** 31 - 1 })],
    ['a cost of 2^50', jsonWith({ cost_micro_usd: 2 ** 50 })],
    ['no cost', jsonWith({ cost_micro_usd: 0 })],
    ...['event_id', 'source', 'user_id', 'provider', 'model', 'team', 'session_id'].flatMap((field) => [
      [`256 bytes of ${field}`, jsonWith({ [field]: 'x'.repeat(256) })] as const,
      [`128 two-byte letters of ${field}`, avroWith({ [field]: 'ä'.repeat(128) })] as const,
    ]),
    ['an @ that makes no address', jsonWith({ user_id: 'jane@host' })],
    ['the first millisecond of 2020', avroWith({ occurred_at: Date.UTC(2020, 0, 1) })],
    ['24 h ahead', avroWith({ occurred_at: RECORDED_AT_MS + DAY_MS })],
    [
      '32 attributes',
      jsonWith({ attributes: Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`a${i}`, ''])) }),
    ],
    ['8 KiB of attributes', jsonWith({ attributes: { a: 'x'.repeat(8191) } })],
    ['8 KiB of two-byte letters', avroWith({ attributes: { ä: 'ä'.repeat(4095) } })],
    ['no attributes', avroWith({ attributes: {} })],
  ];

  it.each(atLimit)('take %s', (_, record) => {
    expect(decode(record)).toMatchObject({ ok: true });
  });
});

describe('decoding', () => {
  const registry: WriterSchemas<UsageRecorded> = {
    byRegistryId: (id) => {
      const reader = usageReaderForSchema(JSON.stringify(usageRecordedSchema));
      return id % 2 === 0 && reader.ok ? reader.value : 'unknown';
    },
  };
  const outcome = (value: Uint8Array, headers: Readonly<Record<string, string>> = {}) => {
    const decoded = decode(recordOf(value, headers), registry);
    if (!decoded.ok && !('needsSchema' in decoded)) expect(deadLetterCodeValues).toContain(decoded.fault.code);
    return decoded;
  };

  it('never throws on any bytes, under any framing', () => {
    const starts = [Buffer.alloc(0), encoded.subarray(0, 10), Buffer.of(0, 0, 0, 0, 2), Buffer.from('{"tokens":{')];
    const contentTypes = [undefined, 'application/json', 'application/cloudevents+json', 'application/avro'];
    fc.assert(
      fc.property(
        fc.constantFrom(...starts),
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom(...contentTypes),
        fc.boolean(),
        (start, rest, contentType, isCloudEvent) => {
          outcome(Buffer.concat([start, rest]), {
            ...(contentType === undefined ? {} : { 'content-type': contentType }),
            ...(isCloudEvent ? { ce_specversion: '1.0', ce_type: USAGE_EVENT_TYPE } : {}),
          });
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('never throws on a valid record that was damaged somewhere', () => {
    fc.assert(
      fc.property(validEvents, fc.nat(), fc.integer({ min: 0, max: 255 }), fc.boolean(), (event, at, byte, cut) => {
        const bytes = usageRecorded.encode(event);
        bytes[at % bytes.length] = byte;
        outcome(cut ? bytes.subarray(0, at % bytes.length) : bytes);
      }),
      { numRuns: 3000 },
    );
  });

  it('never throws on any JSON value in any field', () => {
    const fields = Object.keys(anEvent);
    fc.assert(
      fc.property(fc.constantFrom(...fields), fc.jsonValue(), (field, value) => {
        outcome(Buffer.from(JSON.stringify({ ...anEvent, [field]: value })));
      }),
      { numRuns: 2000 },
    );
  });

  it('gives the same outcome for the same record', () => {
    for (const one of cases) expect(decode(one[3], one[4])).toEqual(decode(one[3], one[4]));
  });

  it('takes time in proportion to the bytes, whatever they claim', () => {
    const claims = Buffer.concat(Array.from({ length: 200_000 }, () => Buffer.from('feffffffffffffff7f', 'hex')));
    const began = performance.now();
    expect(decode(recordOf(Buffer.concat([encoded.subarray(0, 10), claims])))).toMatchObject({ ok: false });
    expect(
      decode(recordOf(Buffer.concat([usageRecorded.encode({ ...anEvent, attributes: {} }).subarray(0, -1), claims]))),
    ).toMatchObject({ ok: false });
    expect(performance.now() - began).toBeLessThan(2000);
  });
});
