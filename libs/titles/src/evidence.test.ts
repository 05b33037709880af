import { whole } from './evidence.js';

describe('whole', () => {
  it('keeps every count exact, as text where a float could not', () => {
    expect(whole(5)).toEqual({ long: 5 });
    expect(whole(2n ** 53n - 2n)).toEqual({ long: 2 ** 53 - 2 });
    // The Avro library writes no greater long.
    expect(whole(2n ** 53n - 1n)).toEqual({ string: '9007199254740991' });
    expect(whole(2n ** 53n + 1n)).toEqual({ string: '9007199254740993' });
  });

  it('refuses a number that is not exact', () => {
    expect(() => whole(2 ** 53)).toThrow(RangeError);
    expect(() => whole(0.5)).toThrow(RangeError);
  });
});
