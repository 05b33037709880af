import avro from 'avsc';
import { CloudEvent, Kafka } from 'cloudevents';
import fc from 'fast-check';
import { outcomeRecorded, usageRecorded } from '../codecs.js';
import { identityOf, outcomeVersionOf } from '../event/identity.js';
import type { IncomingRecord, WriterSchemas } from '../framing/decode.js';
import { outcomeRecordedSchema } from '../generated/schemas.js';
import { deadLetterCodeValues, type DeadLetterCode, type OutcomeRecorded } from '../generated/types.js';
import { USAGE_EVENT_TYPE } from '../usage/decode.js';
import { anEvent, recordOf, RECORDED_AT_MS } from '../usage/usage.fixture.js';
import { OUTCOME_EVENT_TYPE } from './decode.js';
import { anOutcome, avroWith, decode, jsonWith, validOutcomes } from './outcomes.fixture.js';
import { outcomeReaderForSchema } from './reader.js';
import { outcomeLimits, validateOutcome, type OutcomeEvent } from './validity.js';

const REGISTRY_ID = 0x01020304;
const registryWith = (schema: unknown): WriterSchemas<OutcomeRecorded> => {
  const reader = outcomeReaderForSchema(JSON.stringify(schema));
  return { byRegistryId: (id) => (id !== REGISTRY_ID ? 'unknown' : reader.ok ? reader.value : () => reader) };
};
const registry = registryWith(outcomeRecordedSchema);

function confluent(body: Uint8Array): IncomingRecord {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(REGISTRY_ID, 1);
  return recordOf(Buffer.concat([header, body]));
}

function cloudEventOf(event: OutcomeRecorded): CloudEvent<unknown> {
  const { event_id: id, source, occurred_at, ...data } = event;
  return new CloudEvent({
    ...{ specversion: '1.0', type: OUTCOME_EVENT_TYPE, id, source, datacontenttype: 'application/json', data },
    time: new Date(occurred_at).toISOString(),
  });
}

const fromSdk = (message: unknown): IncomingRecord => {
  const { headers, value } = message as { headers: Record<string, unknown>; value: unknown };
  const texts = Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, String(text)]));
  return recordOf(typeof value === 'string' ? value : JSON.stringify(value), texts);
};

const framings: Readonly<Record<string, (event: OutcomeRecorded) => IncomingRecord>> = {
  'Avro single-object encoding': (event) => recordOf(outcomeRecorded.encode(event)),
  'Confluent framing': (event) => confluent(outcomeRecorded.type.toBuffer(event)),
  JSON: (event) => recordOf(JSON.stringify(event)),
  'JSON with an RFC 3339 time': (event) =>
    recordOf(JSON.stringify({ ...event, occurred_at: new Date(event.occurred_at).toISOString() })),
  'a structured CloudEvent of the SDK': (event) => fromSdk(Kafka.structured(cloudEventOf(event))),
  'a binary CloudEvent of the SDK': (event) => fromSdk(Kafka.binary(cloudEventOf(event))),
};

function accepted(record: IncomingRecord, schemas = registry): OutcomeEvent {
  const decoded = decode(record, schemas);
  if (!decoded.ok) throw new Error(JSON.stringify(decoded));
  return decoded.value;
}

