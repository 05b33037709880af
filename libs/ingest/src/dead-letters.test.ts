import { deadLetter } from '@laurel/events';
import type { RecordBatch, Rejected } from '@laurel/stream';
import { toDeadLetter } from './dead-letters.js';

const rejected: Rejected = {
  record: {
    offset: 41,
    key: Buffer.from([0xff, 0x00]),
    value: Buffer.from([0xc3, 0x01, 0xfe]),
    headers: { 'content-type': Buffer.from('application/json'), empty: Buffer.alloc(0), gone: undefined },
    timestampMs: 1234,
  },
  fault: { code: 'invalid_id', message: 'user_id is not 1 to 256 bytes long', field: 'user_id' },
};
const batch: RecordBatch = { topic: 'usage.events.v1', partition: 3, records: [rejected.record], highWatermark: 42 };

const decoded = (one: Rejected) => {
  const record = toDeadLetter('p.usage.events.v1', batch, one, 99);
  return { ...record, value: deadLetter.decode(record.value ?? new Uint8Array()) };
};

describe('toDeadLetter', () => {
  it('keeps the record whole, with its place, its fault and when it was rejected', () => {
    expect(decoded(rejected)).toEqual({
      key: 'p.usage.events.v1/3/41',
      headers: { code: 'invalid_id' },
      value: {
        code: 'invalid_id',
        message: 'user_id is not 1 to 256 bytes long',
        field: 'user_id',
        topic: 'p.usage.events.v1',
        partition: 3,
        offset: 41,
        record_timestamp: 1234,
        key: Buffer.from([0xff, 0x00]),
        value: Buffer.from([0xc3, 0x01, 0xfe]),
        headers: [
          { name: 'content-type', value: Buffer.from('application/json') },
          { name: 'empty', value: Buffer.alloc(0) },
        ],
        rejected_at: 99,
      },
    });
  });

  it('tells no key and no value from empty ones', () => {
    const none = decoded({ ...rejected, record: { ...rejected.record, key: null, value: null } });
    expect([none.value.key, none.value.value]).toEqual([null, null]);
    const empty = decoded({
      ...rejected,
      record: { ...rejected.record, key: Buffer.alloc(0), value: Buffer.alloc(0) },
    });
    expect([empty.value.key, empty.value.value]).toEqual([Buffer.alloc(0), Buffer.alloc(0)]);
  });

  it('keeps no more of a key and of headers than fits, and says that it is not whole', () => {
    const large = Buffer.alloc(100_000, 1);
    const record = { ...rejected.record, key: large, headers: { a: large } };
    const letter = toDeadLetter('t', batch, { ...rejected, record }, 99, 50);
    expect(letter.headers).toEqual({ code: 'invalid_id', truncated: '3' });
    const { key, headers, value } = deadLetter.decode(letter.value ?? new Uint8Array());
    expect([key?.length, headers, value]).toEqual([65_536, [], Buffer.from([0xc3, 0x01, 0xfe])]);
  });

  it('says of a whole batch of the log where it begins', () => {
    const record = { ...rejected.record, unreadable: { why: 'it is broken', firstOffset: 38 } };
    expect(decoded({ ...rejected, record }).headers).toEqual({ code: 'invalid_id', 'batch-from': '38' });
  });

  it('tells the length of a value that it keeps only the beginning of', () => {
    const letter = toDeadLetter('t', batch, rejected, 99, 2);
    expect(letter.headers).toEqual({ code: 'invalid_id', truncated: '3' });
    expect(deadLetter.decode(letter.value ?? new Uint8Array()).value).toEqual(Buffer.from([0xc3, 0x01]));
    expect(toDeadLetter('t', batch, rejected, 99, 3).headers).toEqual({ code: 'invalid_id' });
  });
});
