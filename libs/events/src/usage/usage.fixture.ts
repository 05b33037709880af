import fc from 'fast-check';
import { usageRecorded } from '../codecs.js';
import type { IncomingRecord, WriterSchemas } from '../framing/decode.js';
import { usageOriginValues, usageStatusValues, type UsageRecorded } from '../generated/types.js';
import { noTokens, tokenClasses } from '../tokens.js';
import { decodeUsage } from './decode.js';
import { usageLimits } from './validity.js';

/** When the records of the tests were written. */
export const RECORDED_AT_MS = Date.UTC(2026, 8, 21, 12);

export const anEvent: UsageRecorded = {
  event_id: 'msg_01',
  source: 'code-assistant',
  revision: 0,
  retracted: false,
  occurred_at: RECORDED_AT_MS - 1234,
  user_id: 'u-4711',
  team: 'payments',
  session_id: 's-1',
  provider: 'anthropic',
  model: 'claude-sonnet-4-5',
  tokens: { ...noTokens, input: 10, cache_read: 20, cache_write_5m: 3, output: 40, reasoning: 5 },
  cost_micro_usd: 1500,
  status: 'ok',
  origin: 'main',
  attributes: { branch: 'größer', repository: 'laurel' },
};

export const noSchemas: WriterSchemas<UsageRecorded> = { byRegistryId: () => 'unknown' };

export const recordOf = (
  value: Uint8Array | string | null,
  headers: Readonly<Record<string, string>> = {},
): IncomingRecord => ({
  value: typeof value === 'string' ? Buffer.from(value) : value,
  headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])),
  timestampMs: RECORDED_AT_MS,
});

export const decode = (record: IncomingRecord, schemas: WriterSchemas<UsageRecorded> = noSchemas) =>
  decodeUsage(record, schemas);

/** The event in its JSON form, with some fields changed; undefined leaves a field out. */
export const jsonWith = (changes: Readonly<Record<string, unknown>>): IncomingRecord =>
  recordOf(JSON.stringify({ ...anEvent, ...changes }));

export const avroWith = (changes: Partial<UsageRecorded>): IncomingRecord =>
  recordOf(usageRecorded.encode({ ...anEvent, ...changes }));

/** Text of at least `min` and at most 256 bytes, of any characters that UTF-8 can carry. */
export const text = (min: number) =>
  fc
    .string({ unit: 'binary', minLength: min, maxLength: usageLimits.maxIdBytes })
    .filter((one) => !one.includes('\uFFFD') && Buffer.byteLength(one) <= usageLimits.maxIdBytes);

const count = fc.oneof(
  fc.integer({ min: 0, max: 1000 }),
  fc.maxSafeNat().map((n) => n % (usageLimits.maxCount + 1)),
);

/** Any event that is valid in a record of RECORDED_AT_MS. */
export const validEvents: fc.Arbitrary<UsageRecorded> = fc.record({
  event_id: text(1),
  source: text(1),
  revision: fc.integer({ min: 0, max: usageLimits.maxRevision }),
  retracted: fc.boolean(),
  occurred_at: fc.integer({
    min: usageLimits.minOccurredAtMs,
    max: RECORDED_AT_MS + usageLimits.maxAheadOfRecordMs,
  }),
  user_id: text(1).filter((one) => !one.includes('@')),
  team: fc.option(text(1)),
  session_id: fc.option(text(1)),
  provider: text(1),
  model: text(1),
  tokens: fc
    .record({
      ...(Object.fromEntries(tokenClasses.map((name) => [name, count])) as Record<
        (typeof tokenClasses)[number],
        typeof count
      >),
      reasoning: count,
    })
    .map((tokens) => ({ ...tokens, reasoning: Math.min(tokens.reasoning, tokens.output) })),
  cost_micro_usd: fc.option(fc.maxSafeNat().map((n) => n % (usageLimits.maxCostMicroUsd + 1))),
  status: fc.constantFrom(...usageStatusValues),
  origin: fc.constantFrom(...usageOriginValues),
  attributes: fc.dictionary(text(0), text(0), { maxKeys: 8 }).map((one) => ({ ...one })),
});
