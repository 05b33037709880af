import { outcomeEvent } from '@laurel/usage/fixture';
import { usage } from '../testing/events.js';
import { eventually } from '../testing/eventually.js';
import { testStack, type TestStack } from '../testing/stack.js';
import type { TitlesJson } from '../titles/titles.controller.js';
import type { PersonTitlesJson } from './people.controller.js';

const DAY_MS = 86_400_000;
const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
const at = (daysAgo: number): string => new Date(today - daysAgo * DAY_MS).toISOString();

describe('titles of outcomes', () => {
  let stack: TestStack;
  let url: string;

  beforeAll(async () => {
    stack = await testStack();
    const days = [16, 17, 18].map((ago) => ({ ago, tokens: 1_000_000 }));
    const after = [1, 2, 3].map((ago) => ({ ago, tokens: 500_000 }));
    const work = [
      ...[...days, ...after].map((one) => ({ ...one, user: 'dee' })),
      ...days.map((one) => ({ ...one, user: 'eve' })),
    ];
    await stack.store(
      work.map(({ user, ago, tokens }) => usage({ user_id: user, occurred_at: at(ago), tokens: { input: tokens } })),
    );
    await stack.storeOutcomes(
      work.map(({ user, ago }) =>
        outcomeEvent({ user_id: user, event_id: `o-${ago}`, occurred_at: at(ago), quantity: 10 }),
      ),
    );
    ({ url } = await stack.startApi());
  });
  afterAll(() => stack.stop());

  const get = async <T>(path: string): Promise<T> => (await fetch(url + path)).json() as Promise<T>;

  it('are measured for the board, and for a person who asks, against the same median', async () => {
    const evidence = {
      tokens: '1500000',
      points: '150',
      tokens_before: '3000000',
      points_before: '150',
      company_median_before: 20_000,
    };
    const { titles } = await get<TitlesJson>('/v1/titles');
    const sage = titles.find(({ id }) => id === 'frugal_sage');
    expect(sage).toMatchObject({
      metric: { kind: 'thrift_gain', weights: { commit: 5 } },
      unit: 'ratio',
      standings: [{ user_id: 'dee', rank: 1, value: 0.5, evidence }],
    });
    const own = await get<PersonTitlesJson>('/v1/users/dee/titles');
    const of = (id: string) => own.titles.find(({ title_id }) => title_id === id);
    expect(of('frugal_sage')).toMatchObject({ status: 'vacant', value: 0.5, lacks: [], evidence });
    // 300 points for 4.5 million tokens at 6 dollars a million, as calls of more than 200,000 cost.
    expect(of('master_crafter')).toMatchObject({
      status: 'not_eligible',
      value: 11.111111111111,
      unit: 'points_per_usd',
      lacks: [{ minimum: 'min_active_days', has: 6, needs: 10 }],
      evidence: { commit: '60', list_cost_micro_usd: '27000000' },
    });
    const others = await get<PersonTitlesJson>('/v1/users/eve/titles');
    expect(others.titles.find(({ title_id }) => title_id === 'frugal_sage')).toMatchObject({ value: 0, rank: null });
  });

  it('tell nothing of the median, which is somebody’s own figure, as long as not everybody is shown exactly', async () => {
    await stack.choose('eve', { figures: 'bands' });
    const evidenceOf = async (user: string): Promise<Readonly<Record<string, unknown>> | undefined> => {
      const { titles } = await get<PersonTitlesJson>(`/v1/users/${user}/titles`);
      return titles.find(({ title_id }) => title_id === 'frugal_sage')?.evidence;
    };
    // Nothing is told of the choice's owner once it is known.
    await eventually(async () => (Object.keys((await evidenceOf('eve')) ?? {}).length === 0 ? true : undefined));
    const own = await evidenceOf('dee');
    expect(own).toMatchObject({ tokens: '1500000', points_before: '150' });
    expect(own).not.toHaveProperty('company_median_before');
    const { titles } = await get<TitlesJson>('/v1/titles');
    expect(JSON.stringify(titles)).not.toContain('company_median_before');
  });
});
