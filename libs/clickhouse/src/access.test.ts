import { readAccesses, readTokens, writeAccesses, writeToken, type Access, type StoredToken } from './access.js';
import { recordErasure, sweepErased, userHashOf } from './erasures.js';
import { TestDatabase } from './test-database.fixture.js';

const token: StoredToken = {
  id: 'a1',
  name: 'gräfana',
  scopes: ['board:read'],
  secretHash: 'ab'.repeat(32),
  createdAtMs: Date.UTC(2026, 4, 14, 10, 0, 0, 123),
  expiresAtMs: Date.UTC(2027, 4, 14),
  revokedAtMs: null,
};

const access = (fields: Partial<Access>): Access => ({
  atMs: Date.now(),
  action: 'look',
  userId: 'u-1',
  reader: 'u-2',
  operation: 'getUser',
  parameters: 'window=7d',
  requestId: 'r-1',
  ...fields,
});

describe('tokens', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  afterAll(() => database.drop());

  it('are read as they were written, and stay revoked in whatever order it is written', async () => {
    const other = { ...token, id: 'b2', createdAtMs: token.createdAtMs + 1 };
    await writeToken(database.client, token);
    await writeToken(database.client, { ...other, revokedAtMs: token.createdAtMs + 5 });
    await writeToken(database.client, other);
    expect(await readTokens(database.client)).toEqual([token, { ...other, revokedAtMs: token.createdAtMs + 5 }]);
  });
});

describe('the log of who looked at whose figures', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await TestDatabase.create();
  });
  afterEach(() => database.drop());

  it('is read by person, by reader, and on from a place, the newest first', async () => {
    const nowMs = Date.now();
    const all = [
      access({ atMs: nowMs, requestId: 'r-3' }),
      access({ atMs: nowMs, requestId: 'r-2', reader: 'token:x' }),
      access({ atMs: nowMs - 1, userId: '', action: 'export', requestId: 'r-1' }),
    ];
    await writeAccesses(database.client, all);
    const read = (query: object) => readAccesses(database.client, { limit: 10, ...query });
    expect(await read({})).toEqual(all);
    expect(await read({ userId: 'u-1' })).toEqual(all.slice(0, 2));
    expect(await read({ reader: 'token:x' })).toEqual([all[1]]);
    expect(await read({ before: all[0] })).toEqual(all.slice(1));
    expect(await read({ before: all[1], limit: 1 })).toEqual([all[2]]);
  });

  it('has nothing of an erased person, neither as the one who was looked at nor as the one who looked', async () => {
    await writeAccesses(database.client, [
      access({ userId: 'gone', requestId: 'r-1' }),
      access({ reader: 'gone', requestId: 'r-2' }),
      access({ requestId: 'r-3' }),
    ]);
    await recordErasure(database.client, userHashOf('gone'));
    expect((await sweepErased(database.client)).get('access_log')).toBe(2);
    expect((await readAccesses(database.client, { limit: 10 })).map(({ requestId }) => requestId)).toEqual(['r-3']);
  });
});
