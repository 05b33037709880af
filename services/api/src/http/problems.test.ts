import { createServer, connect, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import type { ProblemDetails } from './problem.js';
import { eventually } from '../testing/eventually.js';
import { usage } from '../testing/events.js';
import { testStack, type TestStack } from '../testing/stack.js';

async function problemOf(response: Response): Promise<ProblemDetails> {
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  const problem = (await response.json()) as ProblemDetails;
  expect(problem).toMatchObject({
    type: `urn:problem-type:laurel:${problem.code}`,
    status: response.status,
    title: expect.any(String) as string,
    detail: expect.any(String) as string,
    instance: new URL(response.url).pathname,
    request_id: response.headers.get('x-request-id'),
  });
  return problem;
}

describe('problems', () => {
  let stack: TestStack;
  let url: string;
  beforeAll(async () => {
    stack = await testStack();
    ({ url } = await stack.startApi());
  });
  afterAll(() => stack.stop());

  const bad = [
    ['/v1/leaderboards/total_tokens?windw=7d', 'windw', 'query', 'unknown'],
    ['/v1/leaderboards/total_tokens?constructor=1', 'constructor', 'query', 'unknown'],
    ['/v1/leaderboards/total_tokens?window=0d', 'window', 'query', 'invalid'],
    ['/v1/leaderboards/total_tokens?window=367d', 'window', 'query', 'invalid'],
    ['/v1/leaderboards/total_tokens?window=', 'window', 'query', 'invalid'],
    ['/v1/leaderboards/total_tokens?limit=0', 'limit', 'query', 'invalid'],
    ['/v1/leaderboards/total_tokens?limit=1001', 'limit', 'query', 'invalid'],
    ['/v1/leaderboards/total_tokens?limit=1e2', 'limit', 'query', 'invalid'],
    ['/v1/leaderboards/total_tokens?limit=5&limit=6', 'limit', 'query', 'repeated'],
    ['/v1/leaderboards/total_tokens?scope=team:', 'scope', 'query', 'invalid'],
    ['/v1/leaderboards/total_tokens?scope=world', 'scope', 'query', 'invalid'],
    [`/v1/leaderboards/total_tokens?scope=team:${'x'.repeat(257)}`, 'scope', 'query', 'invalid'],
    ['/v1/leaderboards/tokens', 'metric', 'path', 'invalid'],
    ['/v1/leaderboards/toString', 'metric', 'path', 'invalid'],
    [`/v1/users/${'é'.repeat(129)}`, 'id', 'path', 'invalid'],
    ['/v1/users/u-1?scope=company', 'scope', 'query', 'unknown'],
    ['/v1/models?limit=1', 'limit', 'query', 'unknown'],
    ['/v1/titles?window=7d', 'window', 'query', 'unknown'],
    ['/v1/awards?title=Token%20Legend', 'title', 'query', 'invalid'],
    ['/v1/awards?user=', 'user', 'query', 'invalid'],
    ['/v1/awards/stream?last_event_id=abc', 'last_event_id', 'query', 'invalid'],
    ['/v1/awards/stream?last_event_id=-2', 'last_event_id', 'query', 'invalid'],
  ] as const;
  it.each(bad)('refuses %s for %s', async (path, parameter, place, code) => {
    const response = await fetch(url + path);
    expect(response.status).toBe(400);
    const problem = await problemOf(response);
    expect(problem.code).toBe('invalid_parameter');
    expect(problem.errors).toEqual([{ parameter, in: place, code, detail: expect.any(String) as string }]);
  });

  it('reports every fault at once, in the path and the query', async () => {
    const problem = await problemOf(await fetch(`${url}/v1/leaderboards/x?limit=0&window=y&no=1`));
    expect(problem.errors?.map(({ parameter }) => parameter).sort()).toEqual(['limit', 'metric', 'no', 'window']);
  });

  it('refuses a Last-Event-ID that no award has', async () => {
    const response = await fetch(`${url}/v1/awards/stream`, { headers: { 'last-event-id': 'x' } });
    expect(response.status).toBe(400);
    expect((await problemOf(response)).errors).toMatchObject([{ parameter: 'last-event-id', in: 'header' }]);
  });

  it('answers an unknown address, a wrong method and an address that cannot be read', async () => {
    const unknown = await fetch(`${url}/v1/nothing?x=1`);
    expect([unknown.status, (await problemOf(unknown)).code]).toEqual([404, 'not_found']);

    for (const path of ['/v1/leaderboards/total_tokens', '/v1/users/u-1', '/v1/awards/stream', '/health']) {
      const post = await fetch(url + path, { method: 'POST' });
      expect([post.status, (await problemOf(post)).code]).toEqual([405, 'method_not_allowed']);
      expect(post.headers.get('allow')).toContain('GET');
    }
    // fetch would not send these addresses; the request line is what counts.
    for (const path of ['/v1/users/%ZZ', `/v1/users/${'x'.repeat(257)}`]) {
      const response = await fetch(url + path);
      expect(response.status).toBe(400);
      expect(response.headers.get('content-type')).toContain('application/problem+json');
      expect(await response.json()).toMatchObject({ code: 'malformed_request', status: 400, instance: path });
    }
  });

  it('answers headers that are too long, and what is no HTTP, with a problem too', async () => {
    const answer = await fetch(`${url}/v1/models?${'x'.repeat(20_000)}`);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(await answer.json()).toMatchObject({ status: 431, code: 'headers_too_large' });
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.end('hello\r\n\r\n');
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    expect(text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[^]*"code":"malformed_request"/);
  });

  it('answers HEAD as GET without a body, on the stream too', async () => {
    for (const path of ['/v1/models', '/v1/awards/stream']) {
      const response = await fetch(url + path, { method: 'HEAD' });
      expect([response.status, await response.text()]).toEqual([200, '']);
    }
    await eventually(async () => {
      const metrics = await (await fetch(`${url}/metrics`)).text();
      return metrics.includes('laurel_streams{kind="awards",service="api"} 0') ? true : undefined;
    });
  });

  it('gives every answer an id, a proxy’s own if it is no more than that', async () => {
    const own = await fetch(`${url}/v1/models`);
    expect(own.headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
    const given = await fetch(`${url}/v1/models`, { headers: { 'x-request-id': 'proxy_1-2' } });
    expect(given.headers.get('x-request-id')).toBe('proxy_1-2');
    const forged = await fetch(`${url}/v1/models`, { headers: { 'x-request-id': 'a b"c' } });
    expect(forged.headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
  });

  it('sets headers against sniffing, framing and caching, and lets no other origin read', async () => {
    const { headers } = await fetch(`${url}/v1/models`, { headers: { origin: 'https://elsewhere.example' } });
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toBe("default-src 'none';frame-ancestors 'none'");
    expect(headers.get('cache-control')).toBe('private, no-cache');
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('when ClickHouse fails', () => {
  let stack: TestStack;
  beforeAll(async () => {
    stack = await testStack();
    await stack.store([usage({ occurred_at: new Date().toISOString(), tokens: { input: 1 } })]);
  });
  afterAll(() => stack.stop());

  it('answers 503 with Retry-After and is not ready while it is away, and comes back by itself', async () => {
    const proxy = await Proxy.to(new URL(stack.clickHouseUrl));
    try {
      const { url } = await stack.startApiProcess({ LAUREL_CLICKHOUSE_URL: proxy.url });
      expect((await fetch(`${url}/v1/models`)).status).toBe(200);

      await proxy.cut();
      for (const path of ['/v1/models', '/v1/users/u-1', '/v1/leaderboards/events', '/v1/users/u-1/titles']) {
        // What was read a moment ago is still given.
        const away = await eventually(async () => {
          const answer = await fetch(url + path);
          return answer.status === 200 ? undefined : answer;
        });
        expect([away.status, (await problemOf(away)).code]).toEqual([503, 'storage_unavailable']);
        expect(Number(away.headers.get('retry-after'))).toBeGreaterThan(0);
      }
      const ready = await fetch(`${url}/ready`);
      expect([ready.status, await ready.json()]).toEqual([
        503,
        { status: 'not ready', clickhouse: 'away', awards: 'read', people: 'read', figures: 'read' },
      ]);
      expect((await fetch(`${url}/health`)).status).toBe(200);
      expect((await fetch(`${url}/v1/awards`)).status).toBe(200);

      await proxy.restore();
      await eventually(async () => ((await fetch(`${url}/ready`)).status === 200 ? true : undefined));
      expect((await fetch(`${url}/v1/models`)).status).toBe(200);
    } finally {
      await proxy.cut();
    }
  });

  it('has the titles in memory when it is ready, before anybody asked for them', async () => {
    const proxy = await Proxy.to(new URL(stack.clickHouseUrl));
    try {
      const { url } = await stack.startApiProcess({ LAUREL_CLICKHOUSE_URL: proxy.url });
      await proxy.cut();
      expect((await fetch(`${url}/v1/titles`)).status).toBe(200);
    } finally {
      await proxy.cut();
    }
  });

  it('serves from the start, and says that it is starting until ClickHouse was seen', async () => {
    const proxy = await Proxy.to(new URL(stack.clickHouseUrl));
    try {
      await proxy.cut();
      const { url } = await stack.startApiProcess({ LAUREL_CLICKHOUSE_URL: proxy.url }, false);
      const response = await fetch(`${url}/v1/models`);
      expect([response.status, (await problemOf(response)).code]).toEqual([503, 'starting']);
      expect((await fetch(`${url}/ready`)).status).toBe(503);
      await proxy.restore();
      await eventually(async () => ((await fetch(`${url}/v1/models`)).status === 200 ? true : undefined));
    } finally {
      await proxy.cut();
    }
  });

  it('answers 500 for what it did not expect, and shows nothing of it', async () => {
    const { url } = await stack.startApi({ LAUREL_LOG_LEVEL: 'error' });
    await stack.clickhouse.command({ query: 'RENAME TABLE usage_by_day_model TO elsewhere' });
    try {
      // Of a window that is not in memory since the start.
      const response = await fetch(`${url}/v1/models?window=3d`);
      expect(response.status).toBe(500);
      const text = JSON.stringify(await problemOf(response));
      expect(text).toContain('"internal"');
      expect(text).not.toMatch(/usage_by_day|ClickHouse|Exception|at /);
    } finally {
      await stack.clickhouse.command({ query: 'RENAME TABLE elsewhere TO usage_by_day_model' });
    }
  });

  it('does not start to serve a database without its tables', async () => {
    const api = await stack.startApi({ LAUREL_CLICKHOUSE_DATABASE: 'default' }, false);
    await eventually(() => (api.failures.length > 0 ? true : undefined));
    expect(String(api.failures[0])).toContain('laurel migrate apply');
    const ready = await fetch(`${api.url}/ready`);
    expect([ready.status, await ready.json()]).toMatchObject([503, { clickhouse: 'not_migrated' }]);
  });
});

/** A TCP proxy that can be cut: listening stops and connections break, as when a server dies. */
class Proxy {
  private readonly sockets = new Set<Socket>();
  private server: Server | undefined;

  private constructor(
    private readonly target: URL,
    private port: number,
  ) {}

  static async to(target: URL): Promise<Proxy> {
    const proxy = new Proxy(target, 0);
    await proxy.restore();
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async restore(): Promise<void> {
    const server = createServer((client) => {
      const upstream = connect(Number(this.target.port), this.target.hostname);
      for (const [one, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        this.sockets.add(one);
        one.on('error', () => other.destroy());
        one.on('close', () => {
          this.sockets.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    });
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (typeof address === 'object' && address !== null) this.port = address.port;
    this.server = server;
  }

  async cut(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (server === undefined) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}
