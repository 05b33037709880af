import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventSource } from 'eventsource';
import type { AwardJson } from '@laurel/policy';
import { builtInRules, generatedHandle } from '@laurel/titles';
import type { TitlesJson } from '../titles/titles.controller.js';
import type { UserJson } from '../usage/usage.controller.js';
import { award, handovers, usage } from '../testing/events.js';
import { eventually } from '../testing/eventually.js';
import { testStack, type TestStack } from '../testing/stack.js';
import type { AwardsJson } from './awards.controller.js';

const get = async <T>(url: string): Promise<T> => {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  return (await response.json()) as T;
};

const daysAgo = (days: number, minute: number): string =>
  new Date((Math.floor(Date.now() / 86_400_000) - days) * 86_400_000 + minute * 60_000).toISOString();

const LONG_GONE = award(0, { title_id: 'long_gone' }).award_id;

describe('titles and awards', () => {
  let stack: TestStack;
  let url: string;
  const evidence = {
    // Of fair play, and so of nobody but the person and admins.
    left_out_days: { long: 2 },
    capped_tokens: { long: 9007199254740990 },
    beyond: { string: '9007199254740993' },
    share: { double: 0.1 },
  };
  const cacheWizard = { title_id: 'cache_wizard', unit: 'ratio', value: 0.75 };

  beforeAll(async () => {
    stack = await testStack();
    await stack.store(
      ['u-1', 'u-2', 'u-3', 'u-4', 'u-5', 'u-6', 'u-7'].map((user_id, index) =>
        usage({
          user_id,
          occurred_at: daysAgo(1, 10 + index),
          session_id: `s-${user_id}`,
          tokens: { input: 700 - index * 100 },
        }),
      ),
    );
    await stack.append([
      award(0, { evidence }),
      award(0, { ...cacheWizard, user_id: 'u-2' }),
      award(1, { type: 'title_revoked', reason: 'overtaken', rank: 2, revokes: award(0).award_id }),
      award(2, {
        user_id: 'u-2',
        previous_holder: 'u-1',
        reason: 'overtook',
        runner_up: 1000,
        value: 1300.5,
        evidence,
      }),
      award(0, { title_id: 'long_gone', user_id: 'u-9' }),
      award(1, { title_id: 'long_gone', user_id: '', type: 'title_revoked', reason: 'withheld', revokes: LONG_GONE }),
    ]);
    ({ url } = await stack.startApi());
  });
  afterAll(() => stack.stop());

  it('lists the awards, the newest first, with evidence as plain values', async () => {
    const { awards } = await get<AwardsJson>(`${url}/v1/awards`);
    expect(awards.map(({ title_id, ordinal }) => `${title_id} ${ordinal}`)).toEqual([
      'long_gone 1',
      'long_gone 0',
      'token_legend 2',
      'token_legend 1',
      'cache_wizard 0',
      'token_legend 0',
    ]);
    expect(awards[0]).toMatchObject({ user_id: null, handle: null, reason: 'withheld', revokes: LONG_GONE });
    expect(awards[2]).toEqual({
      offset: '3',
      award_id: 'award-token_legend-2',
      ordinal: 2,
      type: 'title_awarded',
      title_id: 'token_legend',
      rule_version: 1,
      scope: 'company',
      withheld: false,
      user_id: 'u-2',
      handle: generatedHandle('u-2'),
      name: null,
      figures: 'exact',
      rank: 1,
      tier: null,
      remaining_tier: null,
      value: 1300.5,
      unit: 'tokens',
      runner_up: 1000,
      window_start: '2026-04-15T00:00:00.000Z',
      window_end: '2026-05-15T00:00:00.000Z',
      evaluated_at: '2026-05-14T10:00:00.002Z',
      previous_holder: 'u-1',
      previous_holder_handle: generatedHandle('u-1'),
      revokes: null,
      reason: 'overtook',
      evidence: { capped_tokens: '9007199254740990', beyond: '9007199254740993', share: 0.1 },
    });
  });

  it('lists those of one title or person, at most as many as asked for', async () => {
    const offsets = async (query: string): Promise<string[]> =>
      (await get<AwardsJson>(`${url}/v1/awards?${query}`)).awards.map(({ offset }) => offset);
    expect(await offsets('title=token_legend')).toEqual(['3', '2', '0']);
    expect(await offsets('user=u-2')).toEqual(['3', '1']);
    expect(await offsets('title=token_legend&user=u-1&limit=1')).toEqual(['2']);
    expect(await offsets('title=never_heard_of')).toEqual([]);
  });

  it('shows each title with its rule, its holders as of the award and the standings now', async () => {
    const { titles } = await get<TitlesJson>(`${url}/v1/titles`);
    expect(titles.map(({ id }) => id)).toEqual([
      'token_legend',
      'model_connoisseur',
      'cache_wizard',
      'session_immortal',
      'master_crafter',
      'frugal_sage',
    ]);
    const [legend, connoisseur, wizard, immortal] = titles;
    expect(legend).toMatchObject({
      name: 'Token Legend',
      version: builtInRules[0].version,
      unit: 'tokens',
      metric: { kind: 'capped_tokens', daily_cap: 100_000_000, tokens_per_own_minute: 500_000 },
      window: { name: '30d', days: 30 },
      scope: 'company',
      eligibility: { min_tokens: 1 },
      margin: { kind: 'relative', by: 0.02 },
      max_holders: 1,
      holders: [
        {
          user_id: 'u-2',
          handle: generatedHandle('u-2'),
          value: 1300.5,
          unit: 'tokens',
          held_since: '2026-05-14T10:00:00.002Z',
          award_id: 'award-token_legend-2',
          evidence: { capped_tokens: '9007199254740990', share: 0.1 },
        },
      ],
    });
    expect(legend?.standings.map(({ user_id, rank, value }) => [user_id, rank, value])).toEqual([
      ['u-1', 1, 700],
      ['u-2', 2, 600],
      ['u-3', 3, 500],
      ['u-4', 4, 400],
      ['u-5', 5, 300],
    ]);
    expect(legend?.standings[0]?.evidence).toMatchObject({ input: '700' });
    expect(connoisseur).toMatchObject({ holders: [], standings: [] });
    expect(wizard).toMatchObject({ holders: [{ user_id: 'u-2', value: 0.75 }], standings: [], unit: 'ratio' });
    // Everybody was active for one minute: one place, in the order of the ids.
    expect(immortal?.standings.map(({ user_id, rank }) => [user_id, rank])).toEqual(
      ['u-1', 'u-2', 'u-3', 'u-4', 'u-5'].map((user) => [user, 1]),
    );
  });

  it('shows a person the titles that they hold now', async () => {
    const { titles } = await get<UserJson>(`${url}/v1/users/u-2`);
    expect(titles).toMatchObject([
      { title_id: 'cache_wizard', scope: 'company', award_id: 'award-cache_wizard-0' },
      { title_id: 'token_legend', scope: 'company', award_id: 'award-token_legend-2', value: 1300.5 },
    ]);
    expect((await get<UserJson>(`${url}/v1/users/u-1`)).titles).toEqual([]);
  });
});

