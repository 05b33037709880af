import { jest } from '@jest/globals';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFileSync } from 'node:fs';
import { outcomeReaderForSchema, usageReaderForSchema } from '@laurel/events';
import { RegistrySchemas, RegistryUnavailable, SchemaRegistry, type RegistryConnection } from './schema-registry.js';

const USAGE = readFileSync(new URL('../../../schemas/avro/UsageRecorded.avsc', import.meta.url), 'utf8');

describe('RegistrySchemas', () => {
  let server: Server;
  let url: string;
  let requests: IncomingMessage[];
  let answer: (request: IncomingMessage, response: ServerResponse) => void;

  const json =
    (body: unknown, status = 200) =>
    (_: IncomingMessage, response: ServerResponse) => {
      response
        .writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' })
        .end(JSON.stringify(body));
    };

  beforeEach(async () => {
    requests = [];
    server = createServer((request, response) => {
      requests.push(request);
      answer(request, response);
    });
    server.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const schemas = (connection: Partial<RegistryConnection> = {}) =>
    new RegistrySchemas(new SchemaRegistry({ url, ...connection }), usageReaderForSchema);

  it('asks once for a schema, and then knows it', async () => {
    answer = json({ schema: USAGE });
    const registry = schemas();
    expect(registry.byRegistryId(7)).toBeUndefined();
    const reader = await registry.lookUp(7);
    expect(typeof reader).toBe('function');
    expect(registry.byRegistryId(7)).toBe(reader);
    expect(requests.map((request) => request.url)).toEqual(['/schemas/ids/7']);
  });

  it('asks once for all kinds of records, and reads each as its own kind', async () => {
    answer = json({ schema: USAGE });
    const registry = new SchemaRegistry({ url });
    const [usage, outcomes] = [
      new RegistrySchemas(registry, usageReaderForSchema),
      new RegistrySchemas(registry, outcomeReaderForSchema),
    ];
    await usage.lookUp(7);
    const reader = outcomes.byRegistryId(7);
    expect(typeof reader === 'function' && reader(Buffer.alloc(0))).toMatchObject({
      ok: false,
      fault: { code: 'incompatible_schema' },
    });
    expect(requests).toHaveLength(1);
  });

  it('asks again for an id that the registry did not have, but not for each record', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'setTimeout', 'clearTimeout', 'queueMicrotask'] });

    answer = json({ error_code: 40403, message: 'Schema not found' }, 404);
    const registry = schemas();
    expect(await registry.lookUp(7)).toBe('unknown');
    expect(registry.byRegistryId(7)).toBe('unknown');
    jest.advanceTimersByTime(6000);
    expect(registry.byRegistryId(7)).toBeUndefined();
    answer = json({ schema: USAGE });
    expect(typeof (await registry.lookUp(7))).toBe('function');
    expect(requests).toHaveLength(2);
    jest.useRealTimers();
  });

  it.each([400, 403, 422])('takes %i for a verdict on the id, where it may read others', async (status) => {
    answer = json({ schema: USAGE });
    const registry = schemas();
    await registry.lookUp(7);
    answer = json({ error_code: 40301 }, status);
    expect(await registry.lookUp(8)).toBe('unknown');
    expect(typeof registry.byRegistryId(7)).toBe('function');
  });

  it('remembers of a schema that is none of ours that its records are faulty', async () => {
    answer = json({ schema: '"string"' });
    const registry = schemas();
    const reader = await registry.lookUp(8);
    if (typeof reader !== 'function') throw new Error('it is known');
    expect(reader(Buffer.alloc(0))).toMatchObject({ ok: false });
    expect(registry.byRegistryId(8)).toBe(reader);
  });

  it.each<[string, (request: IncomingMessage, response: ServerResponse) => void]>([
    ['fails', json({ error_code: 50001 }, 500)],
    ['refuses the credentials', json({ error_code: 401 }, 401)],
    ['lets us read nothing', json({ error_code: 40301 }, 403)],
    ['answers with something else', (_, response) => response.end('<html>')],
    ['answers without a schema', json({ id: 7 })],
    ['hangs up', (request) => request.socket.destroy()],
  ])('is unavailable, and gives no verdict, where the registry %s', async (_, failing) => {
    answer = failing;
    const registry = schemas();
    await expect(registry.lookUp(7)).rejects.toBeInstanceOf(RegistryUnavailable);
    expect(registry.byRegistryId(7)).toBeUndefined();
    answer = json({ schema: USAGE });
    expect(typeof (await registry.lookUp(7))).toBe('function');
  });

  it('is unavailable where nothing listens', async () => {
    server.close();
    await expect(schemas().lookUp(7)).rejects.toBeInstanceOf(RegistryUnavailable);
  });

  it('does not wait for an answer for ever', async () => {
    answer = () => undefined;
    await expect(schemas({ timeoutMs: 200 }).lookUp(7)).rejects.toBeInstanceOf(RegistryUnavailable);
  });

  it('names itself where it is given a user', async () => {
    answer = json({ schema: USAGE });
    await schemas({ username: 'laurel', password: 'p:w' }).lookUp(7);
    await schemas().lookUp(7);
    expect(requests.map(({ headers }) => headers.authorization)).toEqual([
      `Basic ${Buffer.from('laurel:p:w').toString('base64')}`,
      undefined,
    ]);
  });

  it.each(['/registry', '/registry/'])('keeps the path %s before its own', async (path) => {
    answer = json({ schema: USAGE });
    await schemas({ url: url + path }).lookUp(7);
    expect(requests.map((request) => request.url)).toEqual(['/registry/schemas/ids/7']);
  });

  it('knows no schema where there is no registry', () => {
    expect(new RegistrySchemas(new SchemaRegistry(undefined), usageReaderForSchema).byRegistryId(7)).toBe('unknown');
  });
});
