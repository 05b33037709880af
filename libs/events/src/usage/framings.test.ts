import avro from 'avsc';
import { CloudEvent, HTTP, Kafka } from 'cloudevents';
import fc from 'fast-check';
import { usageRecorded } from '../codecs.js';
import { usageRecordedSchema } from '../generated/schemas.js';
import { contentHash, identityOf, versionOf } from '../event/identity.js';
import type { IncomingRecord, WriterSchemas } from '../framing/decode.js';
import type { UsageRecorded } from '../generated/types.js';
import { noTokens } from '../tokens.js';
import { USAGE_EVENT_TYPE } from './decode.js';
import { usageReaderForSchema } from './reader.js';
import { anEvent, decode, jsonWith, recordOf, RECORDED_AT_MS, validEvents } from './usage.fixture.js';
import { validateUsage, type UsageEvent } from './validity.js';

const REGISTRY_ID = 0x01020304;

const readerOf = (schema: unknown) => {
  const reader = usageReaderForSchema(JSON.stringify(schema));
  if (!reader.ok) throw new Error(reader.fault.message);
  return reader.value;
};

const registryWith = (schema: unknown): WriterSchemas<UsageRecorded> => {
  const reader = readerOf(schema);
  return { byRegistryId: (id) => (id === REGISTRY_ID ? reader : 'unknown') };
};
const registry = registryWith(usageRecordedSchema);

function confluent(body: Uint8Array): IncomingRecord {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(REGISTRY_ID, 1);
  return recordOf(Buffer.concat([header, body]));
}

/** The event as the CloudEvents SDK has it: id, source and time are the envelope's, and not repeated in the data. */
function cloudEventOf(event: UsageRecorded): CloudEvent<unknown> {
  const { event_id: id, source, occurred_at, ...data } = event;
  return new CloudEvent({
    specversion: '1.0',
    type: USAGE_EVENT_TYPE,
    id,
    source,
    time: new Date(occurred_at).toISOString(),
    datacontenttype: 'application/json',
    data,
  });
}

function fromMessage({ body, headers }: { body: unknown; headers: Readonly<Record<string, unknown>> }): IncomingRecord {
  const texts = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
  return recordOf(typeof body === 'string' ? body : JSON.stringify(body), texts);
}

const framings: Readonly<Record<string, (event: UsageRecorded) => IncomingRecord>> = {
  'Avro single-object encoding': (event) => recordOf(usageRecorded.encode(event)),
  'Confluent framing': (event) => confluent(usageRecorded.type.toBuffer(event)),
  JSON: (event) => recordOf(JSON.stringify(event)),
  'JSON with its content type and RFC 3339 time': (event) =>
    recordOf(JSON.stringify({ ...event, occurred_at: new Date(event.occurred_at).toISOString() }), {
      'content-type': 'application/json; charset=utf-8',
    }),
  'a structured CloudEvent of the SDK': (event) => {
    const { headers, value } = Kafka.structured(cloudEventOf(event)) as unknown as {
      headers: Record<string, string>;
      value: unknown;
    };
    return fromMessage({ body: value, headers });
  },
  'a binary CloudEvent of the SDK': (event) => {
    const { headers, value } = Kafka.binary(cloudEventOf(event)) as unknown as {
      headers: Record<string, string>;
      value: unknown;
    };
    return fromMessage({ body: value, headers });
  },
  'a structured CloudEvent without a content type': (event) => recordOf(cloudEventOf(event).toString()),
  'a structured CloudEvent with base64 data': (event) => {
    const { data, ...envelope } = cloudEventOf(event).toJSON();
    return recordOf(JSON.stringify({ ...envelope, data_base64: Buffer.from(JSON.stringify(data)).toString('base64') }));
  },
};

function accepted(record: IncomingRecord, schemas: WriterSchemas<UsageRecorded> = registry): UsageEvent {
  const decoded = decode(record, schemas);
  if (!decoded.ok) throw new Error(JSON.stringify(decoded));
  return decoded.value;
}

