import fc from 'fast-check';
import { generatedHandle } from '@laurel/titles';
import { checkDisplayName } from './display-name.js';
import { checkHandle, lookOf } from './handle.js';

describe('a chosen handle', () => {
  it.each([
    ['Quiet-Crow', 'quiet-crow'],
    ['ｆｕｌｌ', 'full'],
    ['r2.d2', 'r2.d2'],
    ['abc', 'abc'],
    ['a'.repeat(32), 'a'.repeat(32)],
  ])('%s is taken as %s', (text, handle) => {
    expect(checkHandle(text)).toEqual({ ok: true, handle });
  });

  it.each([
    ['ab', 'handle_length'],
    ['a'.repeat(33), 'handle_length'],
    ['', 'handle_length'],
    ['сrow', 'handle_characters'], // A Cyrillic letter.
    ['crow bar', 'handle_characters'],
    ['crow--bar', 'handle_characters'],
    ['-crow', 'handle_characters'],
    ['crow.', 'handle_characters'],
    ['2crow', 'handle_characters'],
    ['crow\u200d1', 'handle_characters'],
    ['<b>crow', 'handle_characters'],
    ['crow-123456', 'handle_reserved'],
    ['crow-12-34-56', 'handle_reserved'],
    ['crow-l23o5i', 'handle_reserved'],
  ])('%s is refused: %s', (text, code) => {
    expect(checkHandle(text)).toEqual({ ok: false, code });
  });

  it('can’t be taken for anybody’s generated one, whoever they may be', () => {
    const disguise = fc.array(
      fc.constantFrom<readonly [string, string]>(['0', 'o'], ['1', 'l'], ['1', 'i'], ['-', '_'], ['-', '']),
    );
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), disguise, (userId, changes) => {
        const imitation = changes.reduce((text, [from, to]) => text.replaceAll(from, to), generatedHandle(userId));
        expect(checkHandle(imitation).ok).toBe(false);
        expect(checkHandle(imitation.toUpperCase()).ok).toBe(false);
      }),
    );
  });

  it.each([
    ['bill-o', 'BI1L0'],
    ['modem', 'modern'],
    ['new.wave', 'nevv-vvave'],
    ['u-4711', 'u.47ll'],
  ])('%s looks like %s', (a, b) => {
    expect(lookOf(a)).toBe(lookOf(b));
  });

  it('does not look like a plainly different one', () => {
    expect(lookOf('quiet-crow')).not.toBe(lookOf('quiet-cow'));
  });
});

describe('a display name', () => {
  it.each([
    [' Zoë Østergård ', 'Zoë Østergård'],
    ['Zoe\u0308', 'Zoë'],
    ['王秀英', '王秀英'],
    ['می\u200cخواهم', 'می\u200cخواهم'],
    ['x'.repeat(80), 'x'.repeat(80)],
  ])('%s is taken as %s', (text, name) => {
    expect(checkDisplayName(text)).toEqual({ ok: true, name });
  });

  it.each([
    ['   ', 'name_length'],
    ['x'.repeat(81), 'name_length'],
    ['a\nb', 'name_characters'],
    ['a\u202eb', 'name_characters'],
    ['a\u0007', 'name_characters'],
    ['123', 'name_characters'],
  ])('%j is refused: %s', (text, code) => {
    expect(checkDisplayName(text)).toEqual({ ok: false, code });
  });
});
