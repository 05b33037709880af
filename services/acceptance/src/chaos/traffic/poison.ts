import { usageRecorded, type DeadLetterCode, type UsageRecorded } from '@laurel/events';
import type { Random } from '../random.js';
import { SCHEMA_ID } from '../world/registry.js';

export interface Poison {
  readonly code: DeadLetterCode;
  readonly value: Buffer | null;
}

const json = (event: UsageRecorded, change: Readonly<Record<string, unknown>>): Buffer =>
  Buffer.from(JSON.stringify({ ...event, ...change }));
const avro = (event: UsageRecorded, change: Partial<UsageRecorded>): Buffer =>
  usageRecorded.encode({ ...event, ...change });

const kinds: readonly ((event: UsageRecorded) => Poison)[] = [
  () => ({ code: 'empty_record', value: null }),
  () => ({ code: 'unknown_framing', value: Buffer.from('\u0001not a record') }),
  () => ({ code: 'unknown_schema', value: Buffer.concat([Buffer.of(0xc3, 1), Buffer.alloc(40, 7)]) }),
  (event) => ({ code: 'malformed_avro', value: usageRecorded.encode(event).subarray(0, 40) }),
  (event) => ({
    code: 'malformed_avro',
    value: Buffer.concat([Buffer.of(0, 0, 0, 0, SCHEMA_ID), usageRecorded.encode(event).subarray(10, 30)]),
  }),
  (event) => ({ code: 'malformed_json', value: json(event, {}).subarray(0, 50) }),
  (event) => ({ code: 'wrong_type', value: json(event, { tokens: { input: 'many' } }) }),
  (event) => ({ code: 'missing_field', value: json(event, { event_id: undefined }) }),
  (event) => ({ code: 'unknown_token_class', value: json(event, { tokens: { imagined: 1 } }) }),
  (event) => ({ code: 'count_out_of_range', value: avro(event, { tokens: { ...event.tokens, input: -1 } }) }),
  (event) => ({
    code: 'reasoning_exceeds_output',
    value: avro(event, { tokens: { ...event.tokens, output: 1, reasoning: 2 } }),
  }),
  (event) => ({ code: 'user_id_is_email', value: avro(event, { user_id: 'ada@example.org' }) }),
  (event) => ({ code: 'invalid_id', value: avro(event, { user_id: '' }) }),
  (event) => ({ code: 'time_out_of_range', value: avro(event, { occurred_at: 0 }) }),
  (event) => ({
    code: 'attributes_too_large',
    value: avro(event, { attributes: { note: 'n'.repeat(9000) } }),
  }),
];

/** A record that is not valid, with the code that it must get. */
export const poisoned = (event: UsageRecorded, random: Random): Poison => random.pick(kinds)(event);