describe('every framing', () => {
  it.each(Object.entries(framings))('carries an event whole as %s', (_, write) => {
    expect(accepted(write(anEvent))).toEqual(anEvent);
  });

  // The SDK refuses some texts as id or source (they are URI references there), so its events have plain ones.
  const inSdk = (framing: string): boolean => framing.includes('CloudEvent');

  it.each(Object.entries(framings))('gives the same event, identity and version as %s', (framing, write) => {
    fc.assert(
      fc.property(validEvents, (any) => {
        const event = inSdk(framing) ? { ...any, event_id: 'id-1', source: 'tool' } : any;
        const read = accepted(write(event));
        const direct = validateUsage(event, RECORDED_AT_MS);
        if (!direct.ok) throw new Error(direct.fault.message);
        expect(read).toEqual(event);
        expect(identityOf(read)).toBe(identityOf(direct.value));
        expect(versionOf(read)).toBe(versionOf(direct.value));
      }),
      { numRuns: 300 },
    );
  });

  it('writes headers as the Kafka binding names them', () => {
    expect(HTTP.binary(cloudEventOf(anEvent)).headers['ce-id']).toBe('msg_01');
    const { headers } = Kafka.binary(cloudEventOf(anEvent)) as { headers: Record<string, string> };
    expect(headers['ce_id']).toBe('msg_01');
  });
});

describe('the JSON form', () => {
  it('needs identity, provider, model and tokens, and nothing else', () => {
    const minimal = {
      event_id: '1',
      source: 's',
      occurred_at: '2026-09-21T11:59:59.5Z',
      user_id: 'u',
      provider: 'p',
      model: 'm',
      tokens: {},
    };
    expect(accepted(recordOf(JSON.stringify(minimal)))).toEqual({
      ...minimal,
      occurred_at: Date.UTC(2026, 8, 21, 11, 59, 59, 500),
      revision: 0,
      retracted: false,
      team: null,
      session_id: null,
      tokens: noTokens,
      cost_micro_usd: null,
      status: 'ok',
      origin: 'unknown',
      attributes: {},
    });
  });

  it('takes null for absent', () => {
    const nulls = {
      revision: null,
      retracted: null,
      team: null,
      session_id: null,
      cost_micro_usd: null,
      status: null,
      origin: null,
      attributes: null,
      tokens: { input: null },
    };
    const { attributes, tokens, status } = accepted(jsonWith(nulls));
    expect({ attributes, tokens, status }).toEqual({ attributes: {}, tokens: noTokens, status: 'ok' });
  });

  it('ignores fields of a newer publisher', () => {
    expect(accepted(jsonWith({ colour: 'green', nested: { a: [1] } }))).toEqual(anEvent);
  });

  it('takes an empty team or session for none', () => {
    expect(accepted(jsonWith({ team: '', session_id: '' }))).toMatchObject({ team: null, session_id: null });
    expect(versionOf(accepted(jsonWith({ team: '' })))).toBe(versionOf(accepted(jsonWith({ team: null }))));
  });

  it.each([
    ['2026-09-21T11:00:00Z', Date.UTC(2026, 8, 21, 11)],
    ['2026-09-21t11:00:00z', Date.UTC(2026, 8, 21, 11)],
    ['2026-09-21 11:00:00Z', Date.UTC(2026, 8, 21, 11)],
    ['2026-09-21T13:30:00+02:30', Date.UTC(2026, 8, 21, 11)],
    ['2026-09-21T10:59:59.999999-00:00', Date.UTC(2026, 8, 21, 10, 59, 59, 999)],
    [Date.UTC(2026, 8, 21, 11), Date.UTC(2026, 8, 21, 11)],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
  ])('reads the time %s', (occurred_at, ms) => {
    expect(accepted(jsonWith({ occurred_at })).occurred_at).toBe(ms);
  });
});

