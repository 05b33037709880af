import type { PersonTitlesJson } from '../people/people.controller.js';
import { usage } from '../testing/events.js';
import { testStack, type TestStack } from '../testing/stack.js';
import type { TitlesJson } from './titles.controller.js';

const DAY_MS = 86_400_000;
const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;

describe('where one person stands', () => {
  let stack: TestStack;
  let url: string;

  beforeAll(async () => {
    stack = await testStack();
    await stack.store(
      ['ada', 'bo'].flatMap((user_id, person) =>
        [1, 2, 3, 4, 5, 6].flatMap((day) =>
          [0, 1, 2].map((session) =>
            usage({
              user_id,
              occurred_at: new Date(today - day * DAY_MS + (session + 1) * 3_600_000).toISOString(),
              session_id: `${user_id}-${day}-${session}`,
              model: ['claude-opus-4-5', 'gpt-5', 'gemini-2.5-pro'][(session + person) % 3],
              tokens: { input: 30_000, cache_read: 40_000 + person * 10_000, output: 1000 },
            }),
          ),
        ),
      ),
    );
    ({ url } = await stack.startApi());
  });
  afterAll(() => stack.stop());

  it('is told of themselves as it is in the lists of titles', async () => {
    const get = async <T>(path: string): Promise<T> => (await (await fetch(url + path)).json()) as T;
    const { titles } = await get<TitlesJson>('/v1/titles');
    const listed = titles.flatMap(({ id, standings }) =>
      standings.map(({ user_id: user, value, evidence, rank }) => ({ user, id, value, evidence, rank })),
    );
    expect(new Set(listed.map(({ id }) => id))).toEqual(
      new Set(['token_legend', 'model_connoisseur', 'cache_wizard', 'session_immortal']),
    );
    for (const user of ['ada', 'bo']) {
      const own = await get<PersonTitlesJson>(`/v1/users/${user}/titles`);
      const told = own.titles.map(({ title_id: id, value, evidence, rank }) => ({ user, id, value, evidence, rank }));
      expect(told).toEqual(expect.arrayContaining(listed.filter((one) => one.user === user)));
    }
  });
});
