import { deadLetter, type DeadLetter } from '@laurel/events';

/** A dead letter of the record at `topic/0/offset`. */
export function letter(fields: Partial<DeadLetter> = {}): DeadLetter {
  return {
    code: 'storage_rejected',
    message: 'made by a test',
    field: null,
    topic: 'usage.events.v1',
    partition: 0,
    offset: 0,
    record_timestamp: 1_000,
    key: Buffer.from('u-ada'),
    value: Buffer.from('{}'),
    headers: [],
    rejected_at: 2_000,
    ...fields,
  };
}

/** As it is in the topic of dead letters. */
export const written = (one: DeadLetter) => ({
  key: `${one.topic}/${one.partition}/${one.offset}`,
  headers: { code: one.code },
  value: deadLetter.encode(one),
});