describe('Confluent framing', () => {
  it('asks for a schema that was not looked up yet', () => {
    expect(decode(confluent(Buffer.of(1)), { byRegistryId: () => undefined })).toEqual({
      ok: false,
      needsSchema: REGISTRY_ID,
    });
  });

  it('reads a publisher’s own schema by the names of its fields', () => {
    const own = {
      type: 'record',
      name: 'com.example.UsageRecorded',
      fields: [
        { name: 'ticket', type: { type: 'map', values: { type: 'array', items: 'string' } } },
        { name: 'model', type: 'string' },
        { name: 'provider', type: 'string' },
        { name: 'user_id', type: 'string' },
        { name: 'occurred_at', type: 'long' },
        { name: 'source', type: 'string' },
        { name: 'event_id', type: 'string' },
        { name: 'tokens', type: { type: 'record', name: 'TokenCounts', fields: [{ name: 'input', type: 'int' }] } },
      ],
    };
    const { event_id, source, occurred_at, user_id, provider, model } = anEvent;
    const value = {
      event_id,
      source,
      occurred_at,
      user_id,
      provider,
      model,
      tokens: { input: 7 },
      ticket: { a: ['b', 'c'], d: [] },
    };
    const body = avro.Type.forSchema(structuredClone(own) as avro.Schema).toBuffer(value);
    expect(accepted(confluent(body), registryWith(own))).toEqual({
      event_id,
      source,
      occurred_at,
      user_id,
      provider,
      model,
      revision: 0,
      retracted: false,
      team: null,
      session_id: null,
      cost_micro_usd: null,
      status: 'ok',
      origin: 'unknown',
      attributes: {},
      tokens: { ...noTokens, input: 7 },
    });
  });

  it.each([
    [
      'has a field of another type',
      {
        ...usageRecordedSchema,
        fields: usageRecordedSchema.fields.map((f) => (f.name === 'user_id' ? { ...f, type: 'long' } : f)),
      },
    ],
    [
      'lacks a field that has no default',
      { ...usageRecordedSchema, fields: usageRecordedSchema.fields.filter((f) => f.name !== 'event_id') },
    ],
    ['is of another name', { ...usageRecordedSchema, name: 'Usage' }],
    ['is no record', 'string'],
  ])('refuses a schema that %s', (_, schema) => {
    expect(usageReaderForSchema(JSON.stringify(schema))).toMatchObject({
      ok: false,
      fault: { code: 'incompatible_schema' },
    });
  });

  it('refuses what is no schema at all', () => {
    for (const text of ['', '{', 'null', '{"type":"nonsense"}', '[]']) {
      expect(usageReaderForSchema(text)).toMatchObject({ ok: false, fault: { code: 'incompatible_schema' } });
    }
  });
});

describe('identity and version', () => {
  const eventOf = (changes: Partial<UsageRecorded>): UsageEvent => {
    const checked = validateUsage({ ...anEvent, ...changes }, RECORDED_AT_MS);
    if (!checked.ok) throw new Error(checked.fault.message);
    return checked.value;
  };

  it('does not depend on the order of attributes', () => {
    fc.assert(
      fc.property(validEvents, (event) => {
        const reversed = { ...event, attributes: Object.fromEntries(Object.entries(event.attributes).reverse()) };
        expect(contentHash(eventOf(reversed))).toBe(contentHash(eventOf(event)));
      }),
    );
  });

  it('differs when anything of the content differs', () => {
    const hashes = [
      anEvent,
      { ...anEvent, retracted: true },
      { ...anEvent, team: null },
      { ...anEvent, session_id: null },
      { ...anEvent, provider: 'x' },
      { ...anEvent, model: 'x' },
      { ...anEvent, tokens: { ...anEvent.tokens, input: 11 } },
      { ...anEvent, tokens: { ...anEvent.tokens, reasoning: 6 } },
      { ...anEvent, cost_micro_usd: null },
      { ...anEvent, status: 'error' as const },
      { ...anEvent, origin: 'subagent' as const },
      { ...anEvent, attributes: { branch: 'größer' } },
      { ...anEvent, attributes: { branch: 'laurel', repository: 'größer' } },
    ].map((event) => contentHash(eventOf(event)));
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  it('lets the higher revision win whatever the content is', () => {
    fc.assert(
      fc.property(validEvents, validEvents, fc.integer({ min: 0, max: 2 ** 31 - 2 }), (one, other, revision) => {
        const lower = versionOf(eventOf({ ...one, revision }));
        expect(versionOf(eventOf({ ...other, revision: revision + 1 })) > lower).toBe(true);
        expect(lower >> 64n).toBe(BigInt(revision));
      }),
    );
  });

  it('is the same for the same four, and differs when one of them does', () => {
    const key = (event: Pick<UsageRecorded, 'source' | 'event_id' | 'user_id' | 'occurred_at'>) =>
      JSON.stringify([event.source, event.event_id, event.user_id, event.occurred_at]);
    const small = fc.record({
      source: fc.constantFrom('a', 'a\0b', 'a 1', '1', '1 1 1 a'),
      event_id: fc.constantFrom('a', 'b\0c', 'c', '1', ' 1'),
      user_id: fc.constantFrom('a', 'c', 'a\0', '1'),
      occurred_at: fc.constantFrom(1_600_000_000_000, 1_600_000_000_001),
    });
    fc.assert(
      fc.property(small, small, (one, other) => {
        expect(identityOf(eventOf(one)) === identityOf(eventOf(other))).toBe(key(one) === key(other));
      }),
      { numRuns: 2000 },
    );
  });
});