describe('the stream of awards', () => {
  let stack: TestStack;
  const sources: EventSource[] = [];
  beforeEach(async () => {
    stack = await testStack();
  });
  afterEach(async () => {
    for (const source of sources.splice(0)) source.close();
    await stack.stop();
  });

  /** The offsets that a real client is told of. */
  async function follow(url: string): Promise<{ readonly offsets: string[]; readonly closings: string[] }> {
    const source = new EventSource(url);
    sources.push(source);
    const offsets: string[] = [];
    const closings: string[] = [];
    let ready = false;
    source.addEventListener('ready', () => (ready = true));
    source.addEventListener('award', ({ data, lastEventId }) => {
      const { offset } = JSON.parse(data as string) as AwardJson;
      expect(lastEventId).toBe(offset);
      offsets.push(offset);
    });
    source.addEventListener('closing', ({ data }) =>
      closings.push((JSON.parse(data as string) as { code: string }).code),
    );
    await eventually(() => (ready ? true : undefined));
    return { offsets, closings };
  }

  const allOffsets = async (url: string): Promise<string[]> =>
    (await get<AwardsJson>(`${url}/v1/awards?limit=1000`)).awards.map(({ offset }) => offset).reverse();

  /** A transaction that was committed may be seen a moment later: until then its awards would be new ones. */
  const eventuallyAwards = (url: string, count: number): Promise<true> =>
    eventually(async () => ((await allOffsets(url)).length === count ? true : undefined));

  it('tells of new awards only, unless asked for those after one', async () => {
    await stack.append(handovers(0, 3));
    const { url } = await stack.startApi();
    await eventuallyAwards(url, 3);
    const fresh = await follow(`${url}/v1/awards/stream`);
    const whole = await follow(`${url}/v1/awards/stream?last_event_id=-1`);
    const later = await follow(`${url}/v1/awards/stream?last_event_id=1`);
    await stack.append(handovers(3, 2));
    await eventually(() =>
      fresh.offsets.length === 2 && whole.offsets.length === 5 && later.offsets.length === 3 ? true : undefined,
    );
    const offsets = await allOffsets(url);
    expect(offsets).toHaveLength(5);
    expect(whole.offsets).toEqual(offsets);
    expect(later.offsets).toEqual(offsets.slice(2));
    expect(fresh.offsets).toEqual(offsets.slice(3));
  });

  it('lets a client go on over a restart without a gap or a repeat, also one that had no award yet', async () => {
    await stack.append(handovers(0, 2));
    const first = await stack.startApi();
    const port = new URL(first.url).port;
    await eventuallyAwards(first.url, 2);
    const idle = await follow(`${first.url}/v1/awards/stream`);
    const whole = await follow(`${first.url}/v1/awards/stream?last_event_id=-1`);
    await eventually(() => (whole.offsets.length === 2 ? true : undefined));

    const began = Date.now();
    await first.stop();
    expect(Date.now() - began).toBeLessThan(5000);
    await stack.append(handovers(2, 3));
    const second = await stack.startApi({ LAUREL_HTTP_PORT: port });
    await eventually(() => (idle.offsets.length >= 3 && whole.offsets.length >= 5 ? true : undefined));
    await stack.append(handovers(5, 1));
    await eventually(() => (idle.offsets.length >= 4 && whole.offsets.length >= 6 ? true : undefined));

    const offsets = await allOffsets(second.url);
    expect(whole.offsets).toEqual(offsets);
    expect(idle.offsets).toEqual(offsets.slice(2));
    expect(whole.closings).toEqual(['shutdown']);
  });

  it('refuses a stream behind another answer of the same connection, and keeps nothing of it', async () => {
    await stack.append(handovers(0, 2));
    const { url } = await stack.startApi();
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    const request = 'GET /v1/awards/stream HTTP/1.1\r\nHost: localhost\r\n\r\n';
    socket.write(request.repeat(5));
    await once(socket, 'data');
    const streams = async (): Promise<string | undefined> =>
      /^laurel_streams\{kind="awards",service="api"\} (\d+)$/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1];
    expect(await streams()).toBe('1');
    socket.destroy();
    await eventually(async () => ((await streams()) === '0' ? true : undefined));
  });

  it('follows Last-Event-ID rather than the address that the client began with', async () => {
    await stack.append(handovers(0, 4));
    const { url } = await stack.startApi();
    const aborted = new AbortController();
    const response = await fetch(`${url}/v1/awards/stream?last_event_id=0`, {
      headers: { 'last-event-id': '2' },
      signal: aborted.signal,
    });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    expect(response.headers.get('cache-control')).toBe('no-store');
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      if (text.includes('event: award')) break;
    }
    aborted.abort();
    expect(text).toContain('event: ready\nid: 2\n');
    expect([...text.matchAll(/event: award\nid: (\d+)/g)].map(([, id]) => id)).toEqual(['3']);
  });

  it('cuts off a client that does not read, while others are told of everything', async () => {
    const { url } = await stack.startApi({ LAUREL_API_STREAM_KEEP_ALIVE_MS: '100' });
    const reader = await follow(`${url}/v1/awards/stream`);
    const stuck = await silentClient(url);
    try {
      // More than the kernel buffers for one connection.
      const fat = { evidence: { padding: { string: 'x'.repeat(200_000) } } };
      for (let first = 0; first < 100; first += 4) await stack.append(handovers(first, 4, fat));
      await eventually(async () => {
        const metrics = await (await fetch(`${url}/metrics`)).text();
        const closed = /^laurel_streams_closed_total\{kind="awards",code="slow_client",service="api"\} 1$/m.test(
          metrics,
        );
        return closed && /^laurel_streams\{kind="awards",service="api"\} 1$/m.test(metrics) ? true : undefined;
      });
      await eventually(() => (reader.offsets.length === 100 ? true : undefined));
      expect(reader.offsets).toEqual(await allOffsets(url));
      expect(reader.closings).toEqual([]);
    } finally {
      stuck.destroy();
    }
  });

  it('ends also while a client does not read', async () => {
    const api = await stack.startApi();
    const stuck = await silentClient(api.url);
    try {
      const fat = { evidence: { padding: { string: 'x'.repeat(200_000) } } };
      for (let first = 0; first < 100; first += 4) await stack.append(handovers(first, 4, fat));
      await eventually(async () =>
        (await get<AwardsJson>(`${api.url}/v1/awards?limit=100`)).awards.length === 100 ? true : undefined,
      );
      const ended = api.stop().then(() => 'ended');
      const outcome = await Promise.race([ended, sleep(10_000, 'still running', { ref: false })]);
      // Else a failure here would hang the end of the test too.
      stuck.destroy();
      await ended;
      expect(outcome).toBe('ended');
    } finally {
      stuck.destroy();
    }
  });
});

/** Asks for the stream and reads its head, then nothing more. */
async function silentClient(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.write('GET /v1/awards/stream HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(socket, 'data');
  socket.pause();
  socket.on('error', () => undefined);
  return socket;
}