describe('every framing of an outcome', () => {
  it.each(Object.entries(framings))('gives the same outcome, identity and version as %s', (framing, write) => {
    fc.assert(
      fc.property(validOutcomes, (any) => {
        // The SDK refuses some texts as id or source, which are URI references there.
        const event = framing.includes('CloudEvent') ? { ...any, event_id: 'id-1', source: 'tool' } : any;
        const read = accepted(write(event));
        const direct = validateOutcome(event, RECORDED_AT_MS);
        if (!direct.ok) throw new Error(direct.fault.message);
        expect(read).toEqual(event);
        expect(identityOf(read)).toBe(identityOf(direct.value));
        expect(outcomeVersionOf(read)).toBe(outcomeVersionOf(direct.value));
      }),
      { numRuns: 200 },
    );
  });

  it('asks for a schema that was not looked up yet', () => {
    expect(decode(confluent(Buffer.of(1)), { byRegistryId: () => undefined })).toEqual({
      ok: false,
      needsSchema: REGISTRY_ID,
    });
  });

  it('reads a forge’s own schema by the names of its fields', () => {
    const own = {
      type: 'record',
      name: 'com.example.OutcomeRecorded',
      fields: [
        { name: 'kind', type: outcomeRecordedSchema.fields.find(({ name }) => name === 'kind')?.type },
        ...['user_id', 'source', 'event_id'].map((name) => ({ name, type: 'string' })),
        { name: 'occurred_at', type: 'long' },
      ],
    };
    const { event_id, source, occurred_at, user_id, kind } = anOutcome;
    const value = { event_id, source, occurred_at, user_id, kind };
    const body = avro.Type.forSchema(structuredClone(own) as avro.Schema).toBuffer(value);
    expect(accepted(confluent(body), registryWith(own))).toEqual({
      ...value,
      revision: 0,
      retracted: false,
      team: null,
      session_id: null,
      quantity: 1,
      attributes: {},
    });
  });
});

describe('an outcome in JSON', () => {
  it('needs identity and kind, and is one of them unless it says how many', () => {
    const minimal = { event_id: '1', source: 's', occurred_at: '2026-09-21T11:59:59.5Z', user_id: 'u', kind: 'commit' };
    expect(accepted(recordOf(JSON.stringify(minimal)))).toEqual({
      ...minimal,
      occurred_at: Date.UTC(2026, 8, 21, 11, 59, 59, 500),
      revision: 0,
      retracted: false,
      team: null,
      session_id: null,
      quantity: 1,
      attributes: {},
    });
  });

  it('takes null for absent, an empty team or session for none, and ignores fields of a newer publisher', () => {
    expect(accepted(jsonWith({ quantity: null, revision: null, attributes: null, team: '', colour: 'green' }))).toEqual(
      {
        ...anOutcome,
        quantity: 1,
        attributes: {},
        team: null,
      },
    );
  });
});

type Case = readonly [
  what: string,
  code: DeadLetterCode,
  field: string | null,
  record: IncomingRecord,
  schemas?: WriterSchemas<OutcomeRecorded>,
];
const encoded = outcomeRecorded.encode(anOutcome);
const cases: readonly Case[] = [
  ['no value', 'empty_record', null, recordOf(null)],
  ['plain text', 'unknown_framing', null, recordOf('hello')],
  ['a usage event', 'unknown_schema', null, recordOf(usageRecorded.encode(anEvent))],
  [
    'a registered schema that is not ours',
    'incompatible_schema',
    null,
    confluent(Buffer.of(0)),
    registryWith('string'),
  ],
  ['a truncated body', 'malformed_avro', null, recordOf(encoded.subarray(0, -3))],
  ['half an object', 'malformed_json', null, recordOf('{"event_id":')],
  [
    'a CloudEvent without data',
    'malformed_cloud_event',
    'data',
    recordOf(JSON.stringify({ specversion: '1.0', type: OUTCOME_EVENT_TYPE, id: '1', source: 's' })),
  ],
  [
    'a CloudEvent of a usage event',
    'wrong_event_type',
    'type',
    recordOf(JSON.stringify({ ...cloudEventOf(anOutcome).toJSON(), type: USAGE_EVENT_TYPE })),
  ],
  ['a replacement character in an id', 'invalid_utf8', 'event_id', jsonWith({ event_id: 'a\uFFFDb' })],
  ...['event_id', 'source', 'user_id', 'occurred_at', 'kind'].flatMap((field): Case[] => [
    [`no ${field}`, 'missing_field', field, jsonWith({ [field]: undefined })],
    [`null as ${field}`, 'missing_field', field, jsonWith({ [field]: null })],
  ]),
  ['a usage event in JSON', 'missing_field', 'kind', recordOf(JSON.stringify(anEvent))],
  ['an unknown kind', 'wrong_type', 'kind', jsonWith({ kind: 'release' })],
  ['a number as kind', 'wrong_type', 'kind', jsonWith({ kind: 1 })],
  ['a text as quantity', 'wrong_type', 'quantity', jsonWith({ quantity: '1' })],
  ['a quantity of −1', 'count_out_of_range', 'quantity', jsonWith({ quantity: -1 })],
  ['a quantity of −1 in Avro', 'count_out_of_range', 'quantity', avroWith({ quantity: -1 })],
  ['a quantity of 0.5', 'count_out_of_range', 'quantity', jsonWith({ quantity: 0.5 })],
  ['a quantity of 2^40 + 1', 'count_out_of_range', 'quantity', avroWith({ quantity: 2 ** 40 + 1 })],
  ['revision −1', 'count_out_of_range', 'revision', jsonWith({ revision: -1 })],
  ['an empty source', 'invalid_id', 'source', jsonWith({ source: '' })],
  ['257 bytes of session', 'invalid_id', 'session_id', avroWith({ session_id: 'x'.repeat(257) })],
  ['an e-mail address as user', 'user_id_is_email', 'user_id', jsonWith({ user_id: 'jane.doe@example.com' })],
  ['a time in seconds', 'time_out_of_range', 'occurred_at', jsonWith({ occurred_at: 1_789_988_400 })],
  ['24 h and 1 ms ahead', 'time_out_of_range', 'occurred_at', avroWith({ occurred_at: RECORDED_AT_MS + 86_400_001 })],
  [
    '33 attributes',
    'attributes_too_large',
    'attributes',
    jsonWith({ attributes: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`a${i}`, ''])) }),
  ],
];

