import fc from 'fast-check';
import { outcomeRecorded } from '../codecs.js';
import type { IncomingRecord, WriterSchemas } from '../framing/decode.js';
import { outcomeKindValues, type OutcomeRecorded } from '../generated/types.js';
import { recordOf, RECORDED_AT_MS, text } from '../usage/usage.fixture.js';
import { decodeOutcome } from './decode.js';
import { outcomeLimits } from './validity.js';

export const anOutcome: OutcomeRecorded = {
  event_id: 'b1f6c0e',
  source: 'code-host',
  revision: 0,
  retracted: false,
  occurred_at: RECORDED_AT_MS - 1234,
  user_id: 'u-4711',
  team: 'payments',
  session_id: 's-1',
  kind: 'commit',
  quantity: 2,
  attributes: { branch: 'größer', repository: 'laurel' },
};

const noSchemas: WriterSchemas<OutcomeRecorded> = { byRegistryId: () => 'unknown' };

export const decode = (record: IncomingRecord, schemas = noSchemas) => decodeOutcome(record, schemas);

/** The outcome in its JSON form, with some fields changed; undefined leaves a field out. */
export const jsonWith = (changes: Readonly<Record<string, unknown>>): IncomingRecord =>
  recordOf(JSON.stringify({ ...anOutcome, ...changes }));

export const avroWith = (changes: Partial<OutcomeRecorded>): IncomingRecord =>
  recordOf(outcomeRecorded.encode({ ...anOutcome, ...changes }));

/** Any outcome that is valid in a record of RECORDED_AT_MS. */
export const validOutcomes: fc.Arbitrary<OutcomeRecorded> = fc.record({
  event_id: text(1),
  source: text(1),
  revision: fc.integer({ min: 0, max: outcomeLimits.maxRevision }),
  retracted: fc.boolean(),
  occurred_at: fc.integer({
    min: outcomeLimits.minOccurredAtMs,
    max: RECORDED_AT_MS + outcomeLimits.maxAheadOfRecordMs,
  }),
  user_id: text(1).filter((one) => !one.includes('@')),
  team: fc.option(text(1)),
  session_id: fc.option(text(1)),
  kind: fc.constantFrom(...outcomeKindValues),
  quantity: fc.oneof(
    fc.nat(1000),
    fc.maxSafeNat().map((n) => n % (outcomeLimits.maxQuantity + 1)),
  ),
  attributes: fc.dictionary(text(0), text(0), { maxKeys: 8 }).map((one) => ({ ...one })),
});
