import fc from 'fast-check';
import type { Day } from '../buckets.js';
import type { Price } from './price.js';
import { FIRST_DAY, followedBy, priceOn, revision, samePrice, type Schedule } from './schedule.js';

const priceOf = (input: number): Price => ({
  rates: { input, cache_read: null, cache_write_5m: null, cache_write_1h: null, cache_write: null, output: null },
  long: null,
});
const prices = fc.option(fc.integer({ min: 1, max: 3 }).map(priceOf));
const schedules: fc.Arbitrary<Schedule> = fc
  .tuple(
    prices,
    fc.uniqueArray(fc.integer({ min: 1, max: 20 }), { maxLength: 4 }),
    fc.array(prices, { minLength: 4, maxLength: 4 }),
  )
  .map(([first, days, others]) => [
    { from: FIRST_DAY, price: first },
    ...days.sort((a, b) => a - b).map((day, index) => ({ from: day as Day, price: others[index] ?? null })),
  ]);
const days = fc.integer({ min: 0, max: 25 }).map((day) => day as Day);

/** What a table holds after a step was written over another of the same day. */
const written = (present: Schedule, steps: Schedule): Schedule =>
  [...present.filter(({ from }) => steps.every((step) => step.from !== from)), ...steps].sort(
    (a, b) => a.from - b.from,
  );

describe('a revision of prices', () => {
  it('changes no day before it, and every day from it on to what is wanted', () => {
    fc.assert(
      fc.property(schedules, schedules, days, days, (present, wanted, from, day) => {
        const after = written(present, revision(present, wanted, from));
        expect(priceOn(after, day)).toEqual(priceOn(day < from ? present : wanted, day));
      }),
    );
  });

  it('is nothing where nothing changes', () => {
    fc.assert(fc.property(schedules, days, (one, from) => expect(revision(one, one, from)).toEqual([])));
    const later = followedBy([{ from: FIRST_DAY, price: priceOf(1) }], 9 as Day, [
      { from: FIRST_DAY, price: priceOf(2) },
    ]);
    expect(revision([{ from: FIRST_DAY, price: priceOf(1) }], later, FIRST_DAY)).not.toEqual([]);
  });
});

describe('one schedule followed by another', () => {
  it('is the former until that day, and the latter from it on', () => {
    fc.assert(
      fc.property(schedules, schedules, days, days, (before, after, from, day) => {
        expect(priceOn(followedBy(before, from, after), day)).toEqual(priceOn(day < from ? before : after, day));
      }),
    );
  });
});

it('prices are the same only with the same rates and the same threshold', () => {
  const long: Price = { ...priceOf(1), long: { above: 5, rates: priceOf(2).rates } };
  expect(samePrice(long, { ...priceOf(1), long: { above: 5, rates: priceOf(2).rates } })).toBe(true);
  expect(samePrice(long, priceOf(1))).toBe(false);
  expect(samePrice(long, { ...long, long: { above: 6, rates: priceOf(2).rates } })).toBe(false);
  expect(samePrice(long, { ...long, long: { above: 5, rates: priceOf(3).rates } })).toBe(false);
  expect(samePrice(null, priceOf(0))).toBe(false);
});
