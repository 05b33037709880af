import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { usageEvent } from '@laurel/usage/fixture';
import { connectClickHouse } from './client.js';
import { classifyClickHouseFailure } from './failure.js';
import { nativeBlock, varString } from './native/block.js';
import { TestDatabase, testConnection } from './test-database.fixture.js';
import { UsageRows } from './usage-rows.fixture.js';

/** The kind of the failure that `work` ends with. */
async function kindOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
  } catch (error) {
    return classifyClickHouseFailure(error);
  }
  return 'no failure';
}

describe('failures of a real server', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  afterAll(() => database.drop());

  const insertEvent = async (fields: Parameters<typeof usageEvent>[0] = {}): Promise<void> => {
    const rows = new UsageRows();
    rows.push(usageEvent(fields), { topic: 't', partition: 0, offset: 0, timestampMs: 0 });
    await rows.insert(database.client);
  };
  const query = (text: string, settings: Record<string, string> = {}) =>
    database.client
      .query({ query: text, format: 'JSONEachRow', clickhouse_settings: settings })
      .then((result) => result.json());

  it.each([
    ['an unknown table', 'SELECT * FROM nowhere'],
    ['an unknown column', 'SELECT nothing FROM usage_events'],
    ['a syntax error', 'SELEKT 1'],
  ])('are fatal: %s', async (_, text) => {
    expect(await kindOf(() => query(text))).toBe('fatal');
  });

  it.each([
    ['too little memory', 'SELECT groupArray(number) FROM numbers(10000000)', { max_memory_usage: '1000000' }],
    [
      'a time limit',
      'SELECT sleepEachRow(0.2) FROM numbers(20) SETTINGS max_block_size = 1',
      { max_execution_time: '1' },
    ],
  ])('are an outage: %s', async (_, text, settings) => {
    expect(await kindOf(() => query(text, settings))).toBe('retriable');
  });

  it('are the rows’ fault when a constraint refuses one of them', async () => {
    await database.client.command({
      query: 'ALTER TABLE usage_events ADD CONSTRAINT never_13 CHECK input_tokens != 13',
    });
    expect(await kindOf(() => insertEvent({ tokens: { input: 13 } }))).toBe('rows');
    expect(await kindOf(() => insertEvent({ tokens: { input: 14 } }))).toBe('no failure');
  });

  it('are the rows’ fault when a value of a Native block can’t become its column’s', async () => {
    const counts = { type: 'String', bytes: [varString('many')] };
    const insert = () =>
      database.client.exec({
        query: 'INSERT INTO usage_events (input_tokens) FORMAT Native',
        values: Readable.from(nativeBlock({ input_tokens: counts }, 1), { objectMode: false }),
      });
    expect(await kindOf(insert)).toBe('rows');
  });

  it('are the rows’ fault when a block ends in the middle of a value', async () => {
    const user = { type: 'String', bytes: [varString('somebody')] };
    const whole = Buffer.concat(nativeBlock({ user_id: user }, 1));
    const insert = () =>
      database.client.exec({
        query: 'INSERT INTO usage_events (user_id) FORMAT Native',
        values: Readable.from([whole.subarray(0, -3)], { objectMode: false }),
      });
    expect(await kindOf(insert)).toBe('rows');
  });
});

describe('failures of the way to the server', () => {
  const servers: { close(): unknown; closeAllConnections?(): void }[] = [];
  afterAll(() => {
    for (const server of servers) {
      server.closeAllConnections?.();
      server.close();
    }
  });

  const kindAt = async (port: number, requestTimeoutMs = 5000): Promise<string> => {
    const client = connectClickHouse(testConnection({ url: `http://127.0.0.1:${port}`, requestTimeoutMs }));
    try {
      return await kindOf(() => client.command({ query: 'SELECT 1' }));
    } finally {
      await client.close();
    }
  };
  const http = async (server: Server): Promise<number> => {
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };

  it('are an outage: nobody listens', async () => {
    const server = createServer();
    const port = await http(server);
    await new Promise((resolve) => server.close(resolve));
    expect(await kindAt(port)).toBe('retriable');
  });

  it('are an outage: the name is unknown', async () => {
    const client = connectClickHouse(testConnection({ url: 'http://no-such-host.invalid:8123' }));
    expect(await kindOf(() => client.command({ query: 'SELECT 1' }))).toBe('retriable');
    await client.close();
  });

  it('are an outage: no answer comes in time', async () => {
    expect(await kindAt(await http(createServer(() => undefined)), 200)).toBe('retriable');
  });

  it('are an outage: the connection is cut before an answer', async () => {
    const server = createTcpServer((socket) => socket.once('data', () => socket.destroy()));
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    expect(await kindAt((server.address() as AddressInfo).port)).toBe('retriable');
  });

  it('are an outage: the connection is cut within an answer', async () => {
    const port = await http(
      createServer((_, answer) => {
        answer.writeHead(200, { 'content-length': '1000' });
        answer.write('{', () => answer.destroy());
      }),
    );
    const client = connectClickHouse(testConnection({ url: `http://127.0.0.1:${port}` }));
    const read = async () => (await client.query({ query: 'SELECT 1', format: 'JSONEachRow' })).text();
    expect(await kindOf(read)).toBe('retriable');
    await client.close();
  });

  it('are fatal: an error that nobody foresaw', () => {
    expect(classifyClickHouseFailure(new TypeError('x is not a function'))).toBe('fatal');
    expect(classifyClickHouseFailure('a text')).toBe('fatal');
    expect(
      classifyClickHouseFailure(
        new Error('outer', { cause: Object.assign(new Error('inner'), { code: 'ECONNRESET' }) }),
      ),
    ).toBe('retriable');
  });
});
