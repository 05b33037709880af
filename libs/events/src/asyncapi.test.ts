import { existsSync, readFileSync } from 'node:fs';
import specs from '@asyncapi/specs';
import { Ajv, type Options } from 'ajv';
import formats from 'ajv-formats';
import fc from 'fast-check';
import { parse } from 'yaml';
import { outcomeRecorded, usageRecorded } from './codecs.js';
import type { IncomingRecord } from './framing/decode.js';
import type { DeadLetterCode } from './generated/types.js';
import { anOutcome, decode as decodeOutcome, validOutcomes } from './outcomes/outcomes.fixture.js';
import { topics, type TopicDeclaration } from './topics.js';
import { anEvent, decode as decodeUsage, recordOf, validEvents } from './usage/usage.fixture.js';

const DOCUMENT = new URL('../../../schemas/asyncapi/laurel.yaml', import.meta.url);
const JSON_SCHEMAS = new URL('../../../schemas/json/', import.meta.url);

interface Channel {
  readonly address: string;
  readonly messages: Readonly<Record<string, unknown>>;
  readonly bindings: {
    readonly kafka: {
      readonly topic: string;
      readonly partitions: number;
      readonly topicConfiguration: Readonly<Record<string, unknown>>;
    };
  };
}

interface Example {
  readonly headers?: Readonly<Record<string, string>>;
  readonly payload: unknown;
}

interface Message {
  readonly summary?: string;
  readonly payload: { readonly schema?: { readonly $ref?: string } };
  readonly examples?: readonly Example[];
}

interface Document {
  readonly channels: Readonly<Record<string, Channel>>;
  readonly operations: Readonly<
    Record<string, { readonly action: string; readonly channel: { readonly $ref: string } }>
  >;
  readonly components: { readonly messages: Readonly<Record<string, Message>> };
}

const document = parse(readFileSync(DOCUMENT, 'utf8')) as Document;
const readJson = (url: URL): unknown => JSON.parse(readFileSync(url, 'utf8'));

function newAjv(options: Options = {}): Ajv {
  const ajv = new Ajv({ strict: false, allErrors: true, ...options });
  (formats as unknown as (to: Ajv) => void)(ajv);
  return ajv;
}

function* referencesIn(value: unknown): Generator<string> {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, part] of Object.entries(value)) {
    if (name === '$ref' && typeof part === 'string') yield part;
    else yield* referencesIn(part);
  }
}

/** What a reference names, undefined when there is nothing. */
function resolve(reference: string): unknown {
  const [file = '', pointer = ''] = reference.split('#');
  const url = new URL(file, DOCUMENT);
  if (file !== '' && !existsSync(url)) return undefined;
  let value: unknown = file === '' ? document : readJson(url);
  for (const part of pointer.split('/').slice(1)) {
    value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[part] : undefined;
  }
  return value;
}

