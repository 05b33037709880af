import { drawToken, isSameHash, readToken } from './api-token.js';
import { accessScopes, greatestRole, roles, scopesOfRole, tokenScopes } from './roles.js';

describe('a token of a program', () => {
  it('is read back to its id and to the hash that is kept, and is another one each time', () => {
    const [one, other] = [drawToken(), drawToken()];
    expect(readToken(one.token)).toEqual({ id: one.id, secretHash: one.secretHash });
    expect(one.secretHash).toMatch(/^[\da-f]{64}$/);
    expect(one.token).not.toContain(one.secretHash);
    expect(isSameHash(one.secretHash, other.secretHash)).toBe(false);
    expect(isSameHash(one.secretHash, one.secretHash)).toBe(true);
    expect(isSameHash(one.secretHash, '')).toBe(false);
  });

  it.each(['', 'laurel_x_y', 'laurel_0123456789abcdef_', `laurel_0123456789ABCDEF_${'x'.repeat(43)}`])(
    'is not %j',
    (text) => expect(readToken(text)).toBeUndefined(),
  );
});

describe('roles', () => {
  it('each may what those below it may, and an admin everything', () => {
    for (const [index, role] of roles.entries()) {
      for (const below of roles.slice(0, index)) {
        expect(scopesOfRole[role]).toEqual(expect.arrayContaining([...scopesOfRole[below]]) as unknown[]);
      }
    }
    expect([...scopesOfRole.admin].sort()).toEqual([...accessScopes].sort());
    expect(scopesOfRole.member.some((scope) => scope.startsWith('export'))).toBe(false);
  });

  it('give whoever has several the greatest, and whoever has none the least', () => {
    expect(greatestRole(['lead', 'analyst', 'member'])).toBe('analyst');
    expect(greatestRole([])).toBe('member');
    expect(greatestRole(['root'])).toBe('member');
  });

  it('have a self and a team, which no token has', () => {
    expect(accessScopes.filter((scope) => !(tokenScopes as readonly string[]).includes(scope))).toEqual([
      'self',
      'export:team',
    ]);
  });
});
