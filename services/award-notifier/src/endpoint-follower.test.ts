import { awardEvent, undelivered, type Undelivered } from '@laurel/events';
import type { Delivery } from '@laurel/kafka';
import { redeliveryWish, UndeliveredFold } from '@laurel/titles';
import { EndpointFollower } from './endpoint-follower.js';
import type { Endpoint } from './endpoints.js';
import { Receiver } from './receiver.js';
import { logged, secret, viewOf } from './testing/awards.js';
import { EndpointServer, status, type Reply } from './testing/endpoint-server.js';

const policy = { classify: () => 'fatal' as const };
const SINCE = Date.parse('2026-11-23T00:00:00Z');
const AWARDS = 'titles.awards.v1';
const UNDELIVERED = 'titles.undelivered.v1';

/** A follower of one endpoint at this server, with the letters it has written. */
function followerOf({ url }: EndpointServer, givenUp: readonly Undelivered[] = [], tiers = false) {
  const letters: Undelivered[] = [];
  const silent = { onAttempt: () => undefined, onFailed: () => undefined, onHeld: () => undefined };
  const endpoint: Endpoint = {
    name: 'wall',
    format: 'standard-webhooks',
    url,
    since: SINCE,
    tiers,
    secrets: [secret('a')],
  };
  const fold = new UndeliveredFold();
  for (const one of givenUp) fold.take({ key: null, value: undelivered.encode(one), headers: {} });
  const follower = new EndpointFollower(
    endpoint,
    new Receiver(endpoint, viewOf(), { timeoutMs: 5000, giveUpAfterMs: 86_400_000 }, silent),
    {
      send: (_, records) => {
        for (const { value } of records) if (value !== null) letters.push(undelivered.decode(value));
        return Promise.resolve();
      },
    },
    () => Promise.resolve(fold),
    policy,
    { onEnd: () => undefined },
  );
  return { follower, letters };
}

type Record = Delivery['batch']['records'][number];

const awardRecord = (offset: number, timestampMs = SINCE, fields: Parameters<typeof logged>[1] = {}): Record => ({
  offset,
  timestampMs,
  key: null,
  value: awardEvent.encode(logged(offset, fields).award),
  headers: {},
});

/** A batch as the strategy hands it over; `onCommit` stands for the broker. */
function deliveryOf(
  records: readonly Record[],
  given: { topic?: string; signal?: AbortSignal; onCommit?: (next: number) => void } = {},
) {
  const { topic = AWARDS, signal = new AbortController().signal, onCommit } = given;
  const commits: number[] = [];
  const delivery: Delivery = {
    batch: { topic, partition: 0, records, highWatermark: 99 },
    signal,
    assignment: signal,
    commit: (next) => {
      onCommit?.(next);
      commits.push(next);
      return Promise.resolve();
    },
  };
  return { delivery, commits };
}

const idsAt = ({ requests }: EndpointServer): unknown[] => requests.map(({ headers }) => headers['webhook-id']);

