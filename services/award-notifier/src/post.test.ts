import { setTimeout as sleep } from 'node:timers/promises';
import { post, retryAfterMs } from './post.js';
import { EndpointServer, inTurn, status, type Reply } from './testing/endpoint-server.js';

const REQUEST = { headers: { 'content-type': 'application/json' }, body: '{}' };
const never = new AbortController().signal;

async function answerTo(reply: Reply, timeoutMs = 5000) {
  await using server = await EndpointServer.open(reply);
  // Awaited, as the server ends with this function.
  return await post(server.url, REQUEST, timeoutMs, never);
}

describe('one attempt', () => {
  it.each([200, 202, 204, 299])('is acknowledged by %i', async (code) => {
    expect(await answerTo(status(code))).toEqual({ kind: 'acknowledged', status: code });
  });

  it.each([400, 401, 403, 404, 409, 413, 422, 451])('is refused for good by %i', async (code) => {
    expect(await answerTo(status(code))).toEqual({ kind: 'refused', status: code, message: `answered ${code}` });
  });

  it.each([408, 425, 429, 500, 502, 503, 504])('has failed, and may be repeated, after %i', async (code) => {
    expect(await answerTo(status(code))).toMatchObject({ kind: 'failed', status: code, retryAfterMs: 0 });
  });

  it('is told by 410 that nothing more is wanted', async () => {
    expect(await answerTo(status(410))).toMatchObject({ kind: 'gone', status: 410 });
  });

  it.each([301, 302, 303, 307, 308])('does not follow where %i leads', async (code) => {
    await using other = await EndpointServer.open(status(200));
    expect(await answerTo(status(code, { location: other.url }))).toMatchObject({ kind: 'failed', status: code });
    expect(other.requests).toEqual([]);
  });

  it('gives up an endpoint that says nothing, or never comes to an end', async () => {
    const silent = { kind: 'failed', status: null, message: 'no answer within 200 ms' };
    expect(await answerTo(() => undefined, 200)).toMatchObject(silent);
    const began = performance.now();
    const endless: Reply = (response) => void response.writeHead(500).write('x');
    expect(await answerTo(endless, 200)).toMatchObject({ kind: 'failed', status: 500, message: 'answered 500: x' });
    expect(performance.now() - began).toBeLessThan(3000);
  });

  it('says how no connection came about, without the address that may be secret', async () => {
    let gone: string;
    {
      await using server = await EndpointServer.open(status(200));
      gone = server.url;
    }
    expect(await post(gone, REQUEST, 5000, never)).toEqual({
      kind: 'failed',
      status: null,
      message: 'no connection: ECONNREFUSED',
      retryAfterMs: 0,
    });
  });

  it('is over with the first bytes of an answer that does not end', async () => {
    let written = 0;
    const flood: Reply = (response) => {
      response.writeHead(400);
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(1024))) written += 1024;
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    };
    const answer = await answerTo(flood);
    expect(answer).toEqual({ kind: 'refused', status: 400, message: `answered 400: ${'x'.repeat(300)}` });
    expect(written).toBeLessThan(16 * 1024 * 1024);
  });

  it('keeps one line of what was answered, for a person', async () => {
    const reply: Reply = (response) => response.writeHead(400).end(' no\u0000such\r\n\u202etitle ');
    expect(await answerTo(reply)).toMatchObject({ message: 'answered 400: no such title' });
  });

  it('goes over a connection that is there already', async () => {
    await using server = await EndpointServer.open((response) => response.end('ok'));
    for (let count = 0; count < 20; count += 1) await post(server.url, REQUEST, 5000, never);
    // A second one may be begun while the end of an answer is on its way.
    expect(new Set(server.requests.map(({ socket }) => socket)).size).toBeLessThan(5);
  });

  it('ends at once when it is told to', async () => {
    await using server = await EndpointServer.open(() => undefined);
    const stop = new AbortController();
    const attempt = post(server.url, REQUEST, 60_000, stop.signal);
    void sleep(50).then(() => stop.abort(new Error('stopped')));
    await expect(attempt).rejects.toThrow('stopped');
  });

  it('is acknowledged by its status when the rest of the answer breaks off', async () => {
    const broken: Reply = (response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write('x', () => void response.destroy());
    };
    expect(await answerTo(inTurn(broken))).toEqual({ kind: 'acknowledged', status: 200 });
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-11-23T12:00:00Z');
  it.each([
    [null, 0],
    ['0', 0],
    ['7', 7000],
    ['999999', 3_600_000],
    ['Mon, 23 Nov 2026 12:00:30 GMT', 30_000],
    ['Mon, 23 Nov 2026 11:00:00 GMT', 0],
    ['soon', 0],
  ])('of %j is understood', (header, ms) => {
    expect(retryAfterMs(header, now)).toBe(ms);
  });
});
