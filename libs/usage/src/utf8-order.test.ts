import fc from 'fast-check';
import { compareUtf8 } from './utf8-order.js';

describe('compareUtf8', () => {
  const names = fc.string({
    unit: fc.constantFrom('a', 'b', '\u007f', 'é', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}'),
  });

  it('orders as the bytes of UTF-8 do', () => {
    fc.assert(
      fc.property(names, names, (a, b) => {
        expect(Math.sign(compareUtf8(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });

  it('puts a character beyond the basic plane after U+FFFF, where UTF-16 does not', () => {
    expect(['\uffff', '\u{10000}'].sort()).toEqual(['\u{10000}', '\uffff']);
    expect(compareUtf8('\u{10000}', '\uffff')).toBeGreaterThan(0);
  });
});
