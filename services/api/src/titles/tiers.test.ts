import { titleRules, topics } from '@laurel/events';
import { kafkaClient, RecordProducer } from '@laurel/kafka';
import { builtInRules, publishedRules, titleRuleSchema } from '@laurel/titles';
import type { AwardsJson } from '../awards/awards.controller.js';
import { award, usage } from '../testing/events.js';
import { eventually } from '../testing/eventually.js';
import { testStack, type TestStack } from '../testing/stack.js';
import type { TrendsJson } from '../usage/trends.controller.js';
import type { UserJson } from '../usage/usage.controller.js';
import type { TitleRulesJson } from './title-rules.controller.js';
import type { TitlesJson } from './titles.controller.js';

const [legend, connoisseur] = builtInRules;
const tiered = titleRuleSchema.parse({
  ...legend,
  tiers: { by: 'value', levels: { gold: 1_000_000, bronze: 1000, silver: 50_000 } },
});
const yesterday = new Date(Date.now() - 86_400_000).toISOString();
const ofTeams = titleRuleSchema.parse({ ...legend, id: 'team_legend', scope: 'each_team' });

const get = async <T>(url: string): Promise<T> => (await (await fetch(url)).json()) as T;
const reached = (ordinal: number, user_id: string, tier: string, fields: Parameters<typeof award>[1] = {}) =>
  award(ordinal, { type: 'tier_reached', reason: 'above_threshold', user_id, tier, ...fields });
const lost = (ordinal: number, of: number, fields: Parameters<typeof award>[1]) =>
  award(ordinal, { type: 'tier_lost', reason: 'below_threshold', revokes: award(of).award_id, ...fields });

describe('tiers', () => {
  let stack: TestStack;
  let url: string;

  beforeAll(async () => {
    stack = await testStack();
    const kafka = kafkaClient({
      brokers: (process.env['LAUREL_TEST_KAFKA_BROKERS'] ?? '').split(','),
      clientId: 'tiers-test',
    });
    const producer = new RecordProducer(kafka, stack.environment['LAUREL_TOPIC_PREFIX'] ?? '');
    await producer.connect();
    await producer.send(topics.titleRules.name, [
      { key: 'titles', value: titleRules.encode(publishedRules([tiered, connoisseur, ofTeams], 1)) },
    ]);
    await producer.close();
    await stack.store(
      ['u-1', 'u-2', 'u-3', 'u-4', 'u-5'].map((user_id) =>
        usage({ user_id, team: 'red', occurred_at: yesterday, tokens: { input: 70_000 } }),
      ),
    );
    await stack.append([
      award(0),
      reached(1, 'u-1', 'silver', { value: 70_499 }),
      reached(2, 'u-2', 'gold'),
      award(3, { type: 'title_revoked', reason: 'overtaken', revokes: award(0).award_id }),
      award(4, { user_id: 'u-2', reason: 'overtook' }),
      reached(5, 'u-3', 'bronze'),
      lost(6, 2, { user_id: 'u-2', tier: 'gold', remaining_tier: 'silver' }),
      lost(7, 5, { user_id: '', reason: 'withheld' }),
    ]);
    ({ url } = await stack.startApi());
  });
  afterAll(() => stack.stop());

  it('are shown with what is had now, to each by the person’s own choice of how exact', async () => {
    const tiersOf = async (user: string) => (await get<UserJson>(`${url}/v1/users/${user}`)).tiers;
    expect(await tiersOf('u-1')).toEqual([
      {
        title_id: 'token_legend',
        scope: 'company',
        tier: 'silver',
        value: 70_499,
        unit: 'tokens',
        since: '2026-05-14T10:00:00.001Z',
        award_id: 'award-token_legend-1',
      },
    ]);
    expect(await tiersOf('u-2')).toMatchObject([{ tier: 'silver', award_id: 'award-token_legend-6' }]);
    expect(await tiersOf('u-3')).toEqual([]);
    await stack.choose('u-1', { figures: 'rounded' });
    await eventually(async () => ((await tiersOf('u-1'))?.[0]?.value === 70_000 ? true : undefined));
  });

  it('are shown with each title: the levels, and how many people have them', async () => {
    const { titles } = await get<TitlesJson>(`${url}/v1/titles`);
    expect(titles.map(({ tiers }) => tiers)).toEqual([
      {
        by: 'value',
        levels: [
          { tier: 'bronze', at: 1000, people: 0 },
          { tier: 'silver', at: 50_000, people: 2 },
          { tier: 'gold', at: 1_000_000, people: 0 },
        ],
        margin: { kind: 'relative', by: 0.1 },
      },
      null,
    ]);
  });

  it('are shown with the rules of all scopes, each with the scopes in which it compares people', async () => {
    const { titles } = await get<TitleRulesJson>(`${url}/v1/titles/rules`);
    expect(titles.map(({ id, scope, scopes }) => [id, scope, scopes])).toEqual([
      ['token_legend', 'company', ['company']],
      // Also where nobody has been active for long enough to have a value.
      ['model_connoisseur', 'company', ['company']],
      ['team_legend', 'each_team', ['team:red']],
    ]);
    expect(titles[0]?.tiers?.levels).toEqual([
      { tier: 'bronze', at: 1000 },
      { tier: 'silver', at: 50_000 },
      { tier: 'gold', at: 1_000_000 },
    ]);
  });

  it('are shown beside the people of a board', async () => {
    const { people } = await get<TrendsJson>(`${url}/v1/leaderboards/total_tokens/trends`);
    const tiersOf = (userId: string) => people.find(({ user_id }) => user_id === userId);
    expect(tiersOf('u-1')).toMatchObject({
      tiers: [{ title_id: 'token_legend', scope: 'company', tier: 'silver' }],
      tier_count: 1,
    });
    expect(tiersOf('u-4')).toMatchObject({ tiers: [], tier_count: 0 });
  });

  it('are not among the awards, which are of titles', async () => {
    const { awards } = await get<AwardsJson>(`${url}/v1/awards`);
    expect(awards.map(({ ordinal }) => ordinal)).toEqual([4, 3, 0]);
  });

  it('leave titles as of an earlier day as they were, and are not told of then', async () => {
    const asOf = async (day: string) => get<UserJson>(`${url}/v1/users/u-2?window=all&as_of=${day}`);
    const today = new Date().toISOString().slice(0, 10);
    expect(await asOf(today)).toMatchObject({ titles: [{ award_id: 'award-token_legend-4' }], tiers: null });
  });
});
