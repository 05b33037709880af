import { laurelClient, type Client, type Schemas } from '@laurel/client';
import { usage } from './testing/events.js';
import { testStack, type TestStack } from './testing/stack.js';

const yesterday = new Date(Date.now() - 86_400_000).toISOString();

describe('the typed client', () => {
  let stack: TestStack;
  let client: Client;

  beforeAll(async () => {
    stack = await testStack();
    await stack.store([usage({ user_id: 'u/1', occurred_at: yesterday, tokens: { input: 5, output: 2 } })]);
    const { url } = await stack.startApi();
    client = laurelClient({ url });
  });
  afterAll(() => stack.stop());

  it('reads a board, with paths, parameters and answers that the compiler knows', async () => {
    const { data } = await client.GET('/v1/leaderboards/{metric}', {
      params: { path: { metric: 'total_tokens' }, query: { window: '7d', limit: 5 } },
    });
    const [entry]: readonly Schemas['LeaderboardEntry'][] = data?.entries ?? [];
    expect(entry).toMatchObject({ user_id: 'u/1', rank: 1, value: '7', teams: [] });
    // @ts-expect-error there is no such metric
    await client.GET('/v1/leaderboards/{metric}', { params: { path: { metric: 'productivity' } } });
  });

  it('puts into a path what has to be encoded there', async () => {
    const { data } = await client.GET('/v1/users/{id}', { params: { path: { id: 'u/1' } } });
    expect(data?.totals.total_tokens).toBe('7');
  });

  it('gives a problem with its code instead of data', async () => {
    const { data, error, response } = await client.GET('/v1/users/{id}', { params: { path: { id: 'nobody' } } });
    expect(data).toBeUndefined();
    expect([response.status, error?.code]).toEqual([404, 'no_usage']);
  });

  it('shows who asks by a token', async () => {
    const asStranger = laurelClient({ url: (await stack.startApi()).url, token: `laurel_${'0'.repeat(43)}` });
    const { error } = await asStranger.GET('/v1/teams');
    expect(error?.code).toBe('invalid_token');
  });
});