describe('an outcome that is not accepted', () => {
  const named = cases.map(([what, code, field, record, schemas]) => ({ what, code, field, record, schemas }));

  it.each(named)('$what is $code', ({ code, field, record, schemas }) => {
    expect(decode(record, schemas)).toMatchObject({ ok: false, fault: { code, field } });
  });

  it('has every code shown above that outcomes can have', () => {
    const ofUsage: readonly DeadLetterCode[] = ['unknown_token_class', 'reasoning_exceeds_output'];
    const storing: readonly DeadLetterCode[] = ['too_late', 'storage_rejected'];
    const shown = cases.map(([, code]) => code);
    expect(new Set([...shown, ...ofUsage, ...storing])).toEqual(new Set(deadLetterCodeValues));
  });

  it.each([
    ['2^40 of them', avroWith({ quantity: 2 ** 40 })],
    ['none of them', jsonWith({ quantity: 0 })],
    ['revision 2^31 − 1', jsonWith({ revision: outcomeLimits.maxRevision })],
    ['256 bytes of source', jsonWith({ source: 'x'.repeat(256) })],
    ['24 h ahead', avroWith({ occurred_at: RECORDED_AT_MS + 86_400_000 })],
  ])('does not include %s', (_, record) => {
    expect(decode(record)).toMatchObject({ ok: true });
  });

  it('never throws on any bytes', () => {
    const starts = [Buffer.alloc(0), encoded.subarray(0, 10), Buffer.of(0, 1, 2, 3, 4), Buffer.from('{"kind":')];
    fc.assert(
      fc.property(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 200 }), (start, rest) => {
        decode(recordOf(Buffer.concat([start, rest])), registry);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('an outcome’s version', () => {
  const versionOf = (changes: Partial<OutcomeRecorded>): bigint => outcomeVersionOf(accepted(avroWith(changes)));

  it('differs when anything of the content differs, and not by the order of attributes', () => {
    const different: Partial<OutcomeRecorded>[] = [
      {},
      { retracted: true },
      { team: null },
      { session_id: null },
      { kind: 'edit_accepted' },
      { quantity: 3 },
      { attributes: {} },
    ];
    expect(new Set(different.map(versionOf)).size).toBe(different.length);
    const { branch = '', repository = '' } = anOutcome.attributes;
    expect(versionOf({ attributes: { repository, branch } })).toBe(versionOf({ attributes: { branch, repository } }));
  });

  it('is greater for the higher revision, whatever the content is', () => {
    fc.assert(
      fc.property(validOutcomes, validOutcomes, fc.integer({ min: 0, max: 2 ** 31 - 2 }), (one, other, revision) => {
        expect(versionOf({ ...other, revision: revision + 1 }) > versionOf({ ...one, revision })).toBe(true);
      }),
    );
  });
});
