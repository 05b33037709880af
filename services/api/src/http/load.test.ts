import autocannon from 'autocannon';
import { EventSource } from 'eventsource';
import { award, usage } from '../testing/events.js';
import { eventually } from '../testing/eventually.js';
import { testStack, type TestStack } from '../testing/stack.js';

const yesterday = new Date(Date.now() - 86_400_000).toISOString();
const STREAMS = 200;

/** How long anything takes is for `npm run bench -- load`: here is only whether it holds. */
describe('under many at once', () => {
  let stack: TestStack;
  const sources: EventSource[] = [];
  beforeAll(async () => {
    stack = await testStack();
    const people = Array.from({ length: 300 }, (_, index) => `u-${index}`);
    await stack.store(
      people.map((user_id, index) => usage({ user_id, occurred_at: yesterday, tokens: { input: 1_000_000 - index } })),
    );
  });
  afterAll(async () => {
    for (const source of sources) source.close();
    await stack.stop();
  });

  it('every stream is told of a change once, and every request is answered', async () => {
    const { url } = await stack.startApiProcess();
    const seen = Array.from({ length: STREAMS }, () => ({ boards: [] as string[], awards: 0 }));
    seen.forEach((one, index) => {
      const path = index % 2 === 0 ? '/v1/leaderboards/total_tokens/stream' : '/v1/awards/stream?last_event_id=-1';
      const source = new EventSource(url + path);
      sources.push(source);
      source.addEventListener('standings', ({ lastEventId }) => one.boards.push(lastEventId));
      source.addEventListener('award', () => (one.awards += 1));
    });
    const followers = (of: 'boards' | 'awards') => seen.filter((_, index) => (index % 2 === 0) === (of === 'boards'));
    await eventually(() => (followers('boards').every(({ boards }) => boards.length === 1) ? true : undefined));

    const [result] = await Promise.all([
      autocannon({
        url,
        connections: 50,
        amount: 3000,
        requests: [
          '/v1/leaderboards/total_tokens',
          '/v1/leaderboards/events?limit=250',
          '/v1/models',
          '/v1/teams',
          '/v1/titles',
          '/v1/awards',
        ].map((path) => ({ method: 'GET' as const, path })),
      }),
      stack.append([award(0)]),
      stack.store([usage({ user_id: 'u-299', occurred_at: yesterday, tokens: { input: 5_000_000 } })]),
    ]);
    expect({
      answered: result['2xx'],
      others: result.non2xx,
      errors: result.errors,
      timeouts: result.timeouts,
    }).toEqual({
      answered: 3000,
      others: 0,
      errors: 0,
      timeouts: 0,
    });
    await eventually(() => (followers('awards').every(({ awards }) => awards === 1) ? true : undefined));
    await eventually(() =>
      new Set(followers('boards').map(({ boards }) => boards.at(-1))).size === 1 ? true : undefined,
    );
    await eventually(() => (followers('boards').every(({ boards }) => boards.length >= 2) ? true : undefined));
    // Nobody was sent the same twice.
    for (const { boards } of followers('boards')) expect(new Set(boards).size).toBe(boards.length);
  });
});
