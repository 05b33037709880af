import { Writable } from 'node:stream';
import { EventSource } from 'eventsource';
import { usage } from '../testing/events.js';
import { eventually } from '../testing/eventually.js';
import { testStack, type TestStack } from '../testing/stack.js';
import type { StandingsJson } from '../usage/leaderboards.js';
import { StandingsFeed } from './standings-feed.js';
import { StandingsStream } from './standings-stream.js';

const yesterday = new Date(Date.now() - 86_400_000).toISOString();
const spend = (user_id: string, input: number) => usage({ user_id, occurred_at: yesterday, tokens: { input } });

interface Followed {
  readonly boards: StandingsJson[];
  readonly ids: string[];
  /** How often it was told that it is connected. */
  readies: number;
}

describe('the stream of standings', () => {
  let stack: TestStack;
  const sources: EventSource[] = [];
  beforeEach(async () => {
    stack = await testStack();
    await stack.store([spend('u-1', 2000), spend('u-2', 1000)]);
  });
  afterEach(async () => {
    for (const source of sources.splice(0)) source.close();
    await stack.stop();
  });

  function follow(url: string, query = ''): Followed {
    const source = new EventSource(`${url}/v1/leaderboards/total_tokens/stream${query}`);
    sources.push(source);
    const followed: Followed = { boards: [], ids: [], readies: 0 };
    source.addEventListener('ready', () => (followed.readies += 1));
    source.addEventListener('standings', ({ data, lastEventId }) => {
      followed.boards.push(JSON.parse(data as string) as StandingsJson);
      followed.ids.push(lastEventId);
    });
    return followed;
  }
  const leaders = ({ boards }: Followed): unknown =>
    boards.at(-1)?.entries.map(({ user_id, value }) => [user_id, value]);
  const eventuallyLeads = (followed: Followed, expected: unknown): Promise<true> =>
    eventually(() => (JSON.stringify(leaders(followed)) === JSON.stringify(expected) ? true : undefined));

  it('sends the board, and again when it says something else, and what a page says', async () => {
    const { url } = await stack.startApi();
    const followed = follow(url);
    await eventuallyLeads(followed, [
      ['u-1', '2000'],
      ['u-2', '1000'],
    ]);
    await stack.store([spend('u-2', 5000)]);
    await eventuallyLeads(followed, [
      ['u-2', '6000'],
      ['u-1', '2000'],
    ]);
    const page = (await (await fetch(`${url}/v1/leaderboards/total_tokens`)).json()) as StandingsJson;
    expect({ ...followed.boards.at(-1), next_cursor: null }).toEqual(page);
    expect(followed.boards).toHaveLength(2);
  });

  it('leaves out at once who hides, and sends only as many as asked for', async () => {
    const { url } = await stack.startApi();
    const whole = follow(url);
    const first = follow(url, '?limit=1');
    await eventuallyLeads(first, [['u-1', '2000']]);
    await stack.choose('u-1', { visibility: 'hidden' });
    await eventuallyLeads(whole, [['u-2', '1000']]);
    await eventuallyLeads(first, [['u-2', '1000']]);
  });

  it('goes on over a restart without a repeat while nothing changes, and without a gap when it does', async () => {
    const first = await stack.startApi();
    const port = new URL(first.url).port;
    const [quiet, told] = [follow(first.url), follow(first.url, '?window=7d')];
    await eventually(() => (quiet.ids.length === 1 && told.ids.length === 1 ? true : undefined));
    await first.stop();
    const second = await stack.startApi({ LAUREL_HTTP_PORT: port });
    await eventually(() => (quiet.readies === 2 && told.readies === 2 ? true : undefined));
    // Long enough for several looks at the board.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    expect([quiet.ids.length, told.ids.length]).toEqual([1, 1]);

    await second.stop();
    await stack.store([spend('u-3', 9000)]);
    await stack.startApi({ LAUREL_HTTP_PORT: port });
    await eventually(() => (quiet.ids.length === 2 && told.ids.length === 2 ? true : undefined));
    expect(quiet.boards.at(-1)?.entries[0]?.user_id).toBe('u-3');
    expect(new Set(quiet.ids).size).toBe(2);
  });

  it('is refused where there are as many as there may be', async () => {
    const { url } = await stack.startApi({ LAUREL_API_MAX_STREAMS: '1' });
    await eventuallyLeads(follow(url, '?limit=1'), [['u-1', '2000']]);
    const refused = await fetch(`${url}/v1/awards/stream`);
    expect([refused.status, await refused.json()]).toMatchObject([503, { code: 'too_many_streams' }]);
    for (const source of sources.splice(0)) source.close();
    await eventually(async () => {
      const aborted = new AbortController();
      const { status } = await fetch(`${url}/v1/awards/stream`, { signal: aborted.signal });
      aborted.abort();
      return status === 200 ? true : undefined;
    });
  });
});

describe('a feed of standings', () => {
  const options = { keepAliveMs: 10, patience: 4, retryMs: 100 };

  it('is read once for all who follow it, and not at all when nobody does', async () => {
    let reads = 0;
    let idle = 0;
    const feed = new StandingsFeed(
      () => Promise.resolve({ reads: (reads += 1) }),
      () => (idle += 1),
      5,
    );
    const streams = [1, 2, 3].map(() => new StandingsStream(feed, undefined, options, () => undefined));
    for (const stream of streams) stream.resume();
    await eventually(() => (reads > 3 ? true : undefined));
    for (const stream of streams) stream.destroy();
    await eventually(() => (idle === 1 ? true : undefined));
    const then = reads;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(reads).toBeLessThanOrEqual(then + 1);
  });

  it('sends a slow client the latest alone, and holds no more than one board for it', async () => {
    let number = 0;
    const feed = new StandingsFeed(
      () => Promise.resolve({ number: (number += 1), padding: 'x'.repeat(50_000) }),
      () => undefined,
      1,
    );
    let isStalled = false;
    const stream = new StandingsStream(feed, undefined, options, () => (isStalled = true));
    const stuck = new Writable({ highWaterMark: 1, write: () => undefined });
    stream.pipe(stuck);
    let most = 0;
    await eventually(() => {
      most = Math.max(most, stream.readableLength);
      return isStalled && number > 50 ? true : undefined;
    });
    expect(most).toBeLessThan(2 * 51_000);
    stream.unpipe(stuck);
    let text = '';
    for await (const chunk of stream) {
      text += String(chunk);
      if (number > 60 && text.split('event: standings').length > 3) break;
    }
    const numbers = [...text.matchAll(/"number":(\d+)/g)].map(([, one]) => Number(one));
    // In order, with those left out that were overtaken.
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(numbers.at(-1)).toBeGreaterThan(50);
    expect(numbers.length).toBeLessThan(20);
  });

  it('goes on after a failure, with what was known meanwhile', async () => {
    let fails = false;
    let value = 1;
    const feed = new StandingsFeed(
      () => (fails ? Promise.reject(new Error('away')) : Promise.resolve({ value })),
      () => undefined,
      2,
    );
    const stream = new StandingsStream(feed, undefined, options, () => undefined);
    let text = '';
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await eventually(() => (text.includes('"value":1') ? true : undefined));
    fails = true;
    value = 2;
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(text).not.toContain('"value":2');
    fails = false;
    await eventually(() => (text.includes('"value":2') ? true : undefined));
    expect(text.split('"value":1')).toHaveLength(2);
    stream.destroy();
  });
});