/** Configuration as the broker's admin interface has it: texts, lists comma-separated. */
const asTexts = (config: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(Object.entries(config).map(([name, value]) => [name, String(value)]));

describe('the AsyncAPI document', () => {
  it('is valid by the AsyncAPI 3.0 schema', () => {
    // The schema brings the meta-schemas that it refers to.
    const validate = newAjv({ meta: false, validateSchema: false }).compile(specs.schemas['3.0.0'] as object);
    validate(document);
    expect(validate.errors ?? []).toEqual([]);
    expect(validate({ ...document, channels: { usageEvents: { adress: 'misspelt' } } })).toBe(false);
  });

  it('refers only to what is there', () => {
    const references = [...new Set(referencesIn(document))];
    expect(references.length).toBeGreaterThan(20);
    expect(references.filter((reference) => resolve(reference) === undefined)).toEqual([]);
  });

  it.each(Object.entries(topics as Readonly<Record<string, TopicDeclaration>>))(
    'has the topic %s as it is declared',
    (name, declared) => {
      const { address, bindings } = document.channels[name] ?? {};
      expect(address).toBe(declared.name);
      expect(bindings?.kafka).toMatchObject({ topic: declared.name, partitions: declared.partitions });
      expect(asTexts(bindings?.kafka.topicConfiguration ?? {})).toEqual(declared.config);
    },
  );

  it('has no other topic, and an operation for each', () => {
    expect(Object.keys(document.channels)).toEqual(Object.keys(topics));
    const used = new Set(Object.values(document.operations).map(({ channel }) => channel.$ref.split('/').at(-1)));
    expect([...used].sort()).toEqual(Object.keys(topics).sort());
  });

  it.each([
    ['usageRecordedAvro', usageRecorded],
    ['outcomeRecordedAvro', outcomeRecorded],
  ])('names the fingerprint of %s', (message, codec) => {
    const fingerprint = codec.fingerprint.toString(16).padStart(16, '0');
    expect(document.components.messages[message]?.summary).toContain(fingerprint);
  });

  const examples = Object.entries(document.components.messages).flatMap(([message, { examples = [] }]) =>
    examples.map((example, index) => ({ message, index, example })),
  );

  it.each(examples)('has an example $index of $message that is accepted', ({ message, example }) => {
    const decode = message.startsWith('usage') ? decodeUsage : decodeOutcome;
    expect(decode(recordOf(JSON.stringify(example.payload), example.headers))).toMatchObject({ ok: true });
  });

  it('has examples of each framing in JSON, of usage and of outcomes', () => {
    expect(new Set(examples.map(({ message }) => message)).size).toBe(6);
  });
});

describe.each([
  {
    name: 'UsageRecorded',
    file: 'usage-recorded.schema.json',
    whole: anEvent,
    valid: validEvents,
    decode: (record: IncomingRecord) => decodeUsage(record),
  },
  {
    name: 'OutcomeRecorded',
    file: 'outcome-recorded.schema.json',
    whole: anOutcome,
    valid: validOutcomes,
    decode: (record: IncomingRecord) => decodeOutcome(record),
  },
])('the JSON Schema of $name', ({ file, whole, valid, decode }) => {
  const schema = readJson(new URL(file, JSON_SCHEMAS)) as { readonly examples: readonly unknown[] };
  const validate = newAjv().compile(schema);

  it.each(schema.examples.map((example, index) => ({ index, example })))(
    'has an example $index that is accepted',
    ({ example }) => {
      expect(validate(example)).toBe(true);
      expect(decode(recordOf(JSON.stringify(example)))).toMatchObject({ ok: true });
    },
  );

  it('takes every valid event', () => {
    fc.assert(
      fc.property(valid, (event: unknown) => {
        validate(event);
        expect(validate.errors ?? []).toEqual([]);
      }),
    );
  });

  /** What a JSON Schema can't say: bytes, calendars, clocks, and one field in terms of another. */
  const beyondSchema: readonly DeadLetterCode[] = [
    'invalid_id',
    'invalid_utf8',
    'time_out_of_range',
    'attributes_too_large',
    'reasoning_exceeds_output',
  ];

  it('says the same as the decoder, but for what a schema can’t say', () => {
    const values = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(
        null,
        '',
        'x',
        'x'.repeat(257),
        'a@b.c',
        -1,
        0.5,
        2 ** 31,
        2 ** 40,
        2 ** 40 + 1,
        2 ** 51,
        1e300,
        true,
        'ok',
        'main',
        'commit',
        '2026-09-21T11:00:00Z',
        '2026-09-21',
      ),
      fc.constantFrom(
        {},
        { input: 1 },
        { input: -1 },
        { input: null },
        { inputs: 1 },
        { output: '1' },
        { a: 1 },
        { a: 'b' },
        [],
      ),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(whole), 'unknown'),
        fc.option(values, { nil: undefined }),
        (field, value) => {
          const changed: unknown = JSON.parse(JSON.stringify({ ...whole, [field]: value }));
          const decoded = decode(recordOf(JSON.stringify(changed)));
          const isExcused = !decoded.ok && 'fault' in decoded && beyondSchema.includes(decoded.fault.code);
          if (!isExcused) expect([changed, validate(changed)]).toEqual([changed, decoded.ok]);
        },
      ),
      { numRuns: 5000 },
    );
  });
});
