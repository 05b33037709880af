import type { DeadLetter } from '@laurel/events';
import type { OutgoingRecord } from '@laurel/kafka';
import type { StreamRecord } from '@laurel/stream';
import { LetterFold } from './letter-fold.js';
import { letter, written } from './letters.fixture.js';
import { historyOf } from './one-letter.js';
import { marker, REDRIVEN_FROM, resent } from './redriven.js';

let offset = 0;
const asRead = ({ key, value, headers = {} }: OutgoingRecord): StreamRecord => ({
  offset: (offset += 1),
  key: Buffer.from(key),
  value,
  headers: Object.fromEntries(Object.entries(headers).map(([name, one]) => [name, Buffer.from(one)])),
  timestampMs: 0,
});

function folded(...records: readonly OutgoingRecord[]) {
  const fold = new LetterFold();
  for (const record of records) fold.take(asRead(record), 0);
  return fold;
}

const place = (one: DeadLetter): string => `${one.topic}/${one.partition}/${one.offset}`;
const markerOf = (one: DeadLetter, atMs: number): OutgoingRecord =>
  marker({ place: place(one), recordTimestampMs: one.record_timestamp }, atMs);

describe('folding dead letters', () => {
  it('takes letters of one record for one, the latest', () => {
    const [early, late] = [letter({ code: 'unknown_schema', rejected_at: 1 }), letter({ rejected_at: 2 })];
    for (const order of [
      [early, late],
      [late, early],
    ]) {
      const letters = folded(...order.map(written)).letters();
      expect(letters.map(({ code, rejectedAtMs }) => [code, rejectedAtMs])).toEqual([['storage_rejected', 2]]);
    }
  });

  it('holds on to a whole copy where another one was cut, whatever came first', () => {
    const cut = (rejected_at: number): OutgoingRecord => {
      const record = written(letter({ rejected_at }));
      return { ...record, headers: { ...record.headers, truncated: '900' } };
    };
    const read = (...records: readonly OutgoingRecord[]) =>
      folded(...records)
        .letters()
        .map(({ truncatedFrom, rejectedAtMs }) => [truncatedFrom, rejectedAtMs]);
    expect(read(cut(1), cut(2))).toEqual([[900, 2]]);
    expect(read(cut(3), written(letter()))).toEqual([[undefined, 2_000]]);
    expect(read(written(letter()), cut(3_000))).toEqual([[undefined, 2_000]]);
  });

  it('takes a letter for sent wherever its marker stands, and however often it is written again', () => {
    const one = letter();
    for (const order of [
      [written(one), markerOf(one, 9)],
      [markerOf(one, 9), written(one)],
      [written(one), markerOf(one, 9), written(letter({ rejected_at: 12 }))],
    ])
      expect(
        folded(...order)
          .letters()
          .map(({ redrivenAtMs }) => redrivenAtMs),
      ).toEqual([9]);
  });

  it('does not take the record of a topic that was replaced for the one that had its place before', () => {
    const [old, next] = [letter({ record_timestamp: 1_000 }), letter({ record_timestamp: 7_000, rejected_at: 8_000 })];
    const letters = folded(written(old), markerOf(old, 3_000), written(next)).letters();
    expect(letters.map(({ rejectedAtMs, redrivenAtMs }) => [rejectedAtMs, redrivenAtMs])).toEqual([
      [8_000, undefined],
      [2_000, 3_000],
    ]);
  });

  it('gives the newest first, and those of one moment in the order of their places', () => {
    const letters = folded(
      written(letter({ offset: 1 })),
      written(letter({ offset: 3, rejected_at: 2_001 })),
      written(letter({ offset: 2 })),
    ).letters();
    expect(letters.map((one) => one.offset)).toEqual([3, 2, 1]);
  });

  it('counts what is no letter, and goes on', () => {
    const fold = folded(
      { key: 'k', value: Buffer.from('not a letter') },
      { key: 'k', value: null },
      written(letter()),
      { key: 'k', value: Buffer.alloc(0) },
    );
    expect([fold.unreadable, fold.letters().length]).toEqual([2, 1]);
  });

  it('finds what a letter was before, and what became of it, also in a circle', () => {
    const from = (one: DeadLetter) => [{ name: REDRIVEN_FROM, value: Buffer.from(place(one)) }];
    const first = letter({ offset: 1 });
    const second = letter({ offset: 2, headers: from(first) });
    const third = letter({ offset: 3, headers: from(second) });
    const letters = folded(written(first), written(second), written(third)).letters();
    const [ofThird, ofSecond, ofFirst] = letters.map((one) => historyOf(one, letters));
    expect(ofThird?.before.map((one) => one.place)).toEqual([place(second), place(first)]);
    expect([ofThird?.after, ofSecond?.after?.offset, ofFirst?.after?.offset]).toEqual([undefined, 3, 2]);
    const circle = folded(written(letter({ offset: 1, headers: from(second) })), written(second)).letters();
    expect(historyOf(circle[0] ?? fail(), circle).before).toHaveLength(1);
  });
});

function fail(): never {
  throw new Error('there is no letter');
}

describe('a record that is sent again', () => {
  it('is what it was, but for a header that says where it was', () => {
    const bytes = Buffer.of(0xff, 0);
    const one = letter({ partition: 4, key: bytes, value: bytes, headers: [{ name: 'h', value: bytes }] });
    expect(resent(one, 'usage.events.v1/4/0', 6)).toEqual({
      key: bytes,
      value: bytes,
      headers: { h: bytes, [REDRIVEN_FROM]: 'usage.events.v1/4/0' },
      partition: 4,
    });
    expect(resent(letter({ key: null, value: null }), 'p', 6)).toMatchObject({ key: null, value: null });
  });

  it('names the latest place when it is sent for the second time', () => {
    const one = letter({ headers: [{ name: REDRIVEN_FROM, value: Buffer.from('usage.events.v1/0/1') }] });
    expect(resent(one, 'usage.events.v1/0/9', 1).headers).toEqual({ [REDRIVEN_FROM]: 'usage.events.v1/0/9' });
  });

  it('goes by its key where its partition is no more', () => {
    expect(resent(letter({ partition: 6 }), 'p', 6).partition).toBe(undefined);
  });
});
