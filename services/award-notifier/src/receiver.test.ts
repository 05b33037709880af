import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import type { Endpoint } from './endpoints.js';
import { Receiver, type ReceiverEvents } from './receiver.js';
import { logged, secret, viewOf } from './testing/awards.js';
import { EndpointServer, inTurn, status, type Reply } from './testing/endpoint-server.js';

const DAY_MS = 86_400_000;

/** A receiver of one endpoint, with what it has told. */
function receiverOf(url: string, options: Partial<{ timeoutMs: number; giveUpAfterMs: number }> = {}) {
  const told: string[] = [];
  const failures = new EventEmitter();
  const events: ReceiverEvents = {
    onAttempt: () => undefined,
    onFailed: (_, award, message, attempt) => {
      told.push(`${award} ${message} ${attempt}`);
      failures.emit('failed');
    },
    onHeld: (_, award, message) => told.push(`${award} held ${message}`),
  };
  const endpoint: Endpoint = {
    name: 'wall',
    format: 'standard-webhooks',
    url,
    since: 0,
    tiers: false,
    secrets: [secret('a')],
  };
  return {
    receiver: new Receiver(endpoint, viewOf(), { timeoutMs: 5000, giveUpAfterMs: DAY_MS, ...options }, events),
    told,
    failures,
  };
}

const never = new AbortController().signal;