describe('following awards for an endpoint', () => {
  it('commits an award when it was acknowledged, and not before', async () => {
    const log: string[] = [];
    const reply: Reply = (response, { headers }) => {
      log.push(String(headers['webhook-id']));
      response.end();
    };
    await using server = await EndpointServer.open(reply);
    const { delivery } = deliveryOf([awardRecord(3), awardRecord(5)], {
      onCommit: (next) => log.push(`commit ${next}`),
    });
    await followerOf(server).follower.onBatch(delivery);
    expect(log).toEqual(['award-3', 'commit 4', 'award-5', 'commit 6', 'commit 6']);
  });

  it('passes over what was written before its beginning', async () => {
    await using server = await EndpointServer.open(status(200));
    const { delivery, commits } = deliveryOf([awardRecord(1, SINCE - 1), awardRecord(2)]);
    await followerOf(server).follower.onBatch(delivery);
    expect([idsAt(server), commits]).toEqual([['award-2'], [3, 3]]);
  });

  it('passes over tiers, unless the endpoint wants them', async () => {
    await using server = await EndpointServer.open(status(200));
    const records = [awardRecord(1, SINCE, { type: 'tier_reached', tier: 'gold' }), awardRecord(2)];
    const { delivery, commits } = deliveryOf(records);
    await followerOf(server).follower.onBatch(delivery);
    expect([idsAt(server), commits]).toEqual([['award-2'], [3, 3]]);
    await followerOf(server, [], true).follower.onBatch(deliveryOf(records).delivery);
    expect(idsAt(server)).toEqual(['award-2', 'award-1', 'award-2']);
  });

  it('writes a letter for what is refused, commits then, and goes on', async () => {
    await using server = await EndpointServer.open((response, { headers }) =>
      response.writeHead(headers['webhook-id'] === 'award-1' ? 400 : 200).end(),
    );
    const { follower, letters } = followerOf(server);
    const written: number[] = [];
    const { delivery } = deliveryOf([awardRecord(1), awardRecord(2)], { onCommit: () => written.push(letters.length) });
    await follower.onBatch(delivery);
    expect(letters).toMatchObject([
      {
        endpoint: 'wall',
        code: 'refused',
        status: 400,
        attempts: 1,
        source_topic: AWARDS,
        source_offset: 1,
        award_offset: 1,
      },
    ]);
    expect([written, idsAt(server)]).toEqual([
      [1, 1, 1],
      ['award-1', 'award-2'],
    ]);
  });

  it('repeats nothing when a commit fails and the batch comes again', async () => {
    await using server = await EndpointServer.open(status(200));
    const { follower } = followerOf(server);
    const records = [awardRecord(1), awardRecord(2), awardRecord(3)];
    const failing = deliveryOf(records, {
      onCommit: (next) => {
        if (next === 3) throw new Error('the broker is away');
      },
    });
    await expect(follower.onBatch(failing.delivery)).rejects.toThrow('the broker is away');
    const again = deliveryOf(records);
    await follower.onBatch(again.delivery);
    expect(idsAt(server)).toEqual(['award-1', 'award-2', 'award-3']);
    expect(again.commits.at(-1)).toBe(4);
  });

  it('leaves uncommitted what was under way when the partition was lost', async () => {
    const lost = new AbortController();
    await using server = await EndpointServer.open((response, _, index) => {
      if (index === 0) response.end();
      else lost.abort();
    });
    const { delivery, commits } = deliveryOf([awardRecord(1), awardRecord(2)], { signal: lost.signal });
    await followerOf(server).follower.onBatch(delivery);
    expect(commits).toEqual([2]);
  });

  const letter: Undelivered = {
    endpoint: 'wall',
    code: 'refused',
    status: 400,
    message: '',
    attempts: 1,
    given_up_at: SINCE,
    source_topic: AWARDS,
    source_offset: 1,
    award_offset: 1,
    award: awardEvent.encode(logged(1).award),
  };

  it('does not begin anew what it had given up before a crash', async () => {
    await using server = await EndpointServer.open(status(200));
    const { delivery, commits } = deliveryOf([awardRecord(1), awardRecord(2)]);
    await followerOf(server, [letter]).follower.onBatch(delivery);
    expect([idsAt(server), commits.at(-1)]).toEqual([['award-2'], 3]);
  });

  const asWish = (one: Undelivered, offset: number, timestampMs = SINCE): Record => {
    const { key, headers } = redeliveryWish(one);
    const bytes = Object.entries(headers).map(([name, value]) => [name, Buffer.from(value)] as const);
    return { offset, timestampMs, key: Buffer.from(key), value: null, headers: Object.fromEntries(bytes) };
  };

  it('delivers again what is asked for, its own alone, as it was', async () => {
    await using server = await EndpointServer.open(status(200));
    const { follower } = followerOf(server, [letter]);
    await follower.onBatch(deliveryOf([awardRecord(2)]).delivery);
    const written: Record = { ...awardRecord(0), key: Buffer.from('k'), value: undelivered.encode(letter) };
    const records = [
      written,
      asWish({ ...letter, endpoint: 'chat' }, 1),
      asWish(letter, 2, SINCE - 1),
      asWish({ ...letter, award_offset: 7, award: awardEvent.encode(logged(7).award) }, 3),
    ];
    const { delivery, commits } = deliveryOf(records, { topic: UNDELIVERED });
    await follower.onBatch(delivery);
    expect([idsAt(server), commits.at(-1)]).toEqual([['award-2', 'award-7'], 4]);
    expect(JSON.parse(server.requests[1]?.body ?? '')).toMatchObject({ award_id: 'award-7', offset: '7' });
  });

  it('writes a letter of its own for what fails again', async () => {
    await using server = await EndpointServer.open(status(404));
    const { follower, letters } = followerOf(server, [letter]);
    await follower.onBatch(deliveryOf([asWish(letter, 9)], { topic: UNDELIVERED }).delivery);
    expect(letters).toMatchObject([{ source_topic: UNDELIVERED, source_offset: 9, award_offset: 1, status: 404 }]);
  });
});