describe('a delivery', () => {
  it('is repeated after server errors until it is acknowledged, under one id and signed each time', async () => {
    await using server = await EndpointServer.open(inTurn(status(500), status(503), status(302), status(200)));
    const { receiver, told } = receiverOf(server.url);
    expect(await receiver.deliver(logged(1), Date.now(), never)).toEqual({ kind: 'acknowledged', attempts: 4 });
    expect(told).toEqual(['award-1 answered 500 1', 'award-1 answered 503 2', 'award-1 answered 302 3']);
    for (const { headers, body } of server.requests)
      expect(new Webhook(secret('a')).verify(body, headers as Record<string, string>)).toMatchObject({ offset: '1' });
    expect(new Set(server.requests.map(({ headers }) => headers['webhook-id']))).toEqual(new Set(['award-1']));
  });

  it('waits longer each time', async () => {
    await using server = await EndpointServer.open(
      inTurn(status(500), status(500), status(500), status(500), status(200)),
    );
    await receiverOf(server.url).receiver.deliver(logged(1), Date.now(), never);
    const waits = server.requests.slice(1).map(({ atMs }, index) => atMs - (server.requests[index]?.atMs ?? 0));
    // From 100 ms, doubled each time, and up to twice that by jitter.
    waits.forEach((wait, index) => expect(wait).toBeGreaterThanOrEqual(100 * 2 ** index - 5));
  });

  it('is repeated after an endpoint took too long, or was not there', async () => {
    const silent: Reply = () => undefined;
    await using server = await EndpointServer.open(inTurn(silent, status(200)));
    const { receiver, told } = receiverOf(server.url, { timeoutMs: 200 });
    expect(await receiver.deliver(logged(1), Date.now(), never)).toEqual({ kind: 'acknowledged', attempts: 2 });
    expect(told).toEqual(['award-1 no answer within 200 ms 1']);
  });

  it('leaves an endpoint alone for as long as it asks, and so does the next one', async () => {
    await using server = await EndpointServer.open(
      inTurn(status(429, { 'retry-after': '1' }), status(200), status(503, { 'retry-after': '1' }), status(200)),
    );
    const { receiver, failures } = receiverOf(server.url);
    await receiver.deliver(logged(1), Date.now(), never);
    const [first, second] = server.requests;
    expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(990);
    const asking = receiver.deliver(logged(2), Date.now(), never);
    await once(failures, 'failed');
    const next = receiver.deliver(logged(3), Date.now(), never);
    expect(await asking).toMatchObject({ attempts: 2 });
    expect(await next).toMatchObject({ attempts: 1 });
    const [, , asked, ...after] = server.requests;
    expect(after).toHaveLength(2);
    for (const { atMs } of after) expect(atMs - (asked?.atMs ?? 0)).toBeGreaterThanOrEqual(990);
  });

  it('ends at an answer that no repeat can mend', async () => {
    await using server = await EndpointServer.open((response) => response.writeHead(422).end('unknown title'));
    expect(await receiverOf(server.url).receiver.deliver(logged(1), Date.now(), never)).toEqual({
      kind: 'undelivered',
      code: 'refused',
      status: 422,
      message: 'answered 422: unknown title',
      attempts: 1,
    });
    expect(server.requests).toHaveLength(1);
  });

  it('is given up when the award is too old, with the last answer', async () => {
    await using server = await EndpointServer.open(status(500));
    const { receiver } = receiverOf(server.url, { giveUpAfterMs: 500 });
    const began = Date.now();
    const end = await receiver.deliver(logged(1), began, never);
    expect(end).toMatchObject({ kind: 'undelivered', code: 'expired', status: 500, message: 'answered 500' });
    expect(Date.now() - began).toBeGreaterThanOrEqual(500);
    expect(server.requests.length).toBeGreaterThan(1);
  });

  it('of an award that is old already is tried for a while all the same', async () => {
    await using server = await EndpointServer.open(inTurn(status(500), status(500), status(200)));
    const end = await receiverOf(server.url).receiver.deliver(logged(1), Date.now() - 9 * DAY_MS, never);
    expect(end).toEqual({ kind: 'acknowledged', attempts: 3 });
  });

  it('stops for good at 410, neither acknowledged nor given up', async () => {
    await using server = await EndpointServer.open(inTurn(status(410), status(200)));
    const { receiver, told } = receiverOf(server.url, { giveUpAfterMs: 0 });
    const stop = new AbortController();
    const ends = [1, 2].map((offset) => receiver.deliver(logged(offset), Date.now(), stop.signal));
    const first = await Promise.race([...ends.slice(0, 1), sleep(1500)]);
    expect([first, receiver.isHeld]).toEqual([undefined, true]);
    stop.abort();
    // Who had asked at the same moment had its answer; nobody asks after the first 410.
    expect((await Promise.all(ends))[0]).toEqual({ kind: 'aborted' });
    expect(server.requests.filter(({ headers }) => headers['webhook-id'] === 'award-1')).toHaveLength(1);
    expect(told).toEqual(['award-1 held answered 410']);
  });

  it('is left off within a moment, while it waits or is under way', async () => {
    const silent: Reply = () => undefined;
    for (const reply of [silent, status(503, { 'retry-after': '3600' })]) {
      await using server = await EndpointServer.open(reply);
      const stop = new AbortController();
      const delivery = receiverOf(server.url).receiver.deliver(logged(1), Date.now(), stop.signal);
      await sleep(200);
      const began = performance.now();
      stop.abort();
      expect(await delivery).toEqual({ kind: 'aborted' });
      expect(performance.now() - began).toBeLessThan(1000);
    }
  });

  it('shows how long the oldest award has waited, and nothing once it is through', async () => {
    await using server = await EndpointServer.open(inTurn(status(500), status(500), status(500), status(200)));
    const { receiver } = receiverOf(server.url);
    expect([receiver.isDelivering, receiver.oldestSeconds(Date.now())]).toEqual([false, 0]);
    const nowMs = Date.now();
    const both = [nowMs - 7000, nowMs - 5000].map((at, offset) => receiver.deliver(logged(offset), at, never));
    expect([receiver.isDelivering, receiver.oldestSeconds(nowMs)]).toEqual([true, 7]);
    await Promise.all(both);
    expect([receiver.isDelivering, receiver.oldestSeconds(Date.now())]).toEqual([false, 0]);
  });
});
